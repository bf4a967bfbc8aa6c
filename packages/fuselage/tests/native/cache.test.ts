import { chownSync, existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CacheDecision, CacheListing } from '../../src/native/addon.js';
import { addon } from '../../src/native/index.js';
import { rootTest } from '../support/must-mount.js';
import { freshDirectory } from '../support/places.js';
import { ordinaryUser } from '../support/run-fuselage.js';

const bytes = (path: string) => Buffer.from(path);
const DIGEST = 'ab'.repeat(32);
const NAME = `${DIGEST}-1`;

/** A home with an entry in its cache, whose data is not what its sentinel says. */
function homeWithEntry(): string {
  const home = join(freshDirectory(), 'home');
  const tree = join(home, 'cache', NAME);
  mkdirSync(join(tree, 'sub'), { recursive: true, mode: 0o700 });
  const sentinel = {
    format: 1,
    kind: 'tree',
    source: 'sdk.zip',
    archiveFormat: 'zip',
    archiveBytes: 5,
    entries: 3,
    bytes: 7,
    created: 1_700_000_000,
    boot: 'x',
    synced: true,
    data: 'x',
    list: null,
    closed: false,
  };
  writeFileSync(`${tree}.complete`, JSON.stringify(sentinel));
  utimesSync(`${tree}.complete`, 1_700_000_100, 1_700_000_100);
  return home;
}

function listing(home: string): CacheListing {
  const { value, error } = addon().cacheListing(bytes(home));
  if (value === undefined) {
    throw new Error(JSON.stringify(error));
  }
  return value;
}

const remove = (home: string, decisions: CacheDecision[]) =>
  addon().cacheRemove(bytes(home), decisions).value;

describe('cacheListing', () => {
  test('tells an entry with all that its sentinel says', () => {
    const home = homeWithEntry();
    const before = Date.now();
    const found = listing(home);
    expect(found).toEqual({
      path: join(home, 'cache'),
      now: expect.any(Number),
      entries: [
        {
          name: NAME,
          kind: 'tree',
          digest: DIGEST,
          source: 'sdk.zip',
          archiveFormat: 'zip',
          archiveBytes: 5,
          entries: 3,
          bytes: 7,
          created: 1_700_000_000,
          lastUse: 1_700_000_100_000,
          synced: true,
          state: 'doubtful',
          why: expect.stringMatching(/changed/),
          inUse: found.sight === 'whole' ? 'no' : 'unknown',
          token: expect.any(String),
        },
      ],
      leavings: [],
      sight: expect.stringMatching(/^(whole|partial)$/),
      why: found.sight === 'whole' ? null : expect.any(String),
      lastPrune: null,
    });
    expect(found.now).toBeGreaterThanOrEqual(before);
  });

  test('tells a leaving', () => {
    const home = homeWithEntry();
    mkdirSync(join(home, 'cache', 'staging', '1.0'), { recursive: true });
    expect(listing(home).leavings).toEqual([
      {
        name: 'staging/1.0',
        kind: 'staging',
        changed: expect.any(Number),
        inUse: 'no',
        alive: false,
        token: expect.any(String),
      },
    ]);
  });

  test('of no home and of no cache is empty, and makes neither', () => {
    const home = join(freshDirectory(), 'home');
    expect(listing(home)).toMatchObject({ entries: [], leavings: [], lastPrune: null });
    expect(existsSync(home)).toBe(false);
    mkdirSync(home, { mode: 0o700 });
    expect(listing(home)).toMatchObject({ entries: [], leavings: [], lastPrune: null });
    expect(readdirSync(home)).toEqual([]);
    expect(remove(home, [{ name: NAME, kind: 'entry', token: '' }])).toMatchObject([
      { outcome: 'changed' },
    ]);
    expect(readdirSync(home)).toEqual([]);
  });

  rootTest("root reads nothing in somebody else's home", () => {
    const home = homeWithEntry();
    expect(listing(home).entries).toHaveLength(1);
    chownSync(home, ordinaryUser, ordinaryUser);
    expect(addon().cacheListing(bytes(home)).error).toMatchObject({ code: 'ERR_HOME_OWNER' });
    const decision = { name: NAME, kind: 'entry' as const, token: '' };
    expect(addon().cacheRemove(bytes(home), [decision]).error).toMatchObject({
      code: 'ERR_HOME_OWNER',
    });
  });
});

describe('cacheRemove', () => {
  test('removes what is as it was listed, and only that', () => {
    const home = homeWithEntry();
    const { entries, sight } = listing(home);
    const [entry] = entries;
    const decision = { name: NAME, kind: 'entry' as const, token: entry?.token ?? '' };
    utimesSync(join(home, 'cache', `${NAME}.complete`), 1_700_000_200, 1_700_000_200);
    expect(remove(home, [decision])).toEqual([
      { name: NAME, outcome: 'changed', why: expect.any(String) },
    ]);
    const again = { ...decision, token: listing(home).entries[0]?.token ?? '' };
    const expected =
      sight === 'whole'
        ? { name: NAME, outcome: 'removed', why: null }
        : { name: NAME, outcome: 'unknown', why: expect.any(String) };
    expect(remove(home, [again])).toEqual([expected]);
    expect(listing(home).entries).toEqual([]);
    expect(listing(home).lastPrune).toBeGreaterThan(Date.now() - 60_000);
  });

  test('names what it cannot do', () => {
    const home = homeWithEntry();
    expect(remove(home, [{ name: '../x', kind: 'data', token: '' }])).toEqual([
      { name: '../x', outcome: 'failed', why: expect.stringMatching(/named so/) },
    ]);
    const odd = { name: 'x', kind: 'nonsense' as 'data', token: '' };
    expect(addon().cacheRemove(bytes(home), [odd]).error).toMatchObject({ code: 'ERR_INTERNAL' });
  });
});
