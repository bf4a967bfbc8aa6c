/**
 * Homes that somebody tries to use against the caller. Each attack has a twin: the same run where
 * nobody attacks.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { FuselageError, planRun } from '../../src/index.js';
import { launch } from '../../src/run/launch.js';
import { compiled } from '../support/compile.js';
import { mountTest, rootMountTest, rootTest } from '../support/must-mount.js';
import { freshDirectory, freshHome, frontDoor, give, launcher } from '../support/places.js';
import {
  type Caller,
  caller,
  ordinaryUser,
  runFuselage,
  startFuselage,
} from '../support/run-fuselage.js';
import { writeZip } from '../support/zip-file.js';

const sh = (script: string) => ['--', 'sh', '-c', script];
const show = sh('cat "$FUSELAGE_STATIC/words/a.txt"');
const modeOf = (path: string) => statSync(path).mode & 0o7777;
let words: string;
let exchange: string;

beforeAll(() => {
  words = writeZip(join(freshDirectory(), 'words.zip'), [{ name: 'a.txt', content: 'alpha\n' }]);
  exchange = compiled('exchange');
});

/** A directory of root's that no run may touch, with what a run would make already in it. */
function rootsOwn(): string {
  const place = join(freshDirectory(0), 'private');
  mkdirSync(place, { mode: 0o755 });
  mkdirSync(join(place, 'procdirs'), { mode: 0o755 });
  return place;
}

/** Swaps the names while `body` runs, as `uid`. */
async function whileSwapped<T>(
  uid: number,
  [one, other]: [string, string],
  pause: number,
  body: () => Promise<T>,
): Promise<T> {
  const swapper = spawn(exchange, [one, other, String(uid), String(pause)], { stdio: 'inherit' });
  const ended = once(swapper, 'exit');
  try {
    return await body();
  } finally {
    swapper.kill('SIGKILL');
    // It swapped all the time.
    expect(await ended).toEqual([null, 'SIGKILL']);
  }
}

/**
 * Root with a /run of its own: what a run makes there does not reach the host, and another test sees
 * no difference.
 */
function inOwnRun(who: Caller, command: string[]) {
  const script = 'mount -t tmpfs -o mode=0755 tmpfs /run && exec "$@"';
  const unshare = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...command];
  return runFuselage({ ...who, program: '/usr/bin/unshare' }, unshare);
}

