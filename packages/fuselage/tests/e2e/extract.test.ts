/** Runs without namespaces: what the command sees, and that nothing is left whatever happens. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { compiled } from '../support/compile.js';
import { mountTest, rootMountTest, rootTest } from '../support/must-mount.js';
import { inOwnMounts } from '../support/own-mounts.js';
import { freshDirectory, frontDoor, give, root } from '../support/places.js';
import {
  type Caller,
  caller,
  ordinaryUser,
  runFuselage,
  startFuselage,
} from '../support/run-fuselage.js';
import { isAlive, until } from '../support/stand-in-node.js';
import { atShell } from '../support/terminal.js';
import { workerBelow } from '../support/worker.js';
import { behindWrap, namespacesDenied } from '../support/wrap.js';
import { writeZip } from '../support/zip-file.js';

let words: string;
let many: string;
let damaged: string;
let text: string;

beforeAll(() => {
  const directory = freshDirectory();
  words = writeZip(join(directory, 'words.zip'), [
    { name: 'a.txt', content: 'alpha\n' },
    { name: 'sub/deep/b.txt', content: 'beta\n', mode: 0o100664 },
    { name: 'bin/hello', content: '#!/bin/sh\necho "hello $1"\n', mode: 0o100755 },
    { name: 'link', content: 'sub/deep/b.txt', mode: 0o120777 },
    { name: 'locked/', mode: 0o040555 },
    { name: 'locked/c.txt', content: 'gamma\n', mode: 0o100444 },
  ]);
  const entries = Array.from({ length: 30_000 }, (_, i) => ({ name: `d${i % 99}/${i}` }));
  many = writeZip(join(directory, 'many.zip'), entries);
  damaged = writeZip(join(directory, 'damaged.zip'), [
    { name: 'good', content: 'x' },
    { name: 'bad', content: 'some content that is more than nothing' },
  ]);
  const bytes = readFileSync(damaged);
  // The data of the last entry, whose check sum is wrong then.
  const data = bytes.lastIndexOf('PK\x03\x04') + 30 + 'bad'.length;
  bytes.writeUInt8(bytes.readUInt8(data + 4) ^ 0xff, data + 4);
  writeFileSync(damaged, bytes);
  text = join(directory, 'words.b64');
  writeFileSync(text, readFileSync(words).toString('base64'));
});

const sh = (script: string) => ['--', 'sh', '-c', script];
const force = (...rest: string[]) => ['run', '--extract=force', ...rest];
const extracted = (who: Caller) => join(who.home, '.fuselage/extracted');

/** What is in the home of `who` for runs without namespaces. */
function left(who: Caller): string[] {
  return existsSync(extracted(who)) ? readdirSync(extracted(who)) : [];
}

