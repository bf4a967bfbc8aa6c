import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { checkoutFrontDoor } from '../support/checkout.js';
import { mountTest, otherUserTest, rootMountTest } from '../support/must-mount.js';
import { freshDirectory, frontDoor, root } from '../support/places.js';
import {
  type Caller,
  caller,
  ordinaryGroup,
  ordinaryUser,
  passwordDatabase,
  runFuselage,
} from '../support/run-fuselage.js';
import { behindWrap } from '../support/wrap.js';
import { writeZip } from '../support/zip-file.js';

let archives: string;
let words: string;

beforeAll(() => {
  archives = freshDirectory();
  words = writeZip(join(archives, 'words.zip'), [
    { name: 'a.txt', content: 'alpha\n' },
    { name: 'sub/deep/b.txt', content: 'beta\n', mode: 0o100600 },
    { name: 'bin/hello', content: '#!/bin/sh\necho "hello $1 from $0"\n', mode: 0o100755 },
    { name: 'link', content: 'sub/deep/b.txt', mode: 0o120777 },
  ]);
});

const sh = (script: string) => ['--', 'sh', '-c', script];

/** Everybody a run is for: an ordinary user, known or not, the overflow uid once, and root. */
const callers = [
  { name: 'an ordinary user', uid: ordinaryUser, known: false, test: mountTest },
  {
    name: 'one with an entry in the password database',
    uid: ordinaryUser,
    known: true,
    test: otherUserTest,
  },
  { name: 'uid 65534', uid: 65534, known: false, test: otherUserTest },
  { name: 'root', uid: 0, known: true, test: rootMountTest },
];

describe.each(callers)('as $name', ({ uid, known, test }) => {
  let who: Caller;
  beforeEach(() => {
    who = caller(uid);
    if (known && uid !== 0) who.passwordDatabase = passwordDatabase(uid, who.home);
  });

  test('a static tree is there, whole and read-only', () => {
    // Times of MS-DOS are local ones (times.test.ts).
    const ended = runFuselage({ ...who, environment: { TZ: 'UTC0' } }, [
      'run',
      '--static',
      words,
      ...sh(`cd "$FUSELAGE_STATIC/words" && cat a.txt link && stat -c '%a %Y' a.txt sub/deep/b.txt
        echo x 2>&1 >new | grep -o 'Read-only file system'`),
    ]);
    const time = Date.UTC(2001, 1, 3, 4, 5, 6) / 1000;
    expect(ended).toEqual({
      status: 0,
      signal: null,
      stdout: `alpha\nbeta\n644 ${time}\n600 ${time}\nRead-only file system\n`,
      stderr: '',
    });
  });

  test('a dynamic tree is writable and thrown away', () => {
    const script = 'cd "$FUSELAGE_DYNAMIC/own" && echo more >>a.txt && rm -r sub && cat a.txt; ls';
    const ended = runFuselage(who, ['run', '-d', `own:${words}`, ...sh(script)]);
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toBe('alpha\nmore\na.txt\nbin\nlink\n');
    expect(runFuselage(who, ['run', '-d', `own:${words}`, ...sh(script)]).stdout).toBe(
      ended.stdout,
    );
  });

  test('an empty tree, a scratch directory, and all kinds at once', () => {
    const ended = runFuselage(who, [
      `-s=${words}`,
      '-d',
      `copy:${words}`,
      '--dynamic-empty=out',
      ...sh(`ls "$FUSELAGE_STATIC" "$FUSELAGE_DYNAMIC"; touch "$FUSELAGE_DYNAMIC/out/x"
        test -z "$(ls "$FUSELAGE_TMPDIR")" && touch "$FUSELAGE_TMPDIR/y" && echo fine`),
    ]);
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toMatch(/dynamic:\ncopy\nout\n\n.*static:\nwords\nfine\n$/s);
  });

  test('nothing is left: no file, no mount, no process', () => {
    const marker = `left-${process.pid}-${uid}`;
    const ended = runFuselage(who, ['run', '-s', words, ...sh(`echo ${marker}`)]);
    expect(ended.stdout).toBe(`${marker}\n`);
    expect(readdirSync(join(who.home, '.fuselage'))).toEqual(['procdirs']);
    expect(readdirSync(join(who.home, '.fuselage/procdirs'))).toEqual([]);
  });

  test('the ids are those of outside, and an ordinary user has no capability', () => {
    const script = `id -u; id -g; grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb):' /proc/self/status`;
    const ended = runFuselage(who, ['run', ...sh(script)]);
    const [user, group, ...capabilities] = ended.stdout.trim().split('\n');
    const gid = uid === ordinaryUser ? ordinaryGroup : uid;
    expect([user, group]).toEqual([String(uid), String(gid)]);
    const none = capabilities.every((line) => /:\t0+$/.test(line));
    expect(none).toBe(uid !== 0);
  });
});

