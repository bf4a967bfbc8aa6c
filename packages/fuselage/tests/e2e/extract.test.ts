/** Runs without namespaces: what the command sees, and what fails. */
import { join } from 'node:path';
import { compiled } from '../support/compile.js';
import { rootMountTest } from '../support/must-mount.js';
import { inOwnMounts } from '../support/own-mounts.js';
import { freshDirectory, frontDoor } from '../support/places.js';
import { callers, force, left, sh, writeArchives } from '../support/real-files.js';
import { type Caller, caller, ordinaryUser, runFuselage } from '../support/run-fuselage.js';
import { behindWrap } from '../support/wrap.js';
import { writeZip } from '../support/zip-file.js';

let words: string;
let text: string;
let damaged: string;

beforeAll(() => {
  ({ words, text, damaged } = writeArchives());
});

describe.each(callers)('as $name', ({ uid, test, mount }) => {
  let who: Caller;
  beforeEach(() => {
    who = caller(uid, { environment: { TZ: 'UTC0' } });
  });

  mount('trees are the same as with namespaces, but that static ones have no write bits', () => {
    interface Listed {
      path: string;
      mode: number;
      rest: string;
    }
    const format = '%P|%m|%y %l %U %G %s %T@\\n';
    const list = (extract: string, tree: string, variable: string): Listed[] => {
      const script = `cd "$${variable}/t" && find . -mindepth 1 -printf '${format}' | sort`;
      const ended = runFuselage(who, ['run', extract, tree, `t:${words}`, ...sh(script)]);
      expect(ended).toMatchObject({ status: 0, stderr: '' });
      return ended.stdout
        .trim()
        .split('\n')
        .map((line) => {
          const [path = '', mode = '', rest = ''] = line.split('|');
          // Of a directory, size and time are the file system's, unless the archive has an entry.
          const own = rest.startsWith('d') && path !== 'locked' ? / \d+ \S+$/ : /^$/;
          const size = rest.startsWith('d') ? / \d+ (?=\S+$)/ : /^$/;
          const facts = rest.replace(own, '').replace(size, ' ');
          return { path, mode: Number.parseInt(mode, 8), rest: facts };
        });
    };
    const lists = (extract: string) => ({
      dynamic: list(extract, '--dynamic', 'FUSELAGE_DYNAMIC'),
      static: list(extract, '--static', 'FUSELAGE_STATIC'),
    });
    const mounted = lists('--extract=deny');
    expect(mounted.dynamic).toHaveLength(9);
    const readOnly = ({ path, mode, rest }: Listed) => ({
      ...{ path, rest },
      mode: rest.startsWith('l') ? mode : mode & 0o555,
    });
    expect(lists('--extract=force')).toEqual({
      dynamic: mounted.dynamic,
      static: mounted.static.map(readOnly),
    });
  });

  test('nothing in a static tree can be written by others, or without changing a mode', () => {
    const script = `cd "$FUSELAGE_STATIC/words" && find . ! -type l -perm /222
      cat a.txt link locked/c.txt && [ -w a.txt ] && echo writable; ls -d ../../tmp`;
    const ended = runFuselage(who, force('-s', words, ...sh(script)));
    // Permissions are nothing to root, which is what --explain says.
    const writable = uid === 0 ? 'writable\n' : '';
    expect(ended.stdout).toBe(`alpha\nbeta\ngamma\n${writable}../../tmp\n`);
    const explained = runFuselage(who, force('--explain', '-s', words, 'true'));
    expect(explained.stderr).toMatch(
      /static words: .*without write permission at .*root needs none/,
    );
  });

  test('exit statuses are the command’s, and those of what cannot be executed', () => {
    const run = (...rest: string[]) => runFuselage(who, force('-s', words, ...rest));
    expect(run(...sh('exit 7')).status).toBe(7);
    expect(run('/no/such').status).toBe(127);
    expect(run('/etc/passwd').status).toBe(126);
    expect(run('--run', 'bin/hello', 'you')).toMatchObject({ status: 0, stdout: 'hello you\n' });
    for (const signal of ['TERM', 'KILL', 'SEGV', 'ABRT', 'PIPE']) {
      expect(run(...sh(`kill -${signal} $$`))).toMatchObject({ signal: `SIG${signal}` });
    }
    // Node has no name for it.
    const byBash = (script: string) =>
      runFuselage({ ...who, program: 'bash' }, ['-c', `${script}; echo $?`, frontDoor]);
    expect(byBash(`"$0" run --extract=force bash -c 'kill -RTMIN+3 $$'`).stdout).toBe('165\n');
    expect(left(who)).toEqual([]);
  });

  test('what fails half-way leaves nothing', () => {
    const run = (...rest: string[]) => runFuselage(who, force(...rest, 'echo', 'started'));
    const ended = run('-d', words, '-d', damaged);
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toMatch(
      /^fuselage: cannot extract .*damaged\.zip \[ERR_ARCHIVE_DAMAGED\]\n/,
    );
    expect(run('-d', words, '-d', `x:${words}`)).toMatchObject({ status: 0, stdout: 'started\n' });
    expect(run('-d', words, '-s', `x:${freshDirectory()}/gone`).status).toBe(125);
    expect(left(who)).toEqual([]);
  });

  test('base64 text is decoded to a file that the command cannot find', () => {
    const script = `cat "$FUSELAGE_STATIC/words/a.txt"; find "$FUSELAGE_TMPDIR/.." -size +100c -type f; ls -A "$FUSELAGE_TMPDIR/.."`;
    const ended = runFuselage(who, force('-s', text, ...sh(script)));
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    expect(ended.stdout).toBe('alpha\n.lock\nstatic\ntmp\n');
  });

  test('the command is what it would be without fuselage, but for its parent', () => {
    const program = compiled('probe');
    const probe = (rest: string[]) => {
      const ended = runFuselage({ ...who, program: compiled('starter') }, rest);
      expect(ended).toMatchObject({ status: 0, stderr: '' });
      return ended.stdout.trim().split('\n');
    };
    const own = [
      /^environ (FUSELAGE_(TMPDIR|STATIC)|PWD|OLDPWD|_|SHLVL)=/,
      /^status (Tgid|Ngid|Pid|PPid|NStgid|NSpid|Vm.*|Rss.*|.*_ctxt_switches|SigQ|Cpus_allowed.*):/,
      /^stat field-(4|9|10|12|14|15|22|23|24|26|27|28|29|30|39|42|43|45|46|47|48|49|50|51) /,
    ];
    const compared = (lines: string[]) =>
      lines.filter((line) => !own.some((pattern) => pattern.test(line)));
    const inside = compared(probe([frontDoor, ...force('-s', words, '--', program)]));
    expect(inside).toEqual(compared(probe(behindWrap([program]).flat())));
    for (const fact of [
      'fd 57 ',
      'status SigBlk:\t0000000000000200',
      'status NSpgid:',
      'status Cap',
    ])
      expect(inside.some((line) => line.startsWith(fact))).toBe(true);
  });

  describe('nested', () => {
    const way = { mounted: '--extract=deny', real: '--extract=force' };
    const inner = `cat "$FUSELAGE_STATIC/c/a.txt"; echo "d=$FUSELAGE_DYNAMIC"; id -u`;
    for (const order of [
      ['real', 'real', 'real'],
      ['mounted', 'real', 'mounted'],
      ['real', 'mounted', 'real'],
      ['mounted', 'mounted', 'real'],
    ] as const) {
      mount(`${order.join(' in ')}, exec’ed and by shells`, () => {
        const [first, second, third] = order.map((name) => way[name]) as [string, string, string];
        const run = (how: string, ...rest: string[]) => ['run', how, ...rest];
        const last = [frontDoor, ...run(third, '-s', `c:${words}`, ...sh(inner))];
        const quoted = last.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
        for (const middle of [last, ['sh', '-c', `${quoted}; exit $?`]]) {
          const ended = runFuselage(who, [
            ...run(first, '-d', `a:${words}`, frontDoor),
            ...run(second, '-s', `b:${words}`, ...middle),
          ]);
          expect(ended).toMatchObject({ status: 0, stderr: '', stdout: `alpha\nd=\n${uid}\n` });
        }
        expect(left(who)).toEqual([]);
      });
    }
  });
});

rootMountTest('a disk that is too small is told before anything is written', () => {
  const who = caller();
  const large = writeZip(join(freshDirectory(), 'large.zip'), [
    { name: 'large', content: Buffer.alloc(3_000_000, 'x') },
  ]);
  const run = (size: string) =>
    inOwnMounts(
      who,
      `mount -t tmpfs -o size=${size},mode=0700,uid=${ordinaryUser},gid=${ordinaryUser} none '${who.home}'
       as_user "$0" run --extract=force --tmpfs-size=1K -s '${large}' sh -c 'cd "$FUSELAGE_STATIC"; ls large' || status=$?
       ls -A '${who.home}/.fuselage/extracted'; exit "\${status:-0}"`,
    );
  const small = run('2m');
  expect(small).toMatchObject({ status: 125, stdout: '' });
  expect(small.stderr).toContain('[ERR_EXTRACT_NO_SPACE]');
  expect(small.stderr).toContain('the free room on the file system of the home');
  expect(small.stderr).toMatch(/fix: make room there, or set FUSELAGE_HOME/);
  expect(run('9m')).toMatchObject({ status: 0, stdout: 'large\n', stderr: '' });
});
