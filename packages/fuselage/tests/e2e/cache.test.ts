/** Trees of the cache: built once, found again, right or built again whatever happens to them. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { mountTest, rootMountTest } from '../support/must-mount.js';
import { freshDirectory } from '../support/places.js';
import {
  type Caller,
  caller,
  ordinaryUser,
  runFuselage,
  startFuselage,
} from '../support/run-fuselage.js';
import { tinySquashfs } from '../support/tiny-squashfs.js';
import { writeZip } from '../support/zip-file.js';

const AT_ONCE = 16;

const archives = new Map<string, string>();

/**
 * An archive that has not changed for a while, so that it is known again without being read. No test
 * changes one: each content is made and waited for once.
 */
function archive(content: string): string {
  const known = archives.get(content);
  if (known !== undefined) return known;
  const path = writeZip(join(freshDirectory(), 'tree.zip'), [
    { name: 'file', content },
    { name: 'below/other', content: `other ${content}` },
    { name: 'link', content: 'below/other', mode: 0o120777 },
  ]);
  archives.set(content, path);
  return old(path);
}

/** Its ctime is new all the same: only two seconds later nothing can be written unseen. */
function old(path: string): string {
  utimesSync(path, 1e9, 1e9);
  execFileSync('sleep', ['2.1']);
  return path;
}

const READ = 'cat "$FUSELAGE_STATIC/t/file"';

function run(who: Caller, words: string[], script: string) {
  return runFuselage(who, ['run', '--explain', ...words, '--', 'sh', '-c', script]);
}