describe('programs and exit statuses', () => {
  let who: Caller;
  beforeEach(() => {
    who = caller();
  });

  mountTest('--run finds a program by tree and by path', () => {
    const named = runFuselage(who, ['run', '-s', words, '--run', 'words/bin/hello', 'you']);
    expect(named.stdout).toMatch(/^hello you from .*\/static\/words\/bin\/hello\n$/);
    const searched = runFuselage(who, ['-s', words, '--run', 'bin/hello', 'you']);
    expect(searched.stdout).toMatch(/^hello you from .*\/static\/words\/bin\/hello\n$/);
  });

  mountTest('an ambiguous --run lists the candidates', () => {
    const ended = runFuselage(who, [
      'run',
      '-s',
      `one:${words}`,
      '-s',
      `two:${words}`,
      '--run',
      'bin/hello',
    ]);
    expect(ended.status).toBe(125);
    expect(ended.stderr).toMatch(/one\/bin\/hello/);
    expect(ended.stderr).toMatch(/two\/bin\/hello/);
  });

  mountTest('the status and the signal are the command’s own', () => {
    expect(runFuselage(who, ['run', ...sh('exit 7')]).status).toBe(7);
    expect(runFuselage(who, ['run', ...sh('kill -KILL $$')]).signal).toBe('SIGKILL');
  });

  mountTest('126 and 127, and a near subcommand', () => {
    const directory = freshDirectory();
    const missing = runFuselage(who, ['run', 'no-such-command']);
    expect(missing.status).toBe(127);
    expect(missing.stderr).toMatch(/no-such-command/);
    const refused = runFuselage(who, ['run', directory]);
    expect(refused.status).toBe(126);
    const typo = runFuselage(who, ['runn', '-s', 'x']);
    expect(typo.status).toBe(127);
    expect(typo.stderr).toMatch(/fuselage run/);
  });

  mountTest('a script without #! is one of sh, as with execvp', () => {
    const script = join(freshDirectory(), 'plain');
    writeFileSync(script, 'echo plain "$1"\n', { mode: 0o755 });
    expect(runFuselage(who, ['run', script, 'word']).stdout).toBe('plain word\n');
  });

  mountTest('every byte of every word arrives', () => {
    const ended = runFuselage(who, [
      'run',
      '--',
      'sh',
      '-c',
      'printf "%s|" "$@"',
      '-',
      '--help',
      '',
      ' a\nb ',
      '-s',
      '--',
      'é',
    ]);
    expect(ended.stdout).toBe('--help|| a\nb |-s|--|é|');
    // A byte that is no UTF-8, which node itself could not pass on.
    const counted = runFuselage({ ...who, program: '/bin/sh' }, [
      '-c',
      `w=$(printf 'x\\377y'); "$1" run printf %s "$w" | od -An -tx1`,
      '-',
      frontDoor,
    ]);
    expect(counted.stdout.trim()).toBe('78 ff 79');
  });

  mountTest('standard input of several megabytes arrives whole', () => {
    const input = Buffer.alloc(5_000_000, 'fuselage ');
    const ended = runFuselage(who, ['run', '-s', words, 'sha256sum'], input);
    expect(ended.stdout).toBe(`${createHash('sha256').update(input).digest('hex')}  -\n`);
  });
});

