/** `fuselage cache` in process: words in, answer and printed text out. */
import { answerWords } from '../../src/cli/cli.js';
import { CACHE_SUBCOMMANDS } from '../../src/commands/cache/subcommands.js';
import type { CacheDecision, CacheRemoval } from '../../src/native/index.js';
import { platform } from '../../src/native/index.js';
import type { Answer, ErrorReport, Job } from '../../src/native/plan-types.js';
import { VERSION } from '../../src/version.js';
import {
  cacheEntry,
  cacheListing,
  DAY,
  entryName,
  HOUR,
  leaving,
  MINUTE,
  NOW,
} from '../support/cache-listing.js';
import { type Given, inputs, ROOT, squashfs, zip, zipText } from '../support/given.js';

const HOME = '/home/u/.fuselage';
const OLD = cacheEntry('a', 31 * DAY, { bytes: 3 * 1024 ** 2 });
const USED = cacheEntry('b', 40 * DAY, { inUse: 'yes', source: 'b\n.zip' });
const NEW = cacheEntry('c', 5 * MINUTE, { kind: 'image', entries: 0 });
const FULL: Given = {
  cache: {
    [HOME]: cacheListing({
      entries: [OLD, USED, NEW],
      leavings: [leaving('staging/1.0', 2 * HOUR, { kind: 'staging' })],
      lastPrune: NOW - 2 * HOUR,
    }),
  },
};
const ARCHIVES: Given = {
  archives: { 'a.zip': zip('1'), 'b.b64': zipText('2'), 'c.sfs': squashfs('3') },
};

function cli(words: string[], given: Given): { answer: Answer; printed: string } {
  let printed = '';
  const print = (text: string) => {
    printed += text;
  };
  const surroundings = { inputs: inputs(given), platform, colour: false, print };
  return { answer: answerWords(['cache', ...words], surroundings), printed };
}

function printed(words: string[], given: Given = FULL, exitCode = 0): string {
  const { answer, printed } = cli(words, given);
  expect(answer).toEqual({ answer: 'done', exitCode });
  return printed;
}

function refusal(words: string[], given: Given = FULL): ErrorReport {
  const { answer, printed } = cli(words, given);
  expect(printed).toBe('');
  if (answer.answer !== 'error') throw new Error(JSON.stringify(answer));
  return answer.error;
}

function job(words: string[], given: Given = ARCHIVES): Job {
  const { answer, printed } = cli(words, given);
  expect(printed).toBe('');
  if (answer.answer !== 'job') throw new Error(JSON.stringify(answer));
  return answer.job;
}

/** What is removed, and in which home. */
function removing(more: Partial<CacheRemoval> = {}) {
  const asked: [string, CacheDecision][] = [];
  const remove = (decision: CacheDecision, home: string): CacheRemoval => {
    asked.push([home, decision]);
    return { name: decision.name, outcome: 'removed', why: null, ...more };
  };
  return { given: { ...FULL, remove }, asked };
}

describe('list', () => {
  test('for people', () => {
    expect(printed(['list'])).toBe(`\
archive  kind      size  entries  last use       in use  state  name
c.zip    image   1000 B        0  5 minutes ago  no      valid  ${NEW.name}
a.zip    tree   3.0 MiB        3  31 days ago    no      valid  ${OLD.name}
b\\n.zip  tree    1000 B        3  40 days ago    yes     valid  ${USED.name}
`);
  });

  test('for programs: the keys that are documented', () => {
    const listed = JSON.parse(printed(['list', '--json']));
    expect(Object.keys(listed)).toEqual(['path', 'entries', 'sight', 'unseen']);
    expect(listed.entries[1]).toEqual({
      name: OLD.name,
      digest: 'a'.repeat(64),
      kind: 'tree',
      source: 'a.zip',
      archiveFormat: 'zip',
      archiveBytes: 500,
      bytes: 3 * 1024 ** 2,
      entries: 3,
      created: '2026-10-16T12:00:00.000Z',
      lastUse: '2026-10-25T12:00:00.000Z',
      inUse: 'no',
      state: 'valid',
      why: null,
      synced: true,
    });
  });

  test('why an entry is no good, and why in use is not known', () => {
    const bad = cacheEntry('d', HOUR, { state: 'invalid', why: 'no data', created: 1e20 });
    const why = 'there are other PID namespaces';
    const cache = { [HOME]: cacheListing({ entries: [bad], sight: 'partial', why }) };
    const text = printed(['list'], { cache });
    expect(text).toContain(`\n${bad.name} is invalid: no data\n`);
    expect(text).toContain(`In use is not known for certain: ${why}.\n`);
    const { entries, unseen } = JSON.parse(printed(['list', '--json'], { cache }));
    expect(entries[0]).toMatchObject({ created: null, why: 'no data' });
    expect(unseen).toBe(why);
  });

  test('an empty one, or a home that is still to be made', () => {
    expect(printed(['list'], {})).toBe(`There is nothing in the cache ${HOME}/cache.\n`);
    const home = { state: 'creatable', owner: null, why: '' } as const;
    expect(JSON.parse(printed(['list', '--json'], { home })).entries).toEqual([]);
  });
});

