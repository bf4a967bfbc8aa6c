import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { compiled } from '../support/compile.js';
import { mountTest } from '../support/must-mount.js';
import { freshDirectory, frontDoor } from '../support/places.js';
import {
  type Caller,
  caller,
  type Ended,
  runFuselage,
  startFuselage,
} from '../support/run-fuselage.js';
import {
  type HeldNode,
  heldAtEntry,
  heldBefore,
  isAlive,
  standInNode,
  until,
} from '../support/stand-in-node.js';
import { unlessDenied } from '../support/wrap.js';

const signals = [
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
] as const;

const hanging = () => standInNode('exec sleep 60');

function callerWithNode(path: string, more: Partial<Caller> = {}): Caller {
  return caller(undefined, { ...more, environment: { ...more.environment, FUSELAGE_NODE: path } });
}

describe('a signal while node is asked', () => {
  test.each(signals)('%s to the launcher ends both, as if nobody were between', async (signal) => {
    const node = hanging();
    const { child, ended } = startFuselage(callerWithNode(node.path), ['run', 'echo', 'started']);
    const pid = await node.pid();
    child.kill(signal);
    expect(await ended).toMatchObject({ status: null, signal, stdout: '' });
    await until(() => !isAlive(pid));
  });

  test.each(signals)('%s to node alone ends the launcher of the same', async (signal) => {
    const node = hanging();
    const { ended } = startFuselage(callerWithNode(node.path), ['run', 'echo', 'started']);
    process.kill(await node.pid(), signal);
    expect(await ended).toMatchObject({ status: null, signal, stdout: '' });
  });

  test.each(signals)('%s to the process group', async (signal) => {
    const node = hanging();
    const { child, ended } = startFuselage(
      callerWithNode(node.path),
      ['run', 'echo', 'started'],
      true,
    );
    await node.pid();
    process.kill(-(child.pid as number), signal);
    expect(await ended).toMatchObject({ status: null, signal, stdout: '' });
  });

  test.each(signals)('%s that came although the answer did is not lost', async (signal) => {
    // Ignores it, then becomes node, so the answer comes all the same.
    const short = signal.slice('SIG'.length);
    const node = standInNode(`trap '' TERM ${short}; sleep 0.5; exec "$node" "$@"`);
    const { child, ended } = startFuselage(callerWithNode(node.path), ['run', 'echo', 'started']);
    await node.pid();
    child.kill(signal);
    expect(await ended).toMatchObject({ status: null, signal, stdout: '' });
  });

  const all = signals.map((signal) => signal.slice('SIG'.length)).join();
  const pending = (stdout: string) =>
    stdout.split('\n').filter((line) => line.startsWith('pending'));

  /** Sends `signal` to a run whose node is held, then lets node go on. */
  async function sent(
    node: HeldNode,
    words: string[],
    send: (pid: number) => void,
  ): Promise<Ended & { pending: string[] }> {
    const who = callerWithNode(node.path, { program: 'env' });
    const run = [...words, frontDoor, 'run', compiled('probe')];
    const { child, ended } = startFuselage(who, run, true);
    await node.held();
    send(child.pid as number);
    node.release();
    const end = await ended;
    return { ...end, pending: pending(end.stdout) };
  }

  const unharmed = { status: 0, signal: null, stderr: '' };

  mountTest('each that the caller ignores changes nothing', async () => {
    const end = await sent(heldBefore(), [`--ignore-signal=${all}`], (pid) => {
      for (const signal of signals) process.kill(pid, signal);
    });
    expect(end).toMatchObject({ ...unharmed, pending: [] });
  });

  mountTest('each that the caller blocks is pending in the command', async () => {
    const end = await sent(heldBefore(), [`--block-signal=${all}`], (pid) => {
      for (const signal of signals) process.kill(pid, signal);
    });
    const numbers = signals.map((signal) => constants.signals[signal]).sort((a, b) => a - b);
    expect(end).toMatchObject({ ...unharmed, pending: numbers.map((n) => `pending ${n}`) });
  });

  // Node sets the default dispositions and an empty mask at its start, so one to the process group
  // ends a node whose caller would not end of it.
  describe.each(signals)('%s to the process group of a caller', (signal) => {
    const short = signal.slice('SIG'.length);

    mountTest('that ignores it changes nothing', async () => {
      const end = await sent(heldAtEntry(), [`--ignore-signal=${short}`], (pid) => {
        process.kill(-pid, signal);
      });
      expect(end).toMatchObject({ ...unharmed, pending: [] });
    });

    mountTest('that blocks it: it is pending in the command', async () => {
      const end = await sent(heldAtEntry(), [`--block-signal=${short}`], (pid) => {
        process.kill(-pid, signal);
      });
      expect(end).toMatchObject({
        ...unharmed,
        pending: [`pending ${constants.signals[signal]}`],
      });
    });
  });

  mountTest('SIGUSR1 starts no inspector in node', async () => {
    const node = heldAtEntry();
    const end = await sent(node, [], () => process.kill(node.running(), 'SIGUSR1'));
    expect(end).toMatchObject(unharmed);
    // The same node without our entry says that its inspector listens.
    const script = `process.kill(process.pid, 'SIGUSR1'); setTimeout(() => undefined, 500)`;
    const plain = spawnSync(process.execPath, ['--inspect-port=0', '-e', script]);
    expect(plain.stderr.toString()).toContain('Debugger listening');
  });

  test('SIGKILL of the launcher ends node', async () => {
    const node = hanging();
    const { child, ended } = startFuselage(callerWithNode(node.path), ['run', 'echo', 'started']);
    const pid = await node.pid();
    expect(isAlive(pid)).toBe(true);
    child.kill('SIGKILL');
    expect(await ended).toMatchObject({ signal: 'SIGKILL' });
    await until(() => !isAlive(pid));
  });

  test('SIGKILL of node is an error that names it', async () => {
    const node = hanging();
    const { ended } = startFuselage(callerWithNode(node.path), ['run', 'echo', 'started']);
    process.kill(await node.pid(), 'SIGKILL');
    const { status, stderr } = await ended;
    expect(status).toBe(125);
    expect(stderr).toContain('ERR_NODE_NO_ANSWER');
    expect(stderr).toContain('SIGKILL');
  });
});

