/** What is seen of the process that extracts: its progress, and its death. */
import { copyFileSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compiled } from '../support/compile.js';
import { mountTest, rootMountTest, workerTest } from '../support/must-mount.js';
import { freshDirectory, frontDoor } from '../support/places.js';
import { caller, runFuselage, startFuselage } from '../support/run-fuselage.js';
import { isAlive, until } from '../support/stand-in-node.js';
import { workerBelow, workersBelow, writes, writtenTrees } from '../support/worker.js';
import { writeZip } from '../support/zip-file.js';

/** So many that the worker can be found before it is done. */
const MANY = 30_000;

let many: string;
let big: string;

beforeAll(() => {
  const directory = freshDirectory();
  const entries = Array.from({ length: MANY }, (_, index) => ({ name: `d${index % 99}/${index}` }));
  many = writeZip(join(directory, 'many.zip'), entries);
  big = writeZip(join(directory, 'big.zip'), [
    { name: 'before', content: 'x' },
    { name: 'sub/big', content: Buffer.alloc(3_000_000) },
  ]);
});

mountTest('an encrypted entry is named, and what to do about it', () => {
  const archive = writeZip(join(freshDirectory(), 'secret.zip'), [
    { name: 'open.txt', content: 'x' },
    { name: 'secret.txt', content: 'y' },
  ]);
  const run = () => runFuselage(caller(), ['run', '-s', archive, 'echo', 'started']);
  expect(run()).toMatchObject({ status: 0, stdout: 'started\n' });
  // Bit 0 of the flags (APPNOTE 4.4.4), in the local header and in the central directory.
  const bytes = readFileSync(archive);
  for (const [record, flags] of [
    ['PK\x03\x04', 6],
    ['PK\x01\x02', 8],
  ] as const) {
    bytes.writeUInt8(1, bytes.lastIndexOf(record) + flags);
  }
  writeFileSync(archive, bytes);
  const ended = run();
  expect(ended).toMatchObject({ status: 125, stdout: '' });
  expect(ended.stderr).toContain('[ERR_ARCHIVE_ENCRYPTED]');
  expect(ended.stderr).toContain(archive);
  expect(ended.stderr).toContain('`secret.txt`');
  expect(ended.stderr).toMatch(/\n {2}fix: .*without a password/);
});

describe('a worker that dies', () => {
  mountTest(
    'is an error that names the archive, the signal and the entry',
    async () => {
      // As a crash in a decoder does; a worker that has just begun is at no entry yet.
      for (let attempt = 0; ; attempt++) {
        const words = ['run', '--jobs=1', '-s', many, 'echo', 'started'];
        const { child, ended } = startFuselage(caller(), words);
        const worker = await workerBelow(child.pid as number);
        await sleep(30 * attempt);
        process.kill(worker, 'SIGSEGV');
        const { stderr, ...rest } = await ended;
        expect(rest).toEqual({ status: 125, signal: null, stdout: '' });
        expect(stderr).toContain('[ERR_WORKER_DIED]');
        expect(stderr).toContain(many);
        expect(stderr).toContain('was killed by SIGSEGV');
        expect(stderr).toMatch(/\n {2}fix: please report this/);
        if (/it was at d\d+\/\d+\n/.test(stderr)) break;
        expect(attempt).toBeLessThan(30);
      }
    },
    60_000,
  );

  mountTest('and one that nobody ends does its work', () => {
    const ended = runFuselage(caller(), ['run', '--jobs=1', '-s', many, 'echo', 'started']);
    expect(ended).toMatchObject({ status: 0, stdout: 'started\n', stderr: '' });
  });

  mountTest('by the hand of somebody ends the run, and nothing is left', async () => {
    const who = caller();
    const { child, ended } = startFuselage(who, ['run', '--jobs=1', '-s', many, 'echo', 'started']);
    process.kill(await workerBelow(child.pid as number), 'SIGKILL');
    const { stderr, ...rest } = await ended;
    expect(rest).toEqual({ status: 125, signal: null, stdout: '' });
    expect(stderr).toContain('[ERR_WORKER_DIED]');
    expect(stderr).toContain('was killed by SIGKILL');
    expect(stderr).toContain('fix: if memory ran out');
    expect(readdirSync(join(who.home, '.fuselage/procdirs'))).toEqual([]);
  });
});

