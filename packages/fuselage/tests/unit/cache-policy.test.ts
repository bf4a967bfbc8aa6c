import fc from 'fast-check';

import { clear, decide } from '../../src/cache/policy.js';
import type { CacheLimits } from '../../src/config/cache.js';
import type { CacheEntryFacts, CacheLeaving, CacheListing } from '../../src/native/index.js';
import {
  cacheEntry,
  cacheListing,
  DAY,
  HOUR,
  leaving,
  MINUTE,
  NOW,
  SECOND,
} from '../support/cache-listing.js';

const LIMITS: CacheLimits = { maxAgeDays: 30, maxSize: null };
const ORPHAN = `${'c'.repeat(64)}-1.sfs`;

const gone = (listing: Partial<CacheListing>, limits: Partial<CacheLimits> = {}) =>
  decide(cacheListing(listing), { ...LIMITS, ...limits }).map(({ name, why }) => [name, why]);

describe("what the original's reaper did", () => {
  const image = (unused: number) => cacheEntry('a', unused, { kind: 'image' });
  const tree = (unused: number) => cacheEntry('b', unused);
  const tenSeconds = { maxAgeDays: 10 / 86_400 };

  test('an old image goes', () => {
    const entry = image(31 * DAY);
    expect(gone({ entries: [entry] })).toEqual([[entry.name, 'age']]);
  });

  test('an old tree goes', () => {
    const entry = tree(31 * DAY);
    expect(gone({ entries: [entry] })).toEqual([[entry.name, 'age']]);
  });

  test('used 30 s ago, it stays although 10 s are the most', () => {
    expect(gone({ entries: [tree(30 * SECOND)] }, tenSeconds)).toEqual([]);
    expect(gone({ entries: [tree(61 * SECOND)] }, tenSeconds)).toHaveLength(1);
  });

  test('used 10 days ago, it stays at 30', () => {
    expect(gone({ entries: [tree(10 * DAY)] })).toEqual([]);
  });

  test('data of an image without a sentinel goes after two hours', () => {
    expect(gone({ leavings: [leaving(ORPHAN, 2 * HOUR)] })).toEqual([[ORPHAN, 'leaving']]);
  });

  test('and stays for ten minutes', () => {
    expect(gone({ leavings: [leaving(ORPHAN, 10 * MINUTE)] })).toEqual([]);
  });

  // A cache that is missing is listed as an empty one.
  test.each([
    ['missing', cacheListing({ path: '/nowhere/cache' })],
    ['empty', cacheListing()],
  ])('a cache that is %s: nothing happens', (_, listing) => {
    expect(decide(listing, { maxAgeDays: 1, maxSize: 1 })).toEqual([]);
    expect(clear(listing)).toEqual([]);
  });
});

describe('age', () => {
  test('a last use in the future is now', () => {
    expect(gone({ entries: [cacheEntry('a', -400 * DAY)] }, { maxAgeDays: 1e-9 })).toEqual([]);
  });

  test('0 disables it, for leavings too, and trash goes all the same', () => {
    const listing = {
      entries: [cacheEntry('a', 999 * DAY), cacheEntry('b', 999 * DAY, { state: 'invalid' })],
      leavings: [leaving('x', 999 * DAY), leaving('trash/1', 0, { kind: 'trash' })],
    };
    expect(gone(listing, { maxAgeDays: 0 })).toEqual([['trash/1', 'trash']]);
  });

  test('in use stays; where nobody can tell, it goes', () => {
    const used = (inUse: CacheEntryFacts['inUse']) => cacheEntry('a', 31 * DAY, { inUse });
    expect(gone({ entries: [used('yes')] })).toEqual([]);
    expect(gone({ entries: [used('unknown')] })).toHaveLength(1);
  });

  test('where nobody can tell, a day is the least', () => {
    const used = (unused: number) => cacheEntry('a', unused, { inUse: 'unknown' });
    expect(gone({ entries: [used(23 * HOUR)] }, { maxAgeDays: 0.5 })).toEqual([]);
    expect(gone({ entries: [used(25 * HOUR)] }, { maxAgeDays: 0.5 })).toHaveLength(1);
  });

  test('one that no run can use goes after an hour', () => {
    const invalid = (unused: number) => cacheEntry('a', unused, { state: 'invalid', bytes: 0 });
    expect(gone({ entries: [invalid(59 * MINUTE)] })).toEqual([]);
    expect(gone({ entries: [invalid(61 * MINUTE)] })).toEqual([[invalid(0).name, 'invalid']]);
  });
});