describe('a node that does not do its work', () => {
  test.each([
    ['crashes', 'kill -SEGV $$', 'SIGSEGV'],
    ['ends', 'exit 3', 'exit status 3'],
    ['answers half', `printf '\\100\\0\\0\\0{"answer"' >&3`, 'in the middle of its answer'],
    ['answers nonsense', `printf '\\3\\0\\0\\0abc' >&3; exec sleep 60`, 'no answer'],
    [
      'claims too long an answer',
      `printf '\\377\\377\\377\\377' >&3; exec sleep 60`,
      'longer than',
    ],
  ])('%s', (_name, body, cause) => {
    const ended = runFuselage(callerWithNode(standInNode(body).path), ['run', 'echo', 'started']);
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toContain('[ERR_NODE_NO_ANSWER]');
    expect(ended.stderr).toContain(cause);
  });
});

test('a node that dies each time of a signal that its caller ignores is given up', () => {
  const script = `process.kill(process.pid, 'SIGTERM'); setTimeout(() => undefined, 10000)`;
  const node = standInNode(`exec "$node" -e "${script}"`);
  const who = callerWithNode(node.path, { program: 'env' });
  const ended = runFuselage(who, ['--ignore-signal=TERM', frontDoor, 'run', 'echo', 'started']);
  expect(ended).toMatchObject({ status: 125, signal: null, stdout: '' });
  expect(ended.stderr).toContain('[ERR_NODE_NO_ANSWER]');
  expect(ended.stderr).toContain('SIGTERM 5 times');
});

test('a node that hangs in JavaScript ends of the user’s signal, and so does the launcher', async () => {
  const node = heldAtEntry();
  const { child, ended } = startFuselage(callerWithNode(node.path), ['run', 'echo', 'started']);
  await node.held();
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ status: null, signal: 'SIGINT', stdout: '', stderr: '' });
  await until(() => !isAlive(node.running()));
});