/** What the launcher says that became of the cache: `built`, `found`. */
function outcome(stderr: string): string | undefined {
  return /fuselage: cache: ([^(]*) \(/.exec(stderr)?.[1];
}

function cacheOf(who: Caller): string {
  return join(who.home, '.fuselage/cache');
}

/** The directory of the only tree in the cache. */
function treeOf(who: Caller): string {
  const trees = readdirSync(cacheOf(who)).filter((name) => /^[0-9a-f]{64}-1$/.test(name));
  expect(trees).toHaveLength(1);
  return join(cacheOf(who), trees[0] as string);
}

const users: [string, number, typeof mountTest][] = [
  ['a user', ordinaryUser, mountTest],
  ['root', 0, rootMountTest],
];

for (const [name, uid, as] of users) {
  describe(`as ${name}`, () => {
    as('the first run builds and later ones find, read-only', () => {
      const [who, file] = [caller(uid), archive('one')];
      const words = ['--cache-static', '-s', `t:${file}`];
      for (const expected of ['built', 'found', 'found']) {
        const script = `${READ}; (echo x >"$FUSELAGE_STATIC/t/new") 2>&1 | grep -c Read-only
          grep " $FUSELAGE_STATIC/t " /proc/self/mountinfo`;
        const { status, stdout, stderr } = run(who, words, script);
        expect([status, outcome(stderr)]).toEqual([0, expected]);
        const [content, mounted = ''] = stdout.split('\n');
        expect(content).toBe('one1');
        expect(mounted).toMatch(/ ro,nosuid,nodev/);
      }
    });

    as('an overlay is private, and the kept tree stays as it is', () => {
      const [who, file] = [caller(uid), archive('one')];
      const words = ['--cache', '--writable=overlay', '-d', `t:${file}`];
      const script = `cd "$FUSELAGE_DYNAMIC/t" && cat file && echo two >file && rm -r below &&
        mkdir below && echo new >below/new && ls below link`;
      for (const expected of ['built', 'found']) {
        const { status, stdout, stderr } = run(who, words, script);
        expect([status, outcome(stderr)]).toEqual([0, expected]);
        expect(stdout).toMatch(/^one/);
        expect(stdout).toMatch(/new/);
        expect(stderr).toMatch(/an overlay over the cached tree/);
      }
      const { status, stdout } = runFuselage(who, ['cache', 'verify']);
      expect([status, stdout]).toEqual([0, expect.stringMatching(/: ok\n$/)]);
    });

    as('a small dynamic tree is copied, and --explain says so', () => {
      const [who, file] = [caller(uid), archive('one')];
      const { status, stderr } = run(who, ['--cache', '-d', `t:${file}`], 'true');
      expect(status).toBe(0);
      expect(outcome(stderr)).toBeUndefined();
      expect(stderr).toMatch(/dynamic t: extracted/);
      expect(existsSync(cacheOf(who))).toBe(false);
    });

    as('nothing is kept unless it is asked for, and --no-cache wins', () => {
      const file = archive('one');
      for (const [words, environment, kept] of [
        [[], {}, false],
        [['--cache-static'], {}, true],
        [[], { FUSELAGE_CACHE: '1' }, true],
        [[], { FUSELAGE_CACHE: 'static' }, true],
        [[], { FUSELAGE_CACHE: '0' }, false],
        [['--no-cache'], { FUSELAGE_CACHE: '1' }, false],
        [['--no-cache', '--cache'], {}, false],
      ] as const) {
        const who = caller(uid, { environment });
        const { status, stdout } = run(who, [...words, '-s', `t:${file}`], READ);
        expect([status, stdout]).toEqual([0, 'one']);
        expect(existsSync(cacheOf(who))).toBe(kept);
      }
    });

    as('of many first runs at once one builds, and all are right', async () => {
      const [who, file] = [caller(uid), archive('one'.repeat(100_000))];
      const words = ['run', '--explain', '--cache-static', '-s', `t:${file}`, '--'];
      const started = Array.from({ length: AT_ONCE }, () =>
        startFuselage(who, [...words, 'sh', '-c', `${READ} | cksum`]),
      );
      const ended = await Promise.all(started.map(({ ended }) => ended));
      expect(new Set(ended.map(({ status, stdout }) => `${status} ${stdout}`)).size).toBe(1);
      expect(ended[0]?.status).toBe(0);
      expect(ended.filter(({ stderr }) => outcome(stderr) === 'built')).toHaveLength(1);
    });

    const damages: [string, (tree: string) => void][] = [
      ['no data', (tree) => rmSync(tree, { recursive: true })],
      ['no sentinel', (tree) => rmSync(`${tree}.complete`)],
      ['no list', (tree) => rmSync(`${tree}.files`)],
      ['an empty sentinel', (tree) => writeFileSync(`${tree}.complete`, '')],
      [
        'garbage for a sentinel',
        (tree) => writeFileSync(`${tree}.complete`, Buffer.alloc(5000, 7)),
      ],
      ['half a tree', (tree) => rmSync(join(tree, 'below'), { recursive: true })],
      [
        'a copy with another content',
        (tree) => {
          execFileSync('cp', ['-a', tree, `${tree}.copy`]);
          writeFileSync(join(`${tree}.copy`, 'file'), 'two');
          rmSync(tree, { recursive: true });
          execFileSync('mv', [`${tree}.copy`, tree]);
        },
      ],
      [
        'a link for a sentinel',
        (tree) => {
          rmSync(`${tree}.complete`);
          symlinkSync('/etc/passwd', `${tree}.complete`);
        },
      ],
    ];
    for (const [damage, make] of damages) {
      as(`with ${damage} the next run is right, and so is the one after it`, () => {
        const [who, file] = [caller(uid), archive('one')];
        const words = ['--cache-static', '-s', `t:${file}`];
        expect(outcome(run(who, words, READ).stderr)).toBe('built');
        make(treeOf(who));
        for (const expected of [damage === 'no list' ? 'found' : 'built', 'found']) {
          const { status, stdout, stderr } = run(
            who,
            words,
            `${READ}; ls "$FUSELAGE_STATIC/t/below"`,
          );
          expect([status, stdout, outcome(stderr)]).toEqual([0, 'oneother\n', expected]);
        }
        expect(readFileSync('/etc/passwd', 'utf8')).toMatch(/^root:/);
      });
    }

    as('one flipped byte, mode, extra and missing file are found and named', () => {
      const [who, file] = [caller(uid), archive('one')];
      runFuselage(who, ['cache', 'add', file]);
      const verify = (...words: string[]) => runFuselage(who, ['cache', 'verify', ...words]);
      expect(verify().status).toBe(0);
      const tree = treeOf(who);
      writeFileSync(join(tree, 'file'), 'onE');
      chmodSync(join(tree, 'below/other'), 0o600);
      writeFileSync(join(tree, 'extra'), '');
      rmSync(join(tree, 'link'));
      const { status, stdout } = verify('--json');
      expect(status).toBe(1);
      const { ok, entries } = JSON.parse(stdout) as {
        ok: boolean;
        entries: { differences: string[] }[];
      };
      expect(ok).toBe(false);
      const said = entries[0]?.differences.join('\n') ?? '';
      expect(said).toMatch(/`file` has another content/);
      expect(said).toMatch(/`below\/other` has the mode 0600, not 0644/);
      expect(said).toMatch(/`extra` is not in the archive/);
      expect(said).toMatch(/`link` is missing/);
      expect(verify('--repair').status).toBe(1);
      expect(verify().status).toBe(0);
      expect(outcome(run(who, ['--cache-static', '-s', `t:${file}`], READ).stderr)).toBe('built');
    });
  });
}

describe('where the cache cannot be used', () => {
  mountTest('the run goes on, and one line says why', () => {
    const file = archive('one');
    const who = caller();
    mkdirSync(join(who.home, '.fuselage'));
    writeFileSync(cacheOf(who), 'no directory');
    if (process.getuid?.() === 0) {
      chownSync(join(who.home, '.fuselage'), who.uid, who.uid);
      chmodSync(join(who.home, '.fuselage'), 0o700);
    }
    const words = ['run', '--cache-static', '-s', `t:${file}`, '--', 'sh', '-c', READ];
    const { status, stdout, stderr } = runFuselage(who, words);
    expect([status, stdout]).toEqual([0, 'one']);
    expect(stderr).toMatch(/^fuselage: the cache is not used for .*: .*\n$/);
  });

  rootMountTest('with leavings of root in it the run of a user goes on', () => {
    const [who, file] = [caller(), archive('one')];
    const words = ['--cache-static', '-s', `t:${file}`];
    run(who, words, READ);
    const tree = treeOf(who);
    execFileSync('chown', ['-R', '0:0', tree, `${tree}.complete`]);
    const { status, stdout, stderr } = run(who, words, READ);
    expect([status, stdout]).toEqual([0, 'one']);
    expect(outcome(stderr)).toBe('not used');
  });
});

rootMountTest('root keeps an image that is decoded, and mounts it', () => {
  const who = caller(0);
  const text = tinySquashfs('file', 'one').toString('base64');
  const file = join(freshDirectory(), 'image.b64');
  writeFileSync(file, text);
  old(file);
  for (const expected of ['built', 'found']) {
    const words = ['--cache-static', '-s', `t:${file}`];
    const script = `${READ}; grep -c "$FUSELAGE_STATIC/t .* squashfs /dev/loop" /proc/self/mountinfo`;
    const { status, stdout, stderr } = run(who, words, script);
    expect([status, stdout, outcome(stderr)]).toEqual([0, 'one1\n', expected]);
  }
  expect(readdirSync(cacheOf(who)).filter((name) => name.endsWith('-1.sfs'))).toHaveLength(1);
});

mountTest('a second cache that others cannot change is used, and another one is not', () => {
  const [who, file] = [caller(), archive('one')];
  const shared = join(freshDirectory(0), 'shared');
  const maker = caller(process.getuid?.() ?? 0);
  expect(runFuselage(maker, ['cache', 'add', '--to', shared, file]).status).toBe(0);
  const words = ['--cache-static', '-s', `t:${file}`];
  const told = (mode: number) => {
    chmodSync(shared, mode);
    const other = caller(who.uid, { environment: { FUSELAGE_CACHE_PATH: shared } });
    const { status, stdout, stderr } = run(other, words, READ);
    expect([status, stdout]).toEqual([0, 'one']);
    return outcome(stderr);
  };
  expect(told(0o755)).toMatch(/^found/);
  expect(told(0o777)).toBe('built');
});

mountTest('what is in use stays, whatever its age, and goes when nobody uses it', async () => {
  const [who, file] = [caller(), archive('one')];
  const words = ['run', '--cache-static', '-s', `t:${file}`, '--', 'sh', '-c'];
  const { child, ended } = startFuselage(who, [...words, `echo ready; sleep 3; ${READ}`]);
  // One that is not started ends in place of that.
  await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), ended]);
  const tree = treeOf(who);
  utimesSync(`${tree}.complete`, 1e9, 1e9);
  expect(runFuselage(who, ['cache', 'prune']).status).toBe(0);
  expect(runFuselage(who, ['cache', 'clear']).status).toBe(0);
  expect((await ended).stdout).toBe('ready\none');
  utimesSync(`${tree}.complete`, 1e9, 1e9);
  expect(runFuselage(who, ['cache', 'prune']).status).toBe(0);
  expect(existsSync(tree)).toBe(false);
});