describe('info', () => {
  test('for people', () => {
    expect(printed(['info'])).toBe(`\
place         /home/u/.fuselage/cache
entries       3, of which 1 in use
size          3.0 MiB
evicted       0, not deleted yet
leavings      1
maximal age   30 days
maximal size  none
second cache  none
last prune    2 hours ago
`);
  });

  test('for programs, with the limits in force', () => {
    const environment = {
      HOME: '/home/u',
      FUSELAGE_CACHE_MAX_AGE_DAYS: '7',
      FUSELAGE_CACHE_MAX_SIZE: '2G',
      FUSELAGE_CACHE_PATH: '/opt/a:/opt/b',
    };
    expect(JSON.parse(printed(['info', '--json'], { ...FULL, environment }))).toEqual({
      path: `${HOME}/cache`,
      entries: 3,
      bytes: 3 * 1024 ** 2 + 2000,
      inUse: 1,
      trash: 0,
      leavings: 1,
      limits: { maxAgeDays: 7, maxSize: 2 * 1024 ** 3 },
      others: ['/opt/a', '/opt/b'],
      lastPrune: '2026-11-25T10:00:00.000Z',
      sight: 'whole',
      unseen: null,
      notices: [],
    });
  });
});

describe('prune', () => {
  test('what goes, why, and how much', () => {
    const { given, asked } = removing();
    expect(printed(['prune'], given)).toBe(`\
staging/1.0: no entry; gone
${OLD.name}, 3.0 MiB: unused for too long; gone

Removed 1 entry, 3.0 MiB, and 1 leaving.
`);
    expect(asked).toEqual([
      [HOME, { name: 'staging/1.0', kind: 'staging', token: 'token of staging/1.0' }],
      [HOME, { name: OLD.name, kind: 'entry', token: OLD.token }],
    ]);
  });

  test('--dry-run removes nothing', () => {
    const { given, asked } = removing();
    expect(printed(['prune', '--dry-run'], given)).toContain('Would remove 1 entry, 3.0 MiB');
    expect(asked).toEqual([]);
  });

  test('--max-age and --max-size, for programs', () => {
    const words = ['prune', '--max-age', '0', '--max-size=1K', '--json'];
    expect(JSON.parse(printed(words))).toEqual({
      path: `${HOME}/cache`,
      dryRun: false,
      bytes: 3 * 1024 ** 2 + 1000,
      removed: [OLD, NEW].map(({ name, bytes }) => ({
        name,
        kind: 'entry',
        why: 'size',
        bytes,
        outcome: 'removed',
        detail: null,
      })),
      notices: [],
    });
  });

  test.each([
    ['failed', 1],
    ['inUse', 0],
    ['unknown', 0],
    ['busy', 0],
    ['changed', 0],
  ] as const)('%s is no room won, and ends with %d', (outcome, exitCode) => {
    const { given } = removing({ outcome, why: 'so it is' });
    const text = printed(['prune'], given, exitCode);
    expect(text).toContain('(so it is)\n');
    expect(text).toContain('\nRemoved 0 entries, 0 B.\n');
  });

  test('--quiet prints nothing and ends with 0, whatever happens', () => {
    const { given, asked } = removing({ outcome: 'failed', why: 'EIO' });
    expect(printed(['prune', '--quiet'], given)).toBe('');
    expect(asked).toHaveLength(2);
    const home = { state: 'foreign', owner: 7, why: '' } as const;
    expect(printed(['prune', '--quiet'], { home })).toBe('');
    expect(refusal(['prune'], { home }).code).toBe('ERR_HOME_OWNER');
  });

  test('nothing to do', () => {
    expect(printed(['prune'], {})).toBe('Removed 0 entries, 0 B.\n');
  });
});

