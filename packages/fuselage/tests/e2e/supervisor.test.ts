/** The supervisor of a run without namespaces: signals, terminals, and how it ends. */
import { readFileSync } from 'node:fs';
import { compiled } from '../support/compile.js';
import { rootTest } from '../support/must-mount.js';
import { frontDoor } from '../support/places.js';
import { callers, commandBelow, force, left, sh, writeArchives } from '../support/real-files.js';
import { type Caller, caller, runFuselage, startFuselage } from '../support/run-fuselage.js';
import { isAlive, until } from '../support/stand-in-node.js';
import { atShell } from '../support/terminal.js';
import { workerBelow } from '../support/worker.js';

let words: string;
let many: string;

beforeAll(() => {
  ({ words, many } = writeArchives());
});

describe.each(callers)('as $name', ({ uid, test }) => {
  let who: Caller;
  beforeEach(() => {
    who = caller(uid, { environment: { TZ: 'UTC0' } });
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
});

function state(pid: number): string | undefined {
  return /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
}

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