describe('a node that does not end', () => {
  const done = '{"answer":"done","exitCode":0}';
  const length = `\\${done.length.toString(8)}\\0\\0\\0`;
  // A child that outlives it must not hold what the test waits for.
  const stay = 'while :; do sleep 0.1 >/dev/null 2>&1 3>&-; done';
  const deaf = `trap '' TERM INT HUP QUIT USR1 USR2 ALRM`;
  const nodes: [string, string][] = [
    ['has not answered', stay],
    ['has closed its end', `exec 3>&-; ${stay}`],
    ['has done all', `printf '${length}%s' '${done}' >&3; ${stay}`],
  ];

  test.each(nodes)('and %s ends of a second signal', async (_name, body) => {
    const node = standInNode(`${deaf}; ${body}`);
    const { child, ended } = startFuselage(callerWithNode(node.path), ['run', 'echo', 'started']);
    const pid = await node.pid();
    child.kill('SIGTERM');
    // Twice at once would be one.
    await setTimeout(200);
    child.kill('SIGHUP');
    expect(await ended).toMatchObject({ status: null, signal: 'SIGTERM', stdout: '', stderr: '' });
    await until(() => !isAlive(pid));
  });

  test('because it is stopped ends some seconds after a signal', async () => {
    const node = standInNode('exec sleep 60');
    const { child, ended } = startFuselage(callerWithNode(node.path), ['run', 'echo', 'started']);
    const pid = await node.pid();
    process.kill(pid, 'SIGSTOP');
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ status: null, signal: 'SIGINT', stdout: '', stderr: '' });
    await until(() => !isAlive(pid));
  });

  test('at once may do so in its own time', () => {
    const node = standInNode(`printf '${length}%s' '${done}' >&3; sleep 0.5; echo last`);
    const ended = runFuselage(callerWithNode(node.path), ['run', 'echo', 'started']);
    expect(ended).toMatchObject({ status: 0, stdout: 'last\n' });
  });
});

describe('which node', () => {
  const disguised = (versions: string) => {
    const preload = join(freshDirectory(), 'disguise.js');
    writeFileSync(preload, `Object.defineProperty(process, 'versions', { value: ${versions} });`);
    return standInNode(`exec "$node" --require '${preload}' "$@"`).path;
  };

  test.each([
    ['an old node', `{ node: '16.20.2' }`, '16.20.2'],
    ['Bun', `{ node: '22.0.0', bun: '1.2.3' }`, 'Bun'],
    ['Electron', `{ node: '22.0.0', electron: '30.0.0' }`, 'Electron'],
  ])('%s by FUSELAGE_NODE is refused by name', (_name, versions, word) => {
    const ended = runFuselage(callerWithNode(disguised(versions)), ['run', 'echo', 'started']);
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toContain('ERR_NODE_MISSING');
    expect(ended.stderr.toLowerCase()).toContain(word.toLowerCase());
  });

  mountTest('one that is not suitable is passed over in PATH', () => {
    const [first, second] = [freshDirectory(), freshDirectory()];
    symlinkSync(disguised(`{ node: '16.20.2' }`), join(first, 'node'));
    symlinkSync(process.execPath, join(second, 'node'));
    const environment = { PATH: `${first}:${second}:/usr/bin:/bin` };
    const who = caller(undefined, { environment });
    expect(runFuselage(who, ['run', 'echo', 'on'])).toMatchObject({ status: 0, stdout: 'on\n' });
  });

  test('none: every one that was tried is listed', () => {
    const place = freshDirectory();
    mkdirSync(join(place, 'bin'));
    for (const tool of ['sh', 'readlink', 'uname']) {
      symlinkSync(spawnSync('which', [tool]).stdout.toString().trim(), join(place, 'bin', tool));
    }
    const environment = { PATH: join(place, 'bin'), npm_node_execpath: '/no/such/node' };
    const who = caller(undefined, { environment });
    const ended = runFuselage(who, ['run', 'echo', 'on']);
    expect(ended.status).toBe(125);
    expect(ended.stderr).toMatch(/ERR_NODE_MISSING/);
    expect(ended.stderr).toMatch(/\/no\/such\/node/);
  });
});

