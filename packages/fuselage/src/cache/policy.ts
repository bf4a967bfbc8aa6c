/** What goes from a cache: entries in, decisions out. Rust removes, and only what is still so. */
import type { CacheLimits } from '../config/cache.js';
import type {
  CacheDecision,
  CacheEntryFacts,
  CacheLeaving,
  CacheListing,
} from '../native/index.js';

/**
 * Why something goes. `age`, `size`: an entry that is above a limit. `asked`: an entry, since all are
 * to go. `invalid`: an entry that no run can use. `leaving`: something that is no entry. `trash`:
 * evicted earlier.
 */
export type Why = 'age' | 'size' | 'asked' | 'invalid' | 'leaving' | 'trash';

/** One thing that goes, and why. */
export interface Decision extends CacheDecision {
  why: Why;
}

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

/** Used more recently than that, an entry stays whatever the limits are: a run may be starting. */
const JUST_USED = 60 * SECOND;

/** A leaving that is younger may be the work of somebody who is not seen. */
const LEAVING_AGE = HOUR;

/** Of whom nobody can see, runs are taken to be over after that. */
const UNSEEN_AGE = DAY;

/**
 * What is to go by the limits, in the order in which it is to be removed.
 *
 * @param listing - what is there; times in milliseconds since the epoch
 */
export function decide(listing: CacheListing, limits: CacheLimits): Decision[] {
  const { now } = listing;
  const trash = trashOf(listing);
  const leavings = limits.maxAgeDays === 0 ? [] : leavingsOf(listing, LEAVING_AGE);
  const left: CacheEntryFacts[] = [];
  const old: Decision[] = [];
  for (const entry of listing.entries) {
    const why = limits.maxAgeDays === 0 ? null : tooOld(entry, now, limits.maxAgeDays);
    if (why === null) left.push(entry);
    else old.push(entryDecision(entry, why));
  }
  return [...trash, ...leavings, ...old, ...aboveSize(left, now, limits.maxSize)];
}

/** What is to go so that only what is in use stays. */
export function clear(listing: CacheListing): Decision[] {
  const { now } = listing;
  const entries = listing.entries
    .filter((entry) => mayGo(entry.inUse, age(entry.lastUse, now)))
    .map((entry) => entryDecision(entry, entry.state === 'invalid' ? 'invalid' : 'asked'));
  return [...trashOf(listing), ...leavingsOf(listing, 0), ...entries];
}

/** Milliseconds since `time`; what lies in the future is now. */
function age(time: number, now: number): number {
  return Math.max(0, now - time);
}

/** Whether nobody has it, or nobody who could is likely to be there any more. */
function mayGo(inUse: CacheEntryFacts['inUse'], since: number): boolean {
  return inUse === 'no' || (inUse === 'unknown' && since > UNSEEN_AGE);
}

function mayGoLeaving(leaving: CacheLeaving, now: number): boolean {
  return mayGo(leaving.inUse, age(leaving.changed, now));
}

function tooOld(entry: CacheEntryFacts, now: number, days: number): 'age' | 'invalid' | null {
  const unused = age(entry.lastUse, now);
  if (unused < JUST_USED || !mayGo(entry.inUse, unused)) return null;
  if (unused > days * DAY) return 'age';
  return entry.state === 'invalid' && unused > LEAVING_AGE ? 'invalid' : null;
}

/** Least recently used first, until what is left fits. */
function aboveSize(
  entries: readonly CacheEntryFacts[],
  now: number,
  maxSize: number | null,
): Decision[] {
  if (maxSize === null) return [];
  let sum = entries.reduce((bytes, entry) => bytes + entry.bytes, 0);
  const decisions: Decision[] = [];
  const byUse = [...entries].sort(
    (a, b) => age(b.lastUse, now) - age(a.lastUse, now) || (a.name < b.name ? -1 : 1),
  );
  for (const entry of byUse) {
    if (sum <= maxSize) break;
    const unused = age(entry.lastUse, now);
    // One without bytes would go for nothing.
    if (entry.bytes === 0 || unused < JUST_USED || !mayGo(entry.inUse, unused)) continue;
    sum -= entry.bytes;
    decisions.push(entryDecision(entry, 'size'));
  }
  return decisions;
}

/** What is no entry, and nobody's work any more: of those that did not change for longer than `since`. */
function leavingsOf({ leavings, now }: CacheListing, since: number): Decision[] {
  const isIdle = ({ kind, alive }: CacheLeaving) => kind !== 'trash' && !alive;
  const isOld = ({ changed }: CacheLeaving) => since === 0 || age(changed, now) > since;
  return leavings
    .filter((leaving) => isIdle(leaving) && isOld(leaving) && mayGoLeaving(leaving, now))
    .map((leaving) => leavingDecision(leaving, 'leaving'));
}

/** It has been decided before, so no limit is asked again. */
function trashOf({ leavings, now }: CacheListing): Decision[] {
  return leavings
    .filter((leaving) => leaving.kind === 'trash' && mayGoLeaving(leaving, now))
    .map((leaving) => leavingDecision(leaving, 'trash'));
}

function entryDecision({ name, token }: CacheEntryFacts, why: Why): Decision {
  return { name, kind: 'entry', token, why };
}

function leavingDecision({ name, kind, token }: CacheLeaving, why: Why): Decision {
  return { name, kind, token, why };
}