const callers = [
  { name: 'an ordinary user', uid: ordinaryUser, test, mount: mountTest },
  { name: 'root', uid: 0, test: rootTest, mount: rootMountTest },
];

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

  test('the directories that are made are for this user alone, and gone in the end', () => {
    const script = `stat -c %a "$FUSELAGE_TMPDIR" "$FUSELAGE_TMPDIR/.." "$FUSELAGE_TMPDIR/../.." \
      "$FUSELAGE_DYNAMIC" "$FUSELAGE_STATIC"; umask; cd "$FUSELAGE_DYNAMIC/d" && rm -r sub &&
      touch ../x "$FUSELAGE_TMPDIR/y" && dirname "$FUSELAGE_TMPDIR"`;
    const ended = runFuselage(who, force('-d', `d:${words}`, '-s', words, ...sh(script)));
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    const [path, mask, ...modes] = ended.stdout.trim().split('\n').reverse();
    expect(modes).toEqual(['700', '700', '700', '700', '700']);
    expect(mask).toMatch(/^0?022$/);
    expect(path).toMatch(new RegExp(`^${extracted(who)}/\\d+$`));
    expect(left(who)).toEqual([]);
    expect(readdirSync(join(who.home, '.fuselage'))).toEqual(['extracted']);
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

  describe('signals', () => {
    async function running(command: string[], more: string[] = []) {
      const { child, written, ended } = startFuselage(who, force(...more, '--', ...command));
      await until(() => written.stdout.includes('ready\n'));
      return { child, written, ended };
    }

    test('that are sent to the supervisor reach the command', async () => {
      const { child, written, ended } = await running([compiled('signals')]);
      const numbers = [1, 2, 3, 10, 12, 14, 23, 28, 18, 6, 13];
      for (const number of numbers) {
        child.kill(number as unknown as NodeJS.Signals);
        await until(() => written.stdout.endsWith(`\n${number}\n`));
      }
      const kill = (...rest: string[]) =>
        runFuselage({ ...who, program: '/bin/kill' }, [...rest, String(child.pid)]);
      expect(kill('-s', '37').status).toBe(0);
      await until(() => written.stdout.endsWith('\n37\n'));
      expect(kill('-q', '1234', '-s', '40').status).toBe(0);
      await until(() => written.stdout.endsWith('\n40=1234\n'));
      child.kill('SIGTERM');
      expect(await ended).toMatchObject({ status: 3, signal: null, stderr: '' });
      expect(written.stdout).toBe(
        `ready\n${numbers.map((number) => `${number}\n`).join('')}37\n40=1234\n15\n`,
      );
      expect(left(who)).toEqual([]);
    });

    test('end a command that handles none, and the supervisor in the same way', async () => {
      for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1'] as const) {
        const { child, ended } = await running(['sh', '-c', 'echo ready; exec sleep 60']);
        expect(left(who)).toHaveLength(1);
        child.kill(signal);
        expect(await ended).toMatchObject({ status: null, signal, stderr: '' });
        expect(left(who)).toEqual([]);
      }
    });

    test('that C libraries use for threads end neither before the files are removed', async () => {
      for (const number of [32, 33]) {
        const { child, ended } = await running(['sh', '-c', 'echo ready; exec sleep 60']);
        const words = ['-s', String(number), String(child.pid)];
        expect(runFuselage({ ...who, program: '/bin/kill' }, words).status).toBe(0);
        // node has no name for it, and says nothing else of such an end.
        expect(await ended).toMatchObject({ status: 0, signal: null, stderr: '' });
        expect(left(who)).toEqual([]);
      }
    });

    test('stop it where the command has itself traced by its parent', async () => {
      const { child, ended } = await running([compiled('traced')]);
      await until(() => state(child.pid as number) === 'T');
      child.kill('SIGKILL');
      expect(await ended).toMatchObject({ signal: 'SIGKILL', stderr: '' });
    });

    test('during the extraction end the run, and nothing is left', async () => {
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
        const { child, ended } = startFuselage(
          who,
          force('--jobs=1', '-d', many, 'echo', 'started'),
        );
        const worker = await workerBelow(child.pid as number);
        await until(() => left(who).length > 0);
        child.kill(signal);
        expect(await ended).toMatchObject({ status: null, signal, stdout: '', stderr: '' });
        expect(left(who)).toEqual([]);
        await until(() => !isAlive(worker));
      }
    }, 60_000);

    test('that the command sends to its own group do not come back to it', async () => {
      const script = `n=0; trap 'n=$((n+1))' TERM; kill -TERM 0; sleep 0.2; echo $n`;
      const { ended } = startFuselage(who, force(...sh(script)), true);
      expect(await ended).toMatchObject({ status: 0, stdout: '1\n' });
    });

    test('stop and continue both', async () => {
      const { child, ended } = await running(['sh', '-c', 'echo ready; exec sleep 60']);
      const command = commandBelow(child.pid as number);
      process.kill(command, 'SIGSTOP');
      await until(() => state(child.pid as number) === 'T');
      child.kill('SIGCONT');
      await until(() => state(command) !== 'T' && state(child.pid as number) !== 'T');
      child.kill('SIGTERM');
      expect(await ended).toMatchObject({ signal: 'SIGTERM' });
      expect(left(who)).toEqual([]);
    });

    test('SIGCHLD that the caller ignores or blocks keeps nobody from waiting', () => {
      for (const way of ['ignore', 'block']) {
        const program = 'env';
        const ended = runFuselage({ ...who, program }, [
          ...[`--${way}-signal=CHLD`, frontDoor],
          ...force('-s', words, ...sh('exit 9')),
        ]);
        expect(ended).toMatchObject({ status: 9, stderr: '' });
        expect(left(who)).toEqual([]);
      }
    });
  });

  describe('a supervisor that is killed', () => {
    const busy = 'mkdir -p "$FUSELAGE_TMPDIR/a/b" && touch "$FUSELAGE_TMPDIR/a/b/c"';

    async function killed(script: string): Promise<number> {
      const { child, written, ended } = startFuselage(
        who,
        force('-s', words, ...sh(`${script}; echo ready; while :; do sleep 0.05; done`)),
      );
      await until(() => written.stdout.includes('ready\n'));
      const command = commandBelow(child.pid as number);
      child.kill('SIGKILL');
      expect(await ended).toMatchObject({ signal: 'SIGKILL' });
      await until(() => !isAlive(command));
      return command;
    }

    test('takes the command with it, and the next run removes what it left', async () => {
      await killed(`${busy}; chmod 000 "$FUSELAGE_TMPDIR/a/b" "$FUSELAGE_TMPDIR/a"`);
      expect(left(who)).toHaveLength(1);
      expect(runFuselage(who, force('true')).status).toBe(0);
      expect(left(who)).toEqual([]);
    });

    mount('and so does the next run with namespaces', async () => {
      await killed(busy);
      await killed('chmod 000 "$FUSELAGE_TMPDIR/.."');
      expect(left(who)).toHaveLength(1);
      expect(runFuselage(who, ['run', 'true']).status).toBe(0);
      expect(left(who)).toEqual([]);
    });

    test('during the extraction takes all with it, and the next run removes the rest', async () => {
      const { child, ended } = startFuselage(who, force('--jobs=1', '-d', many, 'echo', 'started'));
      const worker = await workerBelow(child.pid as number);
      // A stopped one does not end by itself.
      process.kill(worker, 'SIGSTOP');
      child.kill('SIGKILL');
      expect(await ended).toMatchObject({ signal: 'SIGKILL', stdout: '', stderr: '' });
      await until(() => !isAlive(worker));
      expect(left(who)).toHaveLength(1);
      await until(() => {
        runFuselage(who, force('true'));
        return left(who).length === 0;
      });
    }, 60_000);

    test('leaves links, which are removed and not followed', async () => {
      const outside = freshDirectory(uid);
      writeFileSync(join(outside, 'file'), 'mine');
      give(join(outside, 'file'), uid);
      chmodSync(outside, 0o555);
      await killed(`cd "$FUSELAGE_TMPDIR" && ln -s '${outside}' d && ln -s '${outside}/file' f &&
        ln '${outside}/file' h 2>/dev/null; mkdir x && ln -s / x/root && chmod 500 x`);
      expect(runFuselage(who, force('true'))).toMatchObject({ status: 0, stderr: '' });
      expect(left(who)).toEqual([]);
      expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('mine');
      expect(statSync(outside).mode & 0o777).toBe(0o555);
      expect(statSync(join(outside, 'file')).mode & 0o777).toBe(0o644);
    });
  });

  test('a live run is never swept', async () => {
    const one = startFuselage(
      who,
      force(
        '-s',
        words,
        ...sh(`echo ready; until [ -e '${who.home}/go' ]; do sleep 0.02; done
      cat "$FUSELAGE_STATIC/words/a.txt"`),
      ),
    );
    await until(() => one.written.stdout.includes('ready\n'));
    for (let run = 0; run < 5; run++) expect(runFuselage(who, force('true')).status).toBe(0);
    expect(left(who)).toHaveLength(1);
    writeFileSync(join(who.home, 'go'), '');
    expect(await one.ended).toMatchObject({ status: 0, stdout: 'ready\nalpha\n', stderr: '' });
    expect(left(who)).toEqual([]);
  });

  test('many at once, each with its own', async () => {
    const runs = Array.from({ length: 12 }, (_, number) =>
      startFuselage(
        who,
        force(
          '-d',
          words,
          ...sh(`echo ${number} >"$FUSELAGE_TMPDIR/n"; sleep 0.1
          cat "$FUSELAGE_TMPDIR/n" "$FUSELAGE_DYNAMIC/words/a.txt"`),
        ),
      ),
    );
    for (const [number, { ended }] of runs.entries()) {
      expect(await ended).toMatchObject({ status: 0, stdout: `${number}\nalpha\n`, stderr: '' });
    }
    expect(left(who)).toEqual([]);
  });

  test('what is planted is neither used nor followed', () => {
    const outside = freshDirectory(uid);
    writeFileSync(join(outside, 'file'), 'mine');
    expect(runFuselage(who, force('true')).status).toBe(0);
    // The shell that becomes the launcher has the number that is planted.
    const plant = (how: string) => `${how}; exec '${frontDoor}' run --extract=force -- sh -c '
      dirname "$FUSELAGE_TMPDIR"; ls -A "$FUSELAGE_TMPDIR/.."'`;
    const run = (how: string) =>
      runFuselage({ ...who, program: 'sh' }, ['-c', `cd '${extracted(who)}'; ${plant(how)}`]);
    for (const how of [
      `ln -s '${outside}' $$`,
      'touch $$',
      'mkdir -p $$/tmp/x && touch $$/tmp/x/y',
    ]) {
      const ended = run(how);
      expect(ended).toMatchObject({ status: 0, stderr: '' });
      expect(ended.stdout).toMatch(/\/extracted\/\d+(\.1)?\n\.lock\ntmp\n$/);
    }
    // Not the directory, which was swept: only what is no directory of a run stays.
    expect(left(who).every((name) => !lstatSync(join(extracted(who), name)).isDirectory())).toBe(
      true,
    );
    expect(left(who)).toHaveLength(2);
    expect(readdirSync(outside)).toEqual(['file']);
  });

  test('`extracted` that is a link is refused', () => {
    const outside = freshDirectory(uid);
    mkdirSync(join(who.home, '.fuselage'), { mode: 0o700 });
    give(join(who.home, '.fuselage'), uid);
    symlinkSync(outside, extracted(who));
    const ended = runFuselage(who, force('-d', words, 'echo', 'started'));
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toContain('[ERR_HOME_UNUSABLE]');
    expect(readdirSync(outside)).toEqual([]);
  });

  test('files go with the command, also under a process that it leaves', async () => {
    const script = `(exec >/dev/null 2>&1; i=0; while [ -e '${who.home}/go' ]; do
      i=$((i+1)); echo x >"$FUSELAGE_TMPDIR/$i"; done) & echo started; sleep 0.3`;
    writeFileSync(join(who.home, 'go'), '');
    const { ended } = startFuselage(who, force(...sh(script)));
    const { status, stdout } = await ended;
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'started\n' });
    runFuselage({ ...who, program: 'rm' }, [join(who.home, 'go')]);
    await until(() => {
      runFuselage(who, force('true'));
      return left(who).length === 0;
    });
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

