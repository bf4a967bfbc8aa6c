/** Decisions carried out, and what is told about them. */
import type { Inputs } from '../inputs.js';
import type { CacheListing, CacheRemoval } from '../native/index.js';
import { printable } from '../printable.js';
import type { Decision } from './policy.js';
import { counted, json, sizeText } from './report.js';

/** What has become of one decision; `planned`: nothing was done. */
export interface Removed {
  name: string;
  kind: Decision['kind'];
  why: Decision['why'];
  /** Of an entry's tree; null for what is none, whose size is not known. */
  bytes: number | null;
  outcome: CacheRemoval['outcome'] | 'planned';
  /** In words, for outcomes that are no success. */
  detail: string | null;
}

/** What was asked to go. */
export interface Removals {
  /** The cache. */
  path: string;
  /** Nothing was done. */
  dryRun: boolean;
  removed: Removed[];
  /** Settings that make no sense, a sentence each. */
  notices: readonly string[];
}

/**
 * Removes what was decided from the cache of `home`, or only tells it.
 *
 * @throws FuselageError `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`
 */
export function carryOut(
  decisions: readonly Decision[],
  listing: CacheListing,
  { home, dryRun, inputs }: { home: string; dryRun: boolean; inputs: Inputs },
): Removed[] {
  const results =
    dryRun || decisions.length === 0
      ? []
      : inputs.cacheRemove(
          home,
          decisions.map(({ name, kind, token }) => ({ name, kind, token })),
        );
  const sizes = new Map(listing.entries.map(({ name, bytes }) => [name, bytes]));
  return decisions.map(({ name, kind, why }, index) => ({
    name,
    kind,
    why,
    bytes: kind === 'entry' ? (sizes.get(name) ?? 0) : null,
    outcome: results[index]?.outcome ?? 'planned',
    detail: results[index]?.why ?? null,
  }));
}

/** Whether something that was to go could not be removed. */
export function hasFailed(removed: readonly Removed[]): boolean {
  return removed.some(({ outcome }) => outcome === 'failed');
}

/** Entries that are gone, or would be; what is in use goes later. */
function goneEntries(removed: readonly Removed[]): Removed[] {
  return removed.filter(
    ({ kind, outcome }) => kind === 'entry' && ['removed', 'planned'].includes(outcome),
  );
}

function sumOf(removed: readonly Removed[]): number {
  return removed.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
}

/** The report for programs; its keys are documented and stay. */
export function removalsJson({ path, dryRun, removed, notices }: Removals): string {
  return json({ path, dryRun, bytes: sumOf(goneEntries(removed)), removed, notices });
}

const WHY: Record<Decision['why'], string> = {
  age: 'unused for too long',
  size: 'above the maximal size',
  asked: 'asked for',
  invalid: 'no run can use it',
  leaving: 'no entry',
  trash: 'evicted earlier',
};

const OUTCOME: Record<Removed['outcome'], string> = {
  planned: 'would go',
  removed: 'gone',
  inUse: 'evicted; deleted when nobody sees it any more',
  unknown: 'evicted; deleted later, as nobody can tell who sees it',
  busy: 'stays: it is being used or built',
  changed: 'stays: it has changed meanwhile',
  failed: 'could not be removed',
};

/** The report for people. */
export function removalsText({ dryRun, removed, notices }: Removals): string {
  const lines = removed.map(({ name, why, bytes, outcome, detail }) => {
    const size = bytes === null ? '' : `, ${sizeText(bytes)}`;
    const cause = detail === null ? '' : ` (${printable(detail)})`;
    return `${printable(name)}${size}: ${WHY[why]}; ${OUTCOME[outcome]}${cause}\n`;
  });
  const gone = goneEntries(removed);
  const others = removed.filter(
    ({ kind, outcome }) => kind !== 'entry' && ['removed', 'planned'].includes(outcome),
  ).length;
  const sum = `${counted(gone.length, 'entry', 'entries')}, ${sizeText(sumOf(gone))}`;
  const besides = others === 0 ? '' : `, and ${counted(others, 'leaving')}`;
  const verdict = dryRun ? 'Would remove' : 'Removed';
  const notes = notices.map((notice) => `note: ${printable(notice)}\n`).join('');
  return `${lines.join('')}${lines.length > 0 ? '\n' : ''}${verdict} ${sum}${besides}.\n${notes}`;
}
