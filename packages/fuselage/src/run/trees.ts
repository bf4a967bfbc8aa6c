import { toPlanPath } from '../bytes.js';
import { FuselageError } from '../errors.js';
import type { ArchiveFacts } from '../native/index.js';
import type {
  ExtractLimits,
  Place,
  ReadOnlyWay,
  Reason,
  SearchTree,
  Step,
} from '../native/plan-types.js';
import { imageOf } from './images.js';
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
  /** How a static tree becomes read-only. */
  readOnly: ReadOnlyWay;
  /** Why the kernel cannot mount images, in words; null: it can. */
  whyNoImageMounts: string | null;
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
  const { limits, jobs, readOnly: how } = settings;
  const archive = archiveSteps(tree.file, known, id);
  const is = `\`${tree.file}\` is ${known.looksLike}`;
  const decoded = known.encoding === 'base64' ? 'decoded, ' : '';
  const explain = (strategy: string, why: string) => ({
    subject,
    strategy: decoded + strategy,
    why,
    at,
  });
  const extract: Step = { step: 'extract', id, ...archive.input, at, limits, jobs };
  if (tree.kind === 'dynamic') {
    const reason = explain('extracted', `${is}; the copy is this run's own`);
    return { steps: [...archive.before, extract], search, reason };
  }
  if (how === 'permissions') {
    const reason = explain(
      'extracted, then without write permission',
      `${is}; its owner can give the permission back, and root needs none`,
    );
    return { steps: [...archive.before, extract, readOnly(id, how)], search, reason };
  }
  const image = imageOf(known, settings.whyNoImageMounts);
  if (typeof image === 'string') {
    const reason = explain('extracted, then read-only', `${is}; ${image}`);
    return { steps: [...archive.before, extract, readOnly(id, how)], search, reason };
  }
  const mount: Step = { step: 'image', id, source: archive.input.source, ...image, at };
  const reason = explain('mounted', `${is}, and the kernel can mount it`);
  return { steps: [...archive.before, mount], search, reason };
}

/** What an `extract` step reads. */
type Input = Pick<Extract<Step, { step: 'extract' }>, 'source' | 'format' | 'offset'>;

/** The steps before an archive can be extracted, and what is extracted then. */
function archiveSteps(
  path: string,
  facts: ArchiveFacts,
  id: string,
): { before: Step[]; input: Input } {
  const file = { path: toPlanPath(path), identity: facts.identity };
  if (facts.encoding === 'plain') {
    return { before: [], input: { source: file, format: facts.format, offset: facts.offset } };
  }
  const decoded = `${id}-decoded`;
  return {
    before: [{ step: 'decode', id: decoded, source: file }],
    input: { source: { decoded }, format: null, offset: 0 },
  };
}

function readOnly(tree: string, how: ReadOnlyWay): Step {
  return { step: 'readOnly', id: `${tree}-read-only`, tree, how };
}

/**
 * The facts of an archive that can be used: of a format that is known, or of text that shows it when
 * it is decoded.
 *
 * @throws FuselageError `ERR_ARCHIVE_UNRECOGNISED`
 */
export function recognised(file: string, facts: ArchiveFacts | undefined): ArchiveFacts {
  if (facts !== undefined && (facts.format !== null || facts.encoding !== 'plain')) return facts;
  const looksLike = facts?.looksLike ?? 'nothing that was looked at';
  const advice = facts?.advice ?? null;
  throw new FuselageError(
    'ERR_ARCHIVE_UNRECOGNISED',
    `the archive \`${file}\` is of no format that fuselage reads`,
    {
      causes: [`it looks like ${looksLike}`],
      hints: [
        ...(advice === null ? [] : [advice]),
        `accepted are: ${facts?.accepted.join(', ') ?? 'none'}`,
      ],
    },
  );
}