/** The process that the supervisor `pid` has started. */
function commandBelow(pid: number): number {
  const command = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
  // Zero would be the process group of the tests.
  if (!(command > 1)) throw new Error(`${pid} has not one child`);
  return command;
}

function state(pid: number): string | undefined {
  return /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
}

rootTest('a live run of another pid namespace with the same home is never swept', async () => {
  const who = caller(0);
  const inNamespace = (...rest: string[]) => [
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    'sh',
    '-c',
    '"$0" "$@"; exit $?',
    ...rest,
  ];
  const unshare = { ...who, program: 'unshare' };
  const run = (script: string) => inNamespace(frontDoor, ...force('-s', words, ...sh(script)));
  const one = startFuselage(
    unshare,
    run('echo ready; sleep 1; cat "$FUSELAGE_STATIC/words/a.txt"; echo $PPID'),
  );
  await until(() => one.written.stdout.includes('ready\n'));
  const other = runFuselage(unshare, run('dirname "$FUSELAGE_TMPDIR"; echo $PPID'));
  expect(other).toMatchObject({ status: 0, stderr: '' });
  // The same number, so that the second has another name.
  const [path, pid] = other.stdout.trim().split('\n');
  expect(path).toBe(`${extracted(who)}/${pid}.1`);
  expect(await one.ended).toMatchObject({
    status: 0,
    stdout: `ready\nalpha\n${pid}\n`,
    stderr: '',
  });
  expect(left(who)).toEqual([]);
});