describe('size', () => {
  const [a, b, c] = [cacheEntry('a', 3 * HOUR), cacheEntry('b', 2 * HOUR), cacheEntry('c', HOUR)];
  const entries = [b, c, a];

  test('the least recently used goes first, until the rest fits', () => {
    expect(gone({ entries }, { maxSize: 3000 })).toEqual([]);
    expect(gone({ entries }, { maxSize: 2999 })).toEqual([[a.name, 'size']]);
    expect(gone({ entries }, { maxSize: 1000 })).toEqual([
      [a.name, 'size'],
      [b.name, 'size'],
    ]);
  });

  test('it holds also where age is disabled', () => {
    expect(gone({ entries }, { maxSize: 2000, maxAgeDays: 0 })).toEqual([[a.name, 'size']]);
  });

  test('what has gone by age counts no more', () => {
    const old = cacheEntry('d', 31 * DAY);
    expect(gone({ entries: [...entries, old] }, { maxSize: 3000 })).toEqual([[old.name, 'age']]);
  });

  test('what stays for another reason counts, and the next one goes', () => {
    const held = [{ ...a, inUse: 'yes' as const }, { ...b, inUse: 'unknown' as const }, c];
    expect(gone({ entries: held }, { maxSize: 2000 })).toEqual([[c.name, 'size']]);
    const fresh = [cacheEntry('a', 59 * SECOND), cacheEntry('b', 30 * SECOND)];
    expect(gone({ entries: fresh }, { maxSize: 1 })).toEqual([]);
  });
});

describe('leavings', () => {
  const kinds = ['data', 'list', 'staging', 'temporary', 'lock', 'index'] as const;

  test.each(kinds)('%s goes after an hour, unless its builder lives or it is seen', (kind) => {
    const of = (unchanged: number, more: Partial<CacheLeaving> = {}) =>
      gone({ leavings: [leaving('x', unchanged, { kind, ...more })] });
    expect(of(61 * MINUTE)).toEqual([['x', 'leaving']]);
    expect(of(59 * MINUTE)).toEqual([]);
    expect(of(-HOUR)).toEqual([]);
    expect(of(9 * DAY, { alive: true })).toEqual([]);
    expect(of(9 * DAY, { inUse: 'yes' })).toEqual([]);
    expect(of(23 * HOUR, { inUse: 'unknown' })).toEqual([]);
    expect(of(25 * HOUR, { inUse: 'unknown' })).toEqual([['x', 'leaving']]);
  });

  test('trash goes at once, but never what is seen', () => {
    const of = (unchanged: number, inUse: CacheLeaving['inUse']) =>
      gone({ leavings: [leaving('trash/1', unchanged, { kind: 'trash', inUse })] });
    expect(of(0, 'no')).toEqual([['trash/1', 'trash']]);
    expect(of(99 * DAY, 'yes')).toEqual([]);
    expect(of(23 * HOUR, 'unknown')).toEqual([]);
    expect(of(25 * HOUR, 'unknown')).toEqual([['trash/1', 'trash']]);
  });
});

test('clear: all that is not in use, however young', () => {
  const listing = cacheListing({
    entries: [
      cacheEntry('a', 0),
      cacheEntry('b', 99 * DAY, { inUse: 'yes' }),
      cacheEntry('c', 23 * HOUR, { inUse: 'unknown' }),
      cacheEntry('d', 25 * HOUR, { inUse: 'unknown' }),
      cacheEntry('e', 0, { state: 'invalid' }),
    ],
    leavings: [
      leaving('x', 0),
      leaving('y', 0, { kind: 'staging', alive: true }),
      leaving('trash/1', 0, { kind: 'trash' }),
      leaving('trash/2', 0, { kind: 'trash', inUse: 'yes' }),
    ],
  });
  expect(clear(listing).map(({ name, why }) => [name.slice(0, 7), why])).toEqual([
    ['trash/1', 'trash'],
    ['x', 'leaving'],
    ['aaaaaaa', 'asked'],
    ['ddddddd', 'asked'],
    ['eeeeeee', 'invalid'],
  ]);
});