/** Its root, and what it has open but a socket. */
function whatItHas(worker: number) {
  const status = readFileSync(`/proc/${worker}/status`, 'utf8');
  expect(status).toMatch(/^CapPrm:\t0+$/m);
  expect(status).toMatch(/^NoNewPrivs:\t1$/m);
  expect(status).toMatch(/^Seccomp:\t2$/m);
  const root = readlinkSync(`/proc/${worker}/root`);
  // Not the caller's standard input, output and error either.
  const fds = `/proc/${worker}/fd`;
  const open = readdirSync(fds).map((fd) => readlinkSync(`${fds}/${fd}`));
  expect(open.filter((target) => target.startsWith('socket:'))).toHaveLength(1);
  const below = open.filter((target) => target === root || target.startsWith(`${root}/`));
  const others = open.filter((target) => !target.startsWith('socket:') && !below.includes(target));
  return { root, others };
}

workerTest('a worker has nothing but its own archive and its own tree', async () => {
  const who = caller();
  const other = join(who.home, 'other.zip');
  copyFileSync(many, other);
  const words = ['run', '--jobs=1', '-d', `a:${many}`, '-s', `b:${other}`, 'echo', 'started'];
  const { child, ended } = startFuselage(who, words);
  let workers: number[] = [];
  await until(() => {
    workers = workersBelow(child.pid as number);
    return workers.length === 2;
  });
  for (const worker of workers) process.kill(worker, 'SIGSTOP');
  const had = workers.map(whatItHas).sort((one, next) => (one.root < next.root ? -1 : 1));
  const place = had[0]?.root.replace(/\/dynamic\/a$/, '');
  expect(place).toMatch(new RegExp(`^${who.home}/.fuselage/procdirs/\\d+$`));
  expect(had).toEqual([
    { root: `${place}/dynamic/a`, others: [many] },
    { root: `${place}/static/b`, others: [other] },
  ]);
  for (const worker of workers) process.kill(worker, 'SIGCONT');
  expect(await ended).toMatchObject({ status: 0, stdout: 'started\n', stderr: '' });
});

mountTest('a worker has ended before the next one writes', async () => {
  const who = caller();
  const words = ['run', '--jobs=1', '-d', `a:${many}`, '-d', `b:${many}`, 'echo', 'started'];
  const { child, ended } = startFuselage(who, words);
  const both: number[] = [];
  await until(() => {
    const [worker] = workersBelow(child.pid as number);
    if (worker === undefined) return false;
    const trees = writtenTrees(worker);
    const count = workersBelow(child.pid as number).length;
    if (trees.join() === 'dynamic/a') both.push(count);
    if (!trees.includes('dynamic/b')) return false;
    expect(count).toBe(1);
    return true;
  });
  // The twin: they were two before.
  expect(both).toContain(2);
  expect(await ended).toMatchObject({ status: 0, stdout: 'started\n', stderr: '' });
});

rootMountTest('root that may not change its root directory confines it all the same', async () => {
  const who = caller(0, { program: 'setpriv' });
  const words = ['--bounding-set=-sys_chroot', frontDoor, 'run', '--jobs=1', '-s', `a:${many}`];
  const { child, ended } = startFuselage(who, [...words, 'echo', 'started']);
  const worker = await workerBelow(child.pid as number);
  process.kill(worker, 'SIGSTOP');
  const { root, others } = whatItHas(worker);
  expect(root).toMatch(new RegExp(`^${who.home}/.fuselage/procdirs/\\d+/static/a$`));
  expect(others).toEqual([many]);
  process.kill(worker, 'SIGCONT');
  expect(await ended).toMatchObject({ status: 0, stdout: 'started\n', stderr: '' });
});

describe('a launcher that dies', () => {
  mountTest('takes its worker with it, SIGTERM and SIGKILL', async () => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const words = ['run', '--jobs=1', '-s', many, 'echo', 'started'];
      const { child, ended } = startFuselage(caller(), words);
      const worker = await workerBelow(child.pid as number);
      // A stopped one does not end by itself.
      process.kill(worker, 'SIGSTOP');
      child.kill(signal);
      expect(await ended).toMatchObject({ status: null, signal, stdout: '', stderr: '' });
      await until(() => !isAlive(worker));
    }
  });
});