test('clear: all but what is in use', () => {
  const { given, asked } = removing();
  expect(printed(['clear'], given)).toContain('\nRemoved 2 entries, 3.0 MiB, and 1 leaving.\n');
  expect(asked.map(([, { name }]) => name)).toEqual(['staging/1.0', OLD.name, NEW.name]);
  expect(JSON.parse(printed(['clear', '--json'])).removed).toHaveLength(3);
});

describe('jobs', () => {
  const limits = expect.objectContaining({ entries: 2_000_000 });
  const plain = (path: string, identity: string, format: string) => ({
    archive: { source: { path, identity }, encoding: 'plain', format, offset: 0 },
    kind: 'tree',
  });

  test('add', () => {
    expect(job(['add', 'a.zip', 'c.sfs'])).toEqual({
      job: 'cacheAdd',
      version: VERSION,
      cache: { home: HOME },
      archives: [plain('a.zip', '1', 'zip'), plain('c.sfs', '3', 'squashfs')],
      limits,
      jobs: null,
      json: false,
    });
  });

  test('add with every option', () => {
    const words = ['--to', '/opt/c', '--jobs=3', '--limit', 'entries=7', '--json', '--', 'a.zip'];
    expect(job(['add', ...words])).toMatchObject({
      cache: { shared: '/opt/c' },
      limits: { entries: 7 },
      jobs: 3,
      json: true,
    });
  });

  test('--to needs no home', () => {
    const home = { state: 'unusable', owner: null, why: 'it is read-only' } as const;
    const given = { ...ARCHIVES, home };
    expect(job(['add', '--to=/opt/c', 'a.zip'], given)).toMatchObject({ job: 'cacheAdd' });
    expect(refusal(['add', 'a.zip'], given)).toMatchObject({
      code: 'ERR_HOME_UNUSABLE',
      message: `the home \`${HOME}\` is not used, and so there is no cache`,
      causes: ['it is read-only'],
      exitCode: 1,
    });
  });

  test('of base64 text the tree is kept; the image where the kernel can mount it', () => {
    const text = { ...squashfs('4'), encoding: 'base64' as const };
    const archives = { ...ARCHIVES.archives, 'd.b64': text };
    const kinds = (host: Given['host']) => {
      const given = { archives, ...(host === undefined ? {} : { host }) };
      const added = job(['add', 'b.b64', 'd.b64', 'c.sfs'], given);
      return added.job === 'cacheAdd' ? added.archives.map(({ kind }) => kind) : [];
    };
    expect(kinds(undefined)).toEqual(['tree', 'tree', 'tree']);
    expect(kinds(ROOT)).toEqual(['tree', 'image', 'tree']);
    expect(job(['add', 'd.b64'], { archives })).toMatchObject({
      archives: [{ archive: { encoding: 'base64', format: null, offset: 0 } }],
    });
  });

  test('verify', () => {
    const names = [entryName('a'), entryName('b', 'image')];
    expect(job(['verify', '--repair', '--jobs', '2', '--json', ...names])).toEqual({
      job: 'cacheVerify',
      version: VERSION,
      cache: { home: HOME },
      entries: names,
      repair: true,
      jobs: 2,
      json: true,
    });
    expect(job(['verify'])).toMatchObject({ entries: [], repair: false, jobs: null, json: false });
  });

  test('path of an archive, in the home or in a second cache', () => {
    const environment = { HOME: '/home/u', FUSELAGE_CACHE_PATH: '/opt/a' };
    expect(job(['path', 'a.zip'], { ...ARCHIVES, environment })).toEqual({
      job: 'cachePath',
      version: VERSION,
      home: HOME,
      others: ['/opt/a'],
      archive: plain('a.zip', '1', 'zip'),
      json: false,
    });
    const home = { state: 'foreign', owner: 7, why: '' } as const;
    expect(job(['path', 'a.zip'], { ...ARCHIVES, home })).toMatchObject({ home: null });
  });
});