describe('whatever there is', () => {
  const inUse = fc.constantFrom('yes' as const, 'no' as const, 'unknown' as const);
  const time = fc.integer({ min: -DAY, max: 60 * DAY });
  const entries = fc.uniqueArray(
    fc.record({
      digit: fc.constantFrom(...'0123456789abcdef'),
      unused: time,
      bytes: fc.integer({ min: 0, max: 1000 }),
      state: fc.constantFrom('valid' as const, 'doubtful' as const, 'invalid' as const),
      inUse,
    }),
    { selector: ({ digit }) => digit },
  );
  const leavings = fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('l1', 'l2', 'l3', 'l4'),
      unchanged: time,
      kind: fc.constantFrom('data' as const, 'staging' as const, 'trash' as const),
      inUse,
      alive: fc.boolean(),
    }),
    { selector: ({ name }) => name },
  );
  const listings = fc.record({ entries, leavings }).map((made) =>
    cacheListing({
      entries: made.entries.map(({ digit, unused, ...more }) => cacheEntry(digit, unused, more)),
      leavings: made.leavings.map(({ name, unchanged, ...more }) => leaving(name, unchanged, more)),
    }),
  );
  const limits = fc.record({
    maxAgeDays: fc.constantFrom(0, 0.0001, 1, 30),
    maxSize: fc.option(fc.integer({ min: 1, max: 5000 })),
  });

  test('each goes once, as it was listed, and nothing that is in use', () => {
    fc.assert(
      fc.property(listings, limits, (listing, given) => {
        for (const decisions of [decide(listing, given), clear(listing)]) {
          expect(new Set(decisions.map(({ name }) => name)).size).toBe(decisions.length);
          const all = [...listing.entries, ...listing.leavings];
          for (const decision of decisions) {
            const found = all.find(({ name }) => name === decision.name);
            expect(found?.token).toBe(decision.token);
            expect(found?.inUse).not.toBe('yes');
            if (found !== undefined && 'alive' in found && found.kind !== 'trash') {
              expect(found.alive).toBe(false);
            }
          }
        }
      }),
    );
  });

  test('just used stays; the rest fits, or nothing more may go; one less would not do', () => {
    fc.assert(
      fc.property(listings, limits, (listing, given) => {
        const decisions = decide(listing, given);
        const goes = new Map(decisions.map(({ name, why }) => [name, why]));
        const stay = listing.entries.filter(({ name }) => !goes.has(name));
        const sum = stay.reduce((bytes, entry) => bytes + entry.bytes, 0);
        for (const entry of listing.entries.filter(({ name }) => goes.has(name))) {
          expect(NOW - entry.lastUse).toBeGreaterThanOrEqual(60 * SECOND);
        }
        if (given.maxSize === null) return;
        if (sum > given.maxSize) {
          const could = stay.filter(
            ({ bytes, inUse, lastUse }) =>
              bytes > 0 && inUse === 'no' && NOW - lastUse >= 60 * SECOND,
          );
          expect(could).toEqual([]);
        }
        const bySize = listing.entries.filter(({ name }) => goes.get(name) === 'size');
        const last = bySize.sort((a, b) => b.lastUse - a.lastUse)[0];
        if (last !== undefined) expect(sum + last.bytes).toBeGreaterThan(given.maxSize);
      }),
    );
  });

  test('what has been decided is decided: a second pass finds nothing more', () => {
    fc.assert(
      fc.property(listings, limits, (listing, given) => {
        const goes = new Set(decide(listing, given).map(({ name }) => name));
        const rest = {
          ...listing,
          entries: listing.entries.filter(({ name }) => !goes.has(name)),
          leavings: listing.leavings.filter(({ name }) => !goes.has(name)),
        };
        expect(decide(rest, given)).toEqual([]);
      }),
    );
  });
});