describe('root with the HOME of a user', () => {
  rootMountTest('is not led by a link to a directory of root’s', () => {
    const target = rootsOwn();
    const home = freshHome(ordinaryUser);
    symlinkSync(target, join(home, '.fuselage'));
    lchownSync(join(home, '.fuselage'), ordinaryUser, ordinaryUser);
    const run = [frontDoor, 'run', '-s', words];
    const where = sh('echo "$FUSELAGE_STATIC"; cat "$FUSELAGE_STATIC"/*/*');
    const ended = inOwnRun({ uid: 0, home }, [...run, ...where]);
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toMatch(/^\/run\/fuselage\/\d+\/static\nalpha\n$/);
    expect(modeOf(target)).toBe(0o755);
    expect(modeOf(join(target, 'procdirs'))).toBe(0o755);
    // The twin: the same link of root’s own.
    const own = freshHome(0);
    symlinkSync(target, join(own, '.fuselage'));
    const led = inOwnRun({ uid: 0, home: own }, [...run, ...where]);
    expect(led.stdout).toMatch(new RegExp(`^${own}/.fuselage/procdirs/\\d+/static\nalpha\n$`));
    expect(modeOf(target)).toBe(0o700);
  });

  rootMountTest('wins every race', async () => {
    const target = rootsOwn();
    const outside = join(freshDirectory(0), 'sent');
    mkdirSync(outside);
    const home = freshHome(ordinaryUser);
    const [at, swap] = [join(home, '.fuselage'), join(home, 'swap')] as const;
    // One is root's directory, the other has for every pid a link out of the trees.
    symlinkSync(target, at);
    mkdirSync(join(swap, 'procdirs'), { recursive: true });
    for (let pid = 1; pid < 3000; pid++) {
      const procdir = join(swap, 'procdirs', String(process.pid + pid));
      mkdirSync(procdir);
      symlinkSync(outside, join(procdir, 'static'));
    }
    for (const path of [swap, join(swap, 'procdirs')]) chownSync(path, ordinaryUser, ordinaryUser);
    lchownSync(at, ordinaryUser, ordinaryUser);
    await whileSwapped(ordinaryUser, [at, swap], 1500, async () => {
      for (let attempt = 0; attempt < 10; attempt++) {
        const ended = inOwnRun({ uid: 0, home }, [frontDoor, 'run', '-s', words, ...show]);
        expect(ended).toMatchObject({ status: 0, stdout: 'alpha\n', stderr: '' });
      }
    });
    expect(readdirSync(outside)).toEqual([]);
    expect(modeOf(target)).toBe(0o755);
  });

  rootMountTest('wins it in the launcher too, whatever the plan says', async () => {
    const target = rootsOwn();
    const home = freshHome(ordinaryUser);
    const [at, swap] = [join(home, '.fuselage'), join(home, 'swap')] as const;
    symlinkSync(target, at);
    mkdirSync(swap, { mode: 0o777 });
    for (const path of [at, swap]) lchownSync(path, ordinaryUser, ordinaryUser);
    const planned = (path: string) => {
      const plan = planRun({
        static: [words],
        command: 'true',
        // Not by FUSELAGE_HOME: node itself would refuse most of them.
        env: { HOME: dirname(path), PATH: process.env.PATH ?? '' },
      });
      return launch({
        launcher,
        answer: { answer: 'plan', plan: { ...plan, ...overHome(plan, path) }, inputs: [] },
        words: ['true'],
        stdio: 'ignore',
        killSignal: 'SIGTERM',
      });
    };
    await whileSwapped(ordinaryUser, [at, swap], 100, async () => {
      for (let attempt = 0; attempt < 150; attempt++) {
        const error = await planned(at).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(FuselageError);
        expect((error as FuselageError).code).toBe('ERR_HOME_OWNER');
      }
    });
    expect(modeOf(target)).toBe(0o755);
    // The twin: a home of root's.
    expect(await planned(join(freshHome(0), '.fuselage'))).toEqual({ exitCode: 0, signal: null });
  });
});

/** The plan with `home` as its home, also where planning would not have taken it. */
function overHome(plan: ReturnType<typeof planRun>, home: string) {
  const steps = plan.steps.filter(({ step }) => step !== 'mountPoint');
  const size = null;
  return {
    home,
    steps: steps.map((step) =>
      step.step === 'procdir' ? { ...step, on: 'home' as const, size } : step,
    ),
  };
}

