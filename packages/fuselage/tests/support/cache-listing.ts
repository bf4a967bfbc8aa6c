/** What a test says is in a cache. */
import type { CacheEntryFacts, CacheLeaving, CacheListing } from '../../src/native/index.js';

/** When the test is: 2026-11-25, 12:00 UTC. */
export const NOW = Date.UTC(2026, 10, 25, 12);

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The name of an entry: the same digit 64 times. */
export function entryName(digit: string, kind: CacheEntryFacts['kind'] = 'tree'): string {
  return `${digit.repeat(64)}-1${kind === 'image' ? '.sfs' : ''}`;
}

/**
 * A good entry that nobody has.
 *
 * @param digit - its digest is that 64 times
 * @param unused - milliseconds since its last use
 */
export function cacheEntry(
  digit: string,
  unused: number,
  more: Partial<CacheEntryFacts> = {},
): CacheEntryFacts {
  const name = entryName(digit, more.kind);
  return {
    name,
    kind: 'tree',
    digest: digit.repeat(64),
    source: `${digit}.zip`,
    archiveFormat: 'zip',
    archiveBytes: 500,
    entries: 3,
    bytes: 1000,
    created: NOW / SECOND - 40 * 86_400,
    lastUse: NOW - unused,
    synced: true,
    state: 'valid',
    why: null,
    inUse: 'no',
    token: `token of ${name}`,
    ...more,
  };
}

/**
 * Something that nobody has and whose builder is gone.
 *
 * @param unchanged - milliseconds since its last change
 */
export function leaving(
  name: string,
  unchanged: number,
  more: Partial<CacheLeaving> = {},
): CacheLeaving {
  return {
    name,
    kind: 'data',
    changed: NOW - unchanged,
    inUse: 'no',
    alive: false,
    token: `token of ${name}`,
    ...more,
  };
}

/** A cache that is seen as a whole. */
export function cacheListing(more: Partial<CacheListing> = {}): CacheListing {
  return {
    path: '/home/u/.fuselage/cache',
    now: NOW,
    entries: [],
    leavings: [],
    sight: 'whole',
    why: null,
    lastPrune: null,
    ...more,
  };
}
