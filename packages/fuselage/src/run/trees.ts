import { toPlanPath } from '../bytes.js';
import type { Writable } from '../config/cache.js';
import { FuselageError } from '../errors.js';
import type { ArchiveFacts } from '../native/index.js';
import type { ExtractLimits, ReadOnlyWay, Reason, SearchTree, Step } from '../native/plan-types.js';
import type { TreeArchive } from './archive-steps.js';
import { type CacheFacts, isAskedFor } from './cache.js';
import { planDynamic } from './dynamic-tree.js';
import type { OverlayFacts } from './overlay.js';
import { inProcdir } from './places.js';
import type { TreeRequest } from './request.js';
import { planStatic } from './static-tree.js';

/** How one tree is made. */
export interface TreePlan {
  /** Directories that the steps need, before the steps of any tree; some may be those of others. */
  directories: Step[];
  /** The steps, in order. */
  steps: Step[];
  /** What `--run` looks through. */
  search: SearchTree;
  /** Which strategy, and why. */
  reason: Reason;
  /** Whether it would come from the cache, were that not impossible. */
  missesCache: boolean;
}

/** How a tree of an archive is made. */
export interface ArchivePlan {
  /** As in {@link TreePlan}; none unless told. */
  directories?: Step[];
  steps: Step[];
  strategy: string;
  /** Why, behind what the archive is. */
  why: string;
  /** As in {@link TreePlan}; false unless told. */
  missesCache?: boolean;
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
  /** What the cache is used for. */
  cache: CacheFacts;
  /** How a dynamic tree is made writable. */
  writable: Writable;
  /** From how many bytes of the archive's file on `auto` means an overlay. */
  overlayFrom: number;
  /** How overlays are mounted. */
  overlay: OverlayFacts;
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
    const steps: Step[] = [{ step: 'directory', id, at }];
    return { directories: [], steps, search, reason, missesCache: false };
  }
  const known = recognised(tree.file, facts);
  const { limits, jobs } = settings;
  const archive: TreeArchive = { id, path: tree.file, facts: known, at, limits, jobs };
  const isCacheAskedFor = isAskedFor(settings.cache.use, tree.kind);
  const made =
    tree.kind === 'static'
      ? planStatic(archive, settings, isCacheAskedFor)
      : planDynamic(archive, tree.name, settings, isCacheAskedFor);
  const { directories = [], steps, strategy, missesCache = false } = made;
  const why = `\`${tree.file}\` is ${known.looksLike}${made.why}`;
  return { directories, steps, search, reason: { subject, strategy, why, at }, missesCache };
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
