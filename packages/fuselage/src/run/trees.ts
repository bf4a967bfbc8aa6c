import { toPlanPath } from '../bytes.js';
import { FuselageError } from '../errors.js';
import type { ArchiveFacts } from '../native/index.js';
import type { ExtractLimits, Place, Reason, SearchTree, Step } from '../native/plan-types.js';
import type { TreeRequest } from './request.js';

/** How one tree is made. */
export interface TreePlan {
  /** The steps, in order. */
  steps: Step[];
  /** What `--run` looks through. */
  search: SearchTree;
  /** Which strategy, and why. */
  reason: Reason;
}

/** What all trees of a run have in common. */
export interface TreeSettings {
  /** What an archive may at most unpack to. */
  limits: ExtractLimits;
  /** Threads; null: one a processor. */
  jobs: number | null;
}

/** A place below the private directory. */
export function inProcdir(path: string): Place {
  return { procdir: toPlanPath(path) };
}

/**
 * Chooses how `tree` is made.
 *
 * @param id - of its step, unique in the plan
 * @throws FuselageError `ERR_ARCHIVE_UNRECOGNISED`
 */
export function planTree(
  tree: TreeRequest,
  id: string,
  facts: ArchiveFacts | undefined,
  settings: TreeSettings,
): TreePlan {
  const at = inProcdir(`${tree.kind === 'static' ? 'static' : 'dynamic'}/${tree.name}`);
  const search = { name: toPlanPath(tree.name), at };
  const subject = `${tree.kind} ${tree.name}`;
  if (tree.kind === 'empty') {
    const reason = { subject, strategy: 'made empty', why: 'asked for as --dynamic-empty', at };
    return { steps: [{ step: 'directory', id, at }], search, reason };
  }
  const known = recognised(tree.file, facts);
  const extract: Step = {
    step: 'extract',
    id,
    source: { path: toPlanPath(tree.file), identity: known.identity },
    format: known.format,
    offset: known.offset,
    at,
    limits: settings.limits,
    jobs: settings.jobs,
  };
  if (tree.kind === 'dynamic') {
    const why = `\`${tree.file}\` is ${known.looksLike}; the copy is this run's own`;
    return { steps: [extract], search, reason: { subject, strategy: 'extracted', why, at } };
  }
  const why = `\`${tree.file}\` is ${known.looksLike}, which the kernel cannot mount`;
  return {
    steps: [extract, { step: 'readOnly', id: `${id}-read-only`, tree: id }],
    search,
    reason: { subject, strategy: 'extracted, then read-only', why, at },
  };
}

function recognised(
  file: string,
  facts: ArchiveFacts | undefined,
): ArchiveFacts & { format: string } {
  if (facts !== undefined && facts.format !== null) return { ...facts, format: facts.format };
  const looksLike = facts?.looksLike ?? 'nothing that was looked at';
  throw new FuselageError(
    'ERR_ARCHIVE_UNRECOGNISED',
    `the archive \`${file}\` is of no format that fuselage reads`,
    {
      causes: [`it looks like ${looksLike}`],
      hints: [`accepted are: ${facts?.accepted.join(', ') ?? 'none'}`],
    },
  );
}