describe('progress', () => {
  /** Extracts for longer than 300 ms. */
  async function extract(
    at: 'terminal' | 'narrow terminal' | 'pipe',
    environment: Record<string, string> = {},
    then: 'SIGCONT' | 'SIGKILL' = 'SIGCONT',
  ) {
    const words = ['run', '--jobs=1', '-s', many, 'echo', 'started'];
    const who = caller(undefined, { environment });
    const narrow = ['sh', '-c', 'stty cols 40; exec "$@"', 'sh'];
    const before = ['--', ...(at === 'narrow terminal' ? narrow : []), frontDoor];
    const { child, ended } =
      at === 'pipe'
        ? startFuselage(who, words)
        : startFuselage({ ...who, program: compiled('terminal') }, [...before, ...words]);
    const worker = await workerBelow(child.pid as number);
    await until(() => writes(worker));
    process.kill(worker, 'SIGSTOP');
    await until(() => /^State:\s+T/m.test(readFileSync(`/proc/${worker}/status`, 'utf8')));
    await sleep(500);
    process.kill(worker, then);
    return await ended;
  }

  mountTest('is a line on a terminal, which is taken away', async () => {
    const { status, stdout } = await extract('terminal');
    expect(status).toBe(0);
    const clear = '\r\u001b[K';
    const [before, ...lines] = stdout.split(clear);
    expect(before).toBe('');
    expect(lines.length).toBeGreaterThan(1);
    const told = /^fuselage: many\.zip: \d+\/30099 entries, 0\.0\/0\.0 MB, .+$/;
    for (const line of lines.slice(0, -1)) expect(line).toMatch(told);
    expect(lines.at(-1)).toBe('started\r\n');
  });

  mountTest('is taken away before an error, and of a worker that dies', async () => {
    const { status, stdout } = await extract('terminal', {}, 'SIGKILL');
    expect(status).toBe(125);
    const [, ...lines] = stdout.split('\r\u001b[K');
    expect(lines[0]).toMatch(/^fuselage: many\.zip: /);
    expect(lines.at(-1)).toMatch(/^fuselage: the process that extracts .+ \[ERR_WORKER_DIED\]\r\n/);
  });

  mountTest('has no more columns than the terminal', async () => {
    const { status, stdout } = await extract('narrow terminal');
    expect(status).toBe(0);
    const [, ...lines] = stdout.split('\r\u001b[K');
    expect(lines[0]).toMatch(/^fuselage: many\.zip: \d+\/30099 entries$/);
    for (const line of lines.slice(0, -1)) expect(line.length).toBeLessThan(40);
  });

  mountTest('is silent elsewhere, and in CI', async () => {
    expect(await extract('pipe')).toMatchObject({ status: 0, stdout: 'started\n', stderr: '' });
    const ci = await extract('terminal', { CI: 'true' });
    expect(ci).toMatchObject({ status: 0, stdout: 'started\r\n' });
  });
});

describe('--explain', () => {
  const explained = (environment: Record<string, string> = {}) => {
    const words = ['run', '--explain', '-s', `words:${big}`, '--dynamic-empty', 'out'];
    return runFuselage(caller(undefined, { environment }), [...words, 'echo', 'started']);
  };

  mountTest('says of each tree where, how and why, on standard error', () => {
    const { stdout, stderr, status } = explained();
    expect({ stdout, status }).toEqual({ stdout: 'started\n', status: 0 });
    const lines = stderr
      .replace(/procdirs\/\d+/g, 'procdirs/PID')
      .trimEnd()
      .split('\n');
    for (const line of lines) expect(line).toMatch(/^fuselage: .+: .+ \(.+\)$/);
    const subjects = lines.map((line) => line.split(': ')[1]);
    expect(subjects).toEqual(['namespaces', 'home', 'empty out', 'static words']);
    expect(lines[2]).toMatch(/ at \/.*\/\.fuselage\/procdirs\/PID\/dynamic\/out /);
    expect(lines[3]).toMatch(/extracted, then read-only at \/.*\/procdirs\/PID\/static\/words /);
    expect(lines[3]).toContain('which the kernel cannot mount');
  });

  mountTest('names the mount point where there is no home', () => {
    const { status, stderr } = explained({ HOME: '/proc/no' });
    expect(status).toBe(0);
    expect(stderr).toMatch(/^fuselage: home: not used at \/proc\/no\/\.fuselage \(.+\)$/m);
    expect(stderr).toMatch(
      /^fuselage: private directory: on .+ at \/run\/fuselage \(there is no usable home\)$/m,
    );
  });
});