describe('a user whose home is exchanged', () => {
  mountTest(
    'by itself: started, or told, and nothing is left in either',
    async () => {
      const who = caller();
      const [at, swap] = [join(who.home, '.fuselage'), join(who.home, 'swap')] as const;
      for (const path of [at, swap]) {
        mkdirSync(path, { mode: 0o700 });
        give(path, who.uid);
      }
      let succeeded = 0;
      await whileSwapped(who.uid, [at, swap], 1500, async () => {
        // About one of three wins the race.
        for (let attempt = 0; attempt < (succeeded > 0 ? 15 : 150); attempt++) {
          // A command that uses no path of the trees: they are exchanged while it runs, too.
          const ended = runFuselage(who, ['run', '-s', words, 'echo', 'started']);
          if (ended.status === 0) succeeded++;
          if (ended.status === 0) expect(ended.stdout).toBe('started\n');
          else expect(ended).toMatchObject({ status: 125, stdout: '' });
          if (ended.status !== 0) expect(ended.stderr).toContain('ERR_HOME_CHANGED');
        }
      });
      expect(succeeded).toBeGreaterThan(0);
      for (const path of [at, swap]) {
        for (const name of readdirSync(path)) expect(readdirSync(join(path, name))).toEqual([]);
      }
    },
    60_000,
  );

  mountTest(
    'after the trees were mounted: an error that says so',
    async () => {
      const who = caller();
      const large = join(freshDirectory(), 'large.zip');
      writeZip(
        large,
        Array.from({ length: 20_000 }, (_, number) => ({ name: `${number}`, content: 'x' })),
      );
      const home = join(who.home, '.fuselage');
      const run = ['run', '-s', large, '--', 'echo', 'started'];
      expect(runFuselage(who, run).stdout).toBe('started\n');
      let ended = null;
      for (let attempt = 0; attempt < 10 && ended?.status !== 125; attempt++) {
        const started = startFuselage(who, run);
        await mountedIn(started.child.pid as number);
        const away = join(who.home, `away-${attempt}`);
        renameSync(home, away);
        ended = await started.ended;
        if (existsSync(home)) rmdirSync(join(home, 'procdirs'));
        if (existsSync(home)) rmdirSync(home);
        renameSync(away, home);
      }
      expect(ended).toMatchObject({ status: 125, stdout: '' });
      expect(ended?.stderr).toMatch(/procdirs\/\d+ was replaced while .* \[ERR_HOME_CHANGED\]/);
    },
    60_000,
  );
});

/** Waits until the process has mounted its private directory, or has ended. */
async function mountedIn(pid: number): Promise<void> {
  for (let attempt = 0; attempt < 5000; attempt++) {
    let table: string;
    try {
      table = readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
    } catch {
      return;
    }
    if (table.includes(`/procdirs/${pid} `)) return;
    await sleep(1);
  }
}

describe('a home that others could replace is not used', () => {
  rootTest('by a user, and doctor says why', () => {
    const open = freshDirectory(ordinaryUser);
    const who = caller(ordinaryUser, { environment: { HOME: open } });
    const doctor = () =>
      runFuselage(who, ['doctor'])
        .stdout.split('\n')
        .find((line) => / home /.test(line));
    expect(doctor()).toContain(`${open}/.fuselage, made by the first run`);
    chmodSync(open, 0o777);
    expect(doctor()).toMatch(
      new RegExp(`${open}/.fuselage is not used: ${open} may be written by everybody`),
    );
  });

  mountTest('and the run works without it', () => {
    const open = freshDirectory(ordinaryUser);
    const who = caller(ordinaryUser, { environment: { HOME: open } });
    chmodSync(open, 0o777);
    expect(runFuselage(who, ['run', '-s', words, ...show])).toMatchObject({
      status: 0,
      stdout: 'alpha\n',
    });
    expect(readdirSync(open)).toEqual([]);
    chmodSync(open, 0o775);
    expect(runFuselage(who, ['run', '-s', words, ...show]).stdout).toBe('alpha\n');
    expect(readdirSync(open)).toEqual(['.fuselage']);
  });

  mountTest('and is an error where FUSELAGE_HOME names it', () => {
    const open = freshDirectory(ordinaryUser);
    const who = caller(ordinaryUser, { environment: { FUSELAGE_HOME: join(open, 'home') } });
    const run = ['run', '-s', words, ...show];
    chmodSync(open, 0o777);
    const ended = runFuselage(who, run);
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toContain(`[ERR_HOME_UNUSABLE]`);
    expect(ended.stderr).toContain(`cause: ${open} may be written by everybody`);
    const doctor = runFuselage(who, ['doctor']);
    expect(doctor.status).toBe(1);
    expect(doctor.stdout).toContain(`${open} may be written by everybody`);
    expect(readdirSync(open)).toEqual([]);
    chmodSync(open, 0o775);
    expect(runFuselage(who, run).stdout).toBe('alpha\n');
    expect(readdirSync(open)).toEqual(['home']);
  });

  rootMountTest('nor is one of a user by root, where FUSELAGE_HOME names it', () => {
    const home = join(freshHome(ordinaryUser), '.fuselage');
    mkdirSync(home);
    chownSync(home, ordinaryUser, ordinaryUser);
    const run = (uid: number) => {
      const who = { uid, home: freshHome(uid), environment: { FUSELAGE_HOME: home } };
      return runFuselage(who, ['run', '-s', words, ...show]);
    };
    const refused = run(0);
    expect(refused).toMatchObject({ status: 125, stdout: '' });
    expect(refused.stderr).toContain('[ERR_HOME_OWNER]');
    expect(readdirSync(home)).toEqual([]);
    // The twin: whose it is.
    expect(run(ordinaryUser)).toMatchObject({ status: 0, stdout: 'alpha\n' });
  });
});