rootTest(
  'as pid 1 of a container it ends with the status of the command, and of its signal',
  () => {
    const who = caller(0);
    const run = (script: string) =>
      runFuselage({ ...who, program: 'unshare' }, [
        ...['--pid', '--fork', '--mount-proc', frontDoor, ...force(...sh(script))],
      ]);
    expect(run('(sleep 0.1 &); exit 4').status).toBe(4);
    expect(run('kill -TERM $$').status).toBe(128 + 15);
    expect(left(who)).toEqual([]);
  },
);

describe('at a terminal', () => {
  const run = `'${frontDoor}' run --extract=force`;

  test('Ctrl-C is the command’s to decide on', () => {
    const who = caller();
    const script = `trap "exit 7" INT; echo rea""dy; while :; do sleep 0.05; done`;
    const ended = atShell(
      [`+${run} sh -c '${script}'; echo status $?\\n`, '=ready', '+^C', '=status 7'],
      { HOME: who.home },
    );
    expect(ended.status).toBe(5);
    expect(left(who)).toEqual([]);
  });

  test('Ctrl-C that it does not handle ends it', () => {
    const who = caller();
    const ended = atShell(
      [
        `+${run} sh -c 'echo rea""dy; exec sleep 60'; echo status $?\\n`,
        '=ready',
        '+^C',
        '=status 130',
      ],
      { HOME: who.home },
    );
    expect(ended.status).toBe(5);
    expect(left(who)).toEqual([]);
  });

  test('Ctrl-Z stops it, fg goes on', () => {
    const ticking = 'i=0; while :; do i=$((i+1)); [ $((i % 50000)) = 0 ] && echo ti""ck; done';
    const ended = atShell([
      `+${run} sh -c '${ticking}'\\n`,
      ...['=tick', '+^Z', '=Stopped', '+fg; echo status $?\\n', '=tick', '+^Z', '=Stopped'],
      ...['+fg; echo status $?\\n', '=tick', '+^C', '=status 130'],
    ]);
    expect(ended.status).toBe(5);
  });

  test('an interactive shell inside has the terminal', () => {
    const ended = atShell([
      `+${run} env PS1=in"ner> " bash --norc -i; echo out""side $?\\n`,
      // Bash takes what is typed only when its prompt is there.
      ...['=inner> ', '+[ -o monitor ] && echo job con""trol\\n', '=job control', '=inner> '],
      ...['+exit 6\\n', '=outside 6'],
    ]);
    expect(ended.status).toBe(5);
  });
});