test('path of the cache', () => {
  expect(printed(['path'])).toBe(`${HOME}/cache\n`);
  expect(JSON.parse(printed(['path', '--json']))).toEqual({ path: `${HOME}/cache` });
  const environment = { FUSELAGE_HOME: '/h/' };
  expect(printed(['path'], { environment })).toBe('/h/cache\n');
});

describe('without a usable home', () => {
  test.each(['list', 'info', 'prune', 'clear', 'path', 'verify'])('%s says why', (word) => {
    const foreign = { state: 'foreign', owner: 7, why: '' } as const;
    expect(refusal([word], { home: foreign })).toMatchObject({
      code: 'ERR_HOME_OWNER',
      causes: ['it belongs to uid 7, you are uid 1000'],
      exitCode: 1,
    });
    const lockedOut = { state: 'lockedOut', owner: null, why: 'its mode is 0000' } as const;
    expect(refusal([word], { home: lockedOut })).toMatchObject({
      code: 'ERR_HOME_UNUSABLE',
      causes: ['its mode is 0000'],
      hints: [`give yourself all rights to it: chmod 0700 ${HOME}`],
      exitCode: 1,
    });
  });
});

describe('help and usage', () => {
  const lines = (text: string) => text.split('\n').map(({ length }) => length);

  test('alone it prints its help, which names every subcommand', () => {
    const text = printed([]);
    expect(text).toContain('fuselage cache: ');
    for (const name of CACHE_SUBCOMMANDS) expect(text).toContain(`\n  ${name} `);
    expect(printed(['--help'])).toBe(text);
  });

  test.each([...CACHE_SUBCOMMANDS])('%s', (name) => {
    const text = printed([name, '--help']);
    expect(text).toContain(`fuselage cache ${name}: `);
    expect(text).toContain('--json');
    expect(Math.max(...lines(text))).toBeLessThanOrEqual(100);
    const surroundings = { inputs: inputs(), platform, colour: false };
    let helped = '';
    const print = (part: string) => {
      helped += part;
    };
    answerWords(['help', 'cache', name], { ...surroundings, print });
    expect(helped).toBe(text);
  });

  test.each([
    [['lst'], 'there is no subcommand `cache lst`'],
    [['frob', '--help'], 'there is no subcommand `cache frob`'],
    [['--json'], 'unsupported option name ("--json")'],
    [['list', '--xml'], 'unsupported option name ("--xml")'],
    [['list', 'x'], 'extraneous positional argument ("x")'],
    [['add'], 'there is no archive to add'],
    [['add', '--to=', 'a.zip'], '`--to` names no directory'],
    [['add', '--jobs=0', 'a.zip'], '`--jobs` is `0`'],
    [['add', '--limit', 'x=1', 'a.zip'], '`--limit` is `x=1`'],
    [['prune', '--max-age=-1'], '`--max-age` is `-1`'],
    [['prune', '--max-size=0'], '`--max-size` is `0`'],
    [['prune', '--quiet', '--max-age=x'], '`--max-age` is `x`'],
    [['verify', '../x'], '`../x` is no name of a cache entry'],
  ])('%j is wrong usage', (words, message) => {
    expect(refusal(words, ARCHIVES)).toMatchObject({ code: 'ERR_USAGE', message, exitCode: 2 });
  });

  test('of a typo the near subcommand', () => {
    expect(refusal(['lst']).hints[0]).toBe('did you mean `fuselage cache list`?');
  });

  test.each([
    ['missing.zip', 'ERR_ARCHIVE_MISSING'],
    ['/dev/stdin', 'ERR_ARCHIVE_NOT_REGULAR'],
    ['page.html', 'ERR_ARCHIVE_UNRECOGNISED'],
  ])('%s is no archive', (file, code) => {
    const page = { ...zip('5'), format: null, looksLike: 'an HTML page' };
    const given = { archives: { 'page.html': page } };
    for (const word of ['add', 'path']) {
      expect(refusal([word, file], given)).toMatchObject({ code, exitCode: 1 });
    }
  });
});
