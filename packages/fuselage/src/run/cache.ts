import { toPlanPath } from '../bytes.js';
import type { CacheUse } from '../config/cache.js';
import type { CachePlan, Namespaces, Step } from '../native/plan-types.js';
import type { ProcdirPlan } from './procdir.js';
import type { CacheRequest } from './request.js';

/** What the cache of a run can be used for. */
export interface CacheFacts {
  /** What it was asked for. */
  use: CacheUse;
  /** Why it is not used although it was asked for, in words; null: it is. */
  whyNot: string | null;
  /** What there is to say about it in a reason, behind it; else empty. */
  how: string;
}

/** Whether trees of this kind are wanted from the cache. */
export function isAskedFor(use: CacheUse, kind: 'static' | 'dynamic'): boolean {
  return use === 'all' || (use === 'static' && kind === 'static');
}

/**
 * What the cache can be used for: without a home further caches alone, and real files not at all,
 * which are removed when the command ends.
 */
export function cacheFacts(
  { use, others }: CacheRequest,
  namespaces: Namespaces,
  procdir: ProcdirPlan,
): CacheFacts {
  if (namespaces === 'none') return { use, whyNot: 'real files are a copy of their own', how: '' };
  if (procdir.home !== null) return { use, whyNot: null, how: '' };
  // Of the home, which planProcdir tells first.
  const why = `there is no usable home (${procdir.reasons[0]?.why})`;
  if (others.paths.length === 0) return { use, whyNot: why, how: '' };
  return { use, whyNot: null, how: `, further caches alone since ${why}` };
}

/** How the cache is used besides the steps, and what the user should know of it. */
export function planCache(
  { use, others, limits }: CacheRequest,
  { whyNot }: CacheFacts,
  trees: { steps: readonly Step[]; missCache: boolean },
  { hasHome, isCi, namespaces }: { hasHome: boolean; isCi: boolean; namespaces: Namespaces },
): { cache: CachePlan; notices: string[] } {
  const isUsed = trees.steps.some(({ step }) => step === 'cache');
  const background = !isCi;
  const mayEvict = hasHome && use !== 'off';
  const hasLimits = limits.maxAgeDays !== 0 || limits.maxSize !== null;
  // That real files come from no cache is as it should be, and stands in the reasons.
  const isMissed = trees.missCache && namespaces !== 'none';
  return {
    cache: {
      others: isUsed ? others.paths.map(toPlanPath) : [],
      background,
      prune: mayEvict && hasLimits && background,
    },
    notices: [
      ...(isMissed ? [`the cache is not used: ${whyNot}`] : []),
      ...(isUsed || isMissed ? others.notices : []),
      ...(mayEvict ? limits.notices : []),
    ],
  };
}