describe('errors', () => {
  let who: Caller;
  beforeEach(() => {
    who = caller();
  });

  test.each([
    ['a missing file', ['-s', '/no/such.zip'], 'ERR_ARCHIVE_MISSING'],
    ['a directory', ['-s', 'd:/usr'], 'ERR_ARCHIVE_NOT_REGULAR'],
    ['no archive', ['-s', 'x:/etc/passwd'], 'ERR_ARCHIVE_UNRECOGNISED'],
    ['standard input', ['-s', 'x:/dev/stdin'], 'ERR_ARCHIVE_NOT_REGULAR'],
    ['a path as NAME', ['--dynamic-empty', '/opt/x'], 'ERR_PATH_TARGET'],
    ['a NAME twice', ['--dynamic-empty', 'x', '--dynamic-empty', 'x'], 'ERR_TREE_DUPLICATE'],
    ['an unknown option', ['--no-such'], 'ERR_USAGE'],
  ])('%s ends with 125 and says so on standard error alone', (_name, options, code) => {
    const ended = runFuselage(who, ['run', ...options, '--', 'echo', 'started']);
    expect(ended.status).toBe(125);
    expect(ended.stdout).toBe('');
    expect(ended.stderr).toContain(`[${code}]`);
    expect(ended.stderr).not.toMatch(/at .*\.(js|cjs|rs):\d+|panicked/);
  });

  mountTest('a damaged entry is named and nothing is left', () => {
    const damaged = join(archives, 'damaged.zip');
    const bytes = readFileSync(words);
    // The checksum of the first entry, in the central directory.
    const at = bytes.indexOf('PK\x01\x02', 'latin1') + 16;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    writeFileSync(damaged, bytes);
    const ended = runFuselage(who, ['run', '-s', damaged, 'echo', 'started']);
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toMatch(/a\.txt/);
    expect(readdirSync(join(who.home, '.fuselage/procdirs'))).toEqual([]);
  });

  mountTest('a tree that does not fit names the option', () => {
    const big = writeZip(join(archives, 'big.zip'), [
      { name: 'zeros', content: Buffer.alloc(3_000_000) },
    ]);
    const ended = runFuselage(who, ['run', '--tmpfs-size=1M', '-s', big, 'true']);
    expect(ended.status).toBe(125);
    expect(ended.stderr).toContain('ERR_EXTRACT_NO_SPACE');
    expect(ended.stderr).toContain('--tmpfs-size');
    expect(runFuselage(who, ['run', '--tmpfs-size=8M', '-s', big, 'true']).status).toBe(0);
  });
});

describe('the front door', () => {
  mountTest('works through links, from anywhere and with odd paths', () => {
    const who = caller();
    const place = freshDirectory(who.uid);
    const odd = join(place, "-odd 'path\n");
    mkdirSync(odd);
    chmodSync(odd, 0o755);
    symlinkSync(frontDoor, join(odd, 'absolute'));
    symlinkSync('absolute', join(odd, 'chained'));
    for (const program of ['absolute', 'chained']) {
      const ended = runFuselage({ ...who, program: join(odd, program) }, ['run', 'echo', 'here']);
      expect(ended).toMatchObject({ status: 0, stdout: 'here\n', stderr: '' });
    }
    const shells = ['sh', 'bash'];
    for (const shell of shells) {
      const [program, words] = behindWrap([shell, 'packages/fuselage/bin/fuselage']);
      const there = { ...who, program, directory: root };
      const ended = runFuselage(there, [...words, 'run', 'echo', 'here']);
      expect(ended).toMatchObject({ status: 0, stdout: 'here\n' });
    }
  });

  mountTest('is JavaScript too, for package managers that start it by node', () => {
    const who = caller();
    const [program, words] = behindWrap([process.execPath, checkoutFrontDoor]);
    const ended = runFuselage({ ...who, program }, [...words, 'run', 'echo', 'by node']);
    expect(ended).toMatchObject({ status: 0, stdout: 'by node\n', stderr: '' });
  });
});