describe('from a program', () => {
  function program(body: string, who = caller()): { ended: unknown[]; stderr: string } {
    const library = JSON.stringify(join(root, 'packages/fuselage'));
    const script = `const { run } = require(${library});
      const print = (value) => console.log(JSON.stringify(value));
      (async () => { ${body} })().catch((error) => { console.error(error); process.exit(1); });`;
    const { status, stdout, stderr } = runFuselage({ ...who, program: process.execPath }, [
      ...['-e', script],
    ]);
    expect(status).toBe(0);
    expect(left(who)).toEqual([]);
    return {
      ended: stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
      stderr,
    };
  }

  test('the command is started, gets signals, and how it ended is told', () => {
    const { ended, stderr } = program(`
      const stdio = ['ignore', 'pipe', 'inherit'];
      const controller = new AbortController();
      const onStart = ({ stdout }) => stdout.on('data', (said) => {
        print(said.toString());
        controller.abort();
      });
      const script = 'trap "exit 9" TERM; cat "$FUSELAGE_STATIC/words/a.txt"; while :; do sleep 0.05; done';
      print(await run({
        static: [${JSON.stringify(words)}], command: 'sh', args: ['-c', script], extract: 'force',
        stdio, onStart, signal: controller.signal,
      }));`);
    expect(ended).toEqual(['alpha\n', { exitCode: 9, signal: null }]);
    expect(stderr).toBe('');
  });

  test('what keeps it from starting is thrown', () => {
    const { ended, stderr } = program(`
      let started = false;
      const fail = (options) => run({
        command: 'true', extract: 'force', onStart: () => { started = true; }, ...options,
      }).catch(({ code }) => print([code, started]));
      await fail({ static: [${JSON.stringify(damaged)}] });
      await fail({ command: '/no/such' });
      await fail({ extract: 'never' });
      print(await run({ command: 'sh', args: ['-c', 'kill -KILL $$'], extract: 'prefer' }));`);
    expect(ended).toEqual([
      ['ERR_ARCHIVE_DAMAGED', false],
      ['ERR_COMMAND_NOT_FOUND', false],
      ['ERR_USAGE', false],
      { exitCode: null, signal: 'SIGKILL' },
    ]);
    expect(stderr).toBe('');
  });

  test('who waits for the end of a pipe waits for the command alone', () => {
    const { ended } = program(`
      const stdio = ['ignore', 'pipe', 'inherit'];
      let closed;
      const onStart = ({ stdout }) => stdout.on('close', () => { closed = Date.now(); }).resume();
      const command = { command: 'sh', args: ['-c', 'exec >&-; sleep 1'], extract: 'force' };
      await run({ ...command, stdio, onStart });
      print(Date.now() - closed > 500);`);
    expect(ended).toEqual([true]);
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

rootMountTest('what the command has mounted in its files is left alone', () => {
  const who = caller(0);
  const other = freshDirectory(0);
  writeFileSync(join(other, 'file'), 'mine');
  const ended = inOwnMounts(
    who,
    `"$0" run --extract=force sh -c 'mkdir "$FUSELAGE_TMPDIR/m" "$FUSELAGE_TMPDIR/x" &&
       mount --bind "${other}" "$FUSELAGE_TMPDIR/m"'`,
  );
  if (namespacesDenied) {
    // Nobody mounts there, so that nothing stays: mount(8) says that it failed.
    expect(ended.status).toBe(32);
    expect(left(who)).toEqual([]);
    return;
  }
  expect(ended.status).toBe(0);
  expect(ended.stderr).toMatch(
    /^fuselage: not all of .* could be removed: .*(EBUSY|EXDEV).*\n {2}fix: /,
  );
  expect(readdirSync(other)).toEqual(['file']);
  // The mount is gone with its namespace.
  expect(left(who)).toHaveLength(1);
  expect(runFuselage(who, force('true'))).toMatchObject({ status: 0, stderr: '' });
  expect(left(who)).toEqual([]);
});

describe('allow', () => {
  const inside = (who: Caller, how: string, rest: string[]) =>
    runFuselage({ ...who, program: compiled('refused') }, [...how.split(' '), frontDoor, ...rest]);
  const script = 'id -u; readlink /proc/self/ns/mnt; cat "$FUSELAGE_STATIC/words/a.txt"';

  for (const [how, cause] of [
    ['no-user-namespaces', /max_user_namespaces/],
    ['no-mount-namespaces', /max_mnt_namespaces/],
    ['seccomp unshare=EPERM', /seccomp/],
    ['seccomp mount=EPERM', /seccomp/],
  ] as const) {
    mountTest(`${how}: real files, one warning with the cause, the real uid`, () => {
      const who = caller();
      const allowed = inside(who, how, ['run', '--extract=allow', '-s', words, ...sh(script)]);
      expect(allowed.status).toBe(0);
      const [uid, namespace, content] = allowed.stdout.split('\n');
      expect([uid, content]).toEqual([String(ordinaryUser), 'alpha']);
      expect(namespace).toBe(readlinkSync('/proc/self/ns/mnt'));
      expect(allowed.stderr).toMatch(/^fuselage: real files are used instead of mounts: .*\n$/);
      // A filter around everything is met before what is arranged here.
      expect(allowed.stderr).toMatch(namespacesDenied ? /seccomp/ : cause);
      expect(left(who)).toEqual([]);

      const denied = inside(who, how, ['run', '-s', words, 'echo', 'started']);
      expect(denied).toMatchObject({ status: 125, stdout: '' });
      expect(denied.stderr).toContain('--extract=allow');
      const preferred = inside(who, how, ['run', '--extract=prefer', '-s', words, ...sh(script)]);
      expect(preferred).toMatchObject({ status: 0, stderr: '' });
    });
  }

  rootMountTest('root that may not enter a mount namespace falls back, too', () => {
    const who = caller(0);
    const run = (policy: string) =>
      inside(who, 'seccomp unshare=EPERM', [
        'run',
        `--extract=${policy}`,
        '-s',
        words,
        ...sh(script),
      ]);
    const allowed = run('allow');
    expect(allowed.status).toBe(0);
    expect(allowed.stdout).toBe(`0\n${readlinkSync('/proc/self/ns/mnt')}\nalpha\n`);
    expect(allowed.stderr).toMatch(/^fuselage: real files are used instead of mounts: .*\n$/);
    // Whoever may mount prefers that, and is not asked again.
    for (const policy of ['deny', 'prefer']) expect(run(policy).status).toBe(125);
    expect(left(who)).toEqual([]);
  });

  mountTest('namespaces where they are allowed, without a word', () => {
    const who = caller();
    const ended = runFuselage(who, ['run', '--extract=allow', '-s', words, ...sh(script)]);
    expect(ended.status).toBe(0);
    if (namespacesDenied) {
      expect(ended.stderr).toMatch(/^fuselage: real files are used instead .*seccomp filter.*\n$/);
      expect(ended.stdout).toContain(`${readlinkSync('/proc/self/ns/mnt')}\nalpha\n`);
      return;
    }
    expect(ended.stderr).toBe('');
    expect(ended.stdout).not.toContain(readlinkSync('/proc/self/ns/mnt'));
    expect(readdirSync(join(who.home, '.fuselage'))).toEqual(['procdirs']);
  });

  mountTest('the probe leaves no trace in the command', () => {
    const who = caller();
    const program = compiled('probe');
    const run = runFuselage({ ...who, program: compiled('starter') }, [
      ...[frontDoor, 'run', '--extract=allow', '--', program],
    ]);
    expect(run.stdout).toContain('children user 0.000000 system 0.000000');
  });

  mountTest('what fails later than the probe is an error', () => {
    const who = caller();
    const ended = runFuselage(who, ['run', '--extract=allow', '-s', damaged, 'echo', 'started']);
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toContain('[ERR_ARCHIVE_DAMAGED]');
    expect(left(who)).toEqual([]);
  });
});