describe('what is the caller’s stays the caller’s', () => {
  mountTest('NODE_OPTIONS reach the command and not our node', () => {
    const environment = { NODE_OPTIONS: '--require=/no/such/file.js --inspect=127.0.0.1:0' };
    const ended = runFuselage(caller(undefined, { environment }), [
      'run',
      'sh',
      '-c',
      'echo "$NODE_OPTIONS"',
    ]);
    expect(ended).toMatchObject({
      status: 0,
      stdout: `${environment.NODE_OPTIONS}\n`,
      stderr: '',
    });
  });

  mountTest('the status flags of the standard descriptors, whatever node makes of them', () => {
    const [probe, nonblocking] = [compiled('probe'), compiled('nonblocking')];
    const flags = (who: Caller, words: string[]) => {
      const ended = runFuselage(who, words);
      expect(ended).toMatchObject({ status: 0, stderr: '' });
      return ended.stdout.split('\n').filter((line) => /^fd [012] /.test(line));
    };
    const plain = flags(caller(undefined, { program: probe }), []);
    expect(plain).toHaveLength(3);
    const node = standInNode(`exec '${nonblocking}' "$node" "$@"`);
    expect(flags(callerWithNode(node.path), ['run', probe])).toEqual(plain);
    // What would be seen if nobody gave them back.
    const script = `'${nonblocking}' true; exec '${probe}'`;
    const changed = flags(caller(undefined, { program: 'sh' }), ['-c', script]);
    for (const [number, line] of plain.entries()) expect(changed[number]).not.toBe(line);
  });

  mountTest('the IPC channel of a node that started us', async () => {
    const who = caller();
    const script = `process.on('message', (m) => { process.send('got ' + m); process.disconnect(); });`;
    const child = spawn(frontDoor, ['run', process.execPath, '-e', script], {
      env: { HOME: who.home, PATH: process.env.PATH },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let stderr = '';
    child.stderr?.on('data', (bytes: Buffer) => {
      stderr += bytes.toString();
    });
    const closed = once(child, 'close').then(([status]) =>
      unlessDenied({ status, stdout: '', stderr }),
    );
    child.send('early');
    const message = once(child, 'message').then(([message]) => message);
    expect(await Promise.race([message, closed])).toBe('got early');
    expect(await closed).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  mountTest('the job server of make', () => {
    const who = caller();
    const place = freshDirectory(who.uid);
    const inner = 'a b:\n\t@sleep 0.1; echo made $@\nall: a b\n.PHONY: a b all\n';
    writeFileSync(join(place, 'inner.mk'), inner);
    writeFileSync(
      join(place, 'Makefile'),
      `all:\n\t+@'${frontDoor}' run -- $(MAKE) --no-print-directory -f inner.mk all\n`,
    );
    const ended = runFuselage({ ...who, program: 'make', directory: place }, ['-j2']);
    expect(ended.stderr).toBe('');
    expect(ended.stdout.trim().split('\n').sort()).toEqual(['made a', 'made b']);
  });

  mountTest('an argument list near the limit of the system', () => {
    // What execve(2) takes of strings and pointers to them; the rest is for the environment and for
    // what the front door and the documented variables add.
    const limit = Math.min(Number(execFileSync('getconf', ['ARG_MAX'])), 6 * 1024 * 1024);
    const rest = 16 * 1024;
    const [longest, pointer] = [130_000, 8];
    const count = Math.ceil((limit - rest) / (longest + 1 + pointer));
    const length = Math.floor((limit - rest) / count) - 1 - pointer;
    const words = Array.from({ length: count }, () => 'x'.repeat(length));
    const script = 'echo $# $' + '{#7}';
    const ended = runFuselage(caller(), ['run', 'sh', '-c', script, '-', ...words]);
    expect(ended).toMatchObject({ status: 0, stdout: `${count} ${length}\n`, stderr: '' });
  });
});