describe('the mode of a home', () => {
  mountTest('is its owner’s whatever the umask, and the umask arrives', () => {
    const who = caller();
    const run = [frontDoor, 'run', '-s', words, ...sh('umask; cat "$FUSELAGE_STATIC"/*/*')];
    const closed = ['-c', 'umask 777; exec "$@"', 'sh', ...run];
    for (let attempt = 0; attempt < 2; attempt++) {
      const ended = runFuselage({ ...who, program: '/bin/sh' }, closed);
      expect(ended).toMatchObject({ stdout: '0777\nalpha\n', stderr: '' });
    }
    expect(modeOf(join(who.home, '.fuselage'))).toBe(0o700);
    expect(modeOf(join(who.home, '.fuselage/procdirs'))).toBe(0o700);
  });

  rootTest('that locks its owner out is an error with the fix', () => {
    const who = caller();
    const home = join(who.home, '.fuselage');
    mkdirSync(home);
    chownSync(home, who.uid, who.uid);
    chmodSync(home, 0);
    const ended = runFuselage(who, ['run', 'echo', 'started']);
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toContain('[ERR_HOME_UNUSABLE]');
    expect(ended.stderr).toContain(`fix: give yourself all rights to it: chmod 0700 ${home}`);
    const doctor = runFuselage(who, ['doctor']);
    expect(doctor.status).toBe(1);
    expect(doctor.stdout).toContain(`fix: give yourself all rights to it: chmod 0700 ${home}`);
    chmodSync(home, 0o700);
    expect(runFuselage(who, ['doctor']).stdout).toMatch(/ok +home/);
  });
});

describe('root without a usable home', () => {
  rootMountTest('has a /run that can be written', () => {
    const who = { uid: 0, home: freshHome(ordinaryUser) };
    const look = 'touch /run/zz && ls -ld /run/fuselage';
    const ended = inOwnRun(who, [
      'sh',
      '-c',
      `'${frontDoor}' run -s '${words}' sh -c 'touch /run/zz; cat "$FUSELAGE_STATIC"/*/*' && ${look}`,
    ]);
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toMatch(/^alpha\ndrwx------ .* \/run\/fuselage\n$/);
  });

  rootMountTest('takes a /run/fuselage of nobody else', () => {
    const who = { uid: 0, home: freshHome(ordinaryUser) };
    const script = (owner: number) =>
      `mkdir /run/fuselage && chown ${owner} /run/fuselage && exec '${frontDoor}' run echo started`;
    const taken = inOwnRun(who, ['sh', '-c', script(ordinaryUser)]);
    expect(taken).toMatchObject({ status: 125, stdout: '' });
    expect(taken.stderr).toContain('/run/fuselage belongs to uid 12345');
    expect(inOwnRun(who, ['sh', '-c', script(0)]).stdout).toBe('started\n');
  });
});

mountTest('a nested run says who has filled the directory of all runs', () => {
  const script = `cd "$FUSELAGE_TMPDIR/../.."; seq -f x%g 2000 | xargs mkdir 2>/dev/null
    '${frontDoor}' run echo started; rmdir x*; '${frontDoor}' run echo started`;
  const ended = runFuselage(caller(), ['run', ...sh(script)]);
  expect(ended.stdout).toBe('started\n');
  expect(ended.stderr).toMatch(
    /ERR_MOUNT_FAILED\]\n {2}cause: the tmpfs .* is full\n {2}fix: remove/,
  );
});
