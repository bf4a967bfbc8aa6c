/** Threads of an extraction: as many as there are processors for, and the tree is the same. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ControlGroup } from '../support/control-group.js';
import { controlGroupTest, mountTest, mountTestWith } from '../support/must-mount.js';
import { freshDirectory, frontDoor } from '../support/places.js';
import { type Caller, caller, ordinaryUser, runFuselage } from '../support/run-fuselage.js';
import { writeZip } from '../support/zip-file.js';

/** Each is a piece of work: there must be one for every processor. */
const DIRECTORIES = Math.max(8, availableParallelism());
const FILES = 30;
const LARGE = 5 << 20;

/** One tree, which is more than one thread's work, in every format. */
let archives: Record<string, string>;
let zip: string;
/** Digests of its files. */
let whole: string;

function content(directory: number, file: number): string {
  return `${directory}/${file}\n`.repeat(1 + 97 * file);
}

beforeAll(() => {
  const place = freshDirectory();
  const tree = join(place, 'tree');
  const large = Buffer.alloc(LARGE, 'larger than a block of any format\n');
  const entries = [{ name: 'large', content: large as string | Buffer }];
  for (let directory = 0; directory < DIRECTORIES; directory++) {
    mkdirSync(join(tree, String(directory)), { recursive: true });
    for (let file = 0; file < FILES; file++) {
      const name = `${directory}/${file}`;
      entries.push({ name, content: content(directory, file) });
    }
  }
  for (const { name, content } of entries) writeFileSync(join(tree, name), content);
  zip = writeZip(join(place, 'tree.zip'), entries);
  archives = { zip };
  for (const compressor of ['gzip', 'xz', 'zstd', 'lz4']) {
    const image = join(place, `${compressor}.sfs`);
    const words = [tree, image, '-comp', compressor, '-all-root', '-quiet', '-no-progress'];
    execFileSync('mksquashfs', words);
    archives[compressor] = image;
  }
  const put = (name: string, content: string | Buffer) => {
    archives[name] = join(place, name);
    writeFileSync(archives[name], content);
  };
  const image = readFileSync(archives.gzip ?? '');
  put('program', Buffer.concat([readFileSync('/bin/true'), image]));
  put('base64', readFileSync(zip).toString('base64'));
  whole = execFileSync('sh', ['-c', digests], { cwd: tree, encoding: 'utf8' });
});

/** Digests of all files below the working directory, in one order. */
const digests = 'find . -type f | LC_ALL=C sort | xargs sha256sum';

/** `dynamic`: an image that the kernel can mount is extracted all the same. */
const words = (archive: string) => [
  ...['run', '--dynamic', `t:${archive}`, '--'],
  ...['sh', '-c', `cd "$FUSELAGE_DYNAMIC/t" && ${digests}`],
];

describe('every format gives the whole tree', () => {
  const everyFormat = (who: Caller, before: string[]) => {
    for (const [name, archive] of Object.entries(archives)) {
      const ended = runFuselage(who, [...before, ...words(archive)]);
      expect([name, ended]).toEqual([name, { status: 0, signal: null, stdout: whole, stderr: '' }]);
    }
  };

  mountTest('on one processor', () => {
    everyFormat(caller(ordinaryUser, { program: 'taskset' }), ['-c', '0', frontDoor]);
  });

  mountTest('on all of them, and with as many threads as are asked for', () => {
    everyFormat(caller(), []);
    for (const FUSELAGE_JOBS of ['1', '64']) {
      everyFormat(caller(ordinaryUser, { environment: { FUSELAGE_JOBS } }), []);
    }
  });
});

/** Threads that processes started, by strace's log of each (`-ff`), but for node's. */
function threadsIn(logs: string): number {
  const calls = new Map(
    readdirSync(logs).map((name) => [
      name.replace('log.', ''),
      readFileSync(join(logs, name), 'utf8').split('\n'),
    ]),
  );
  const started = (line: string) => /^clone3?\(.* = (\d+)$/.exec(line)?.[1] ?? [];
  const isNode = (line: string) => /^execve\("[^"]*\/node"/.test(line);
  const ofNode = [...calls].filter(([, lines]) => lines.some(isNode)).map(([pid]) => pid);
  // The list grows while it is walked: threads of node start threads, too.
  for (const pid of ofNode) ofNode.push(...(calls.get(pid) ?? []).flatMap(started));
  return [...calls]
    .filter(([pid]) => !ofNode.includes(pid))
    .flatMap(([, lines]) => lines)
    .filter((line) => line.includes('CLONE_THREAD') && started(line).length > 0).length;
}

describe('threads that are started', () => {
  const threads = (
    before: string[],
    environment: Record<string, string> = {},
    uid = ordinaryUser,
  ) => {
    const logs = freshDirectory(uid);
    const trace = ['-ff', '-qq', '-e', 'trace=clone,clone3,execve', '-o', join(logs, 'log')];
    const [program = '', ...rest] = [...before, 'strace', ...trace, frontDoor];
    const who = caller(uid, { program, environment });
    const ended = runFuselage(who, [...rest, 'run', '-d', `t:${zip}`, '--', 'true']);
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    return threadsIn(logs);
  };
  const all = availableParallelism();

  mountTestWith('strace')('none on one processor, where the first one does all', () => {
    expect(threads(['taskset', '-c', '0'])).toBe(0);
    expect(threads([], { FUSELAGE_JOBS: '1' })).toBe(0);
  });

  mountTestWith('strace')('one for each other processor, or as many as are asked for', () => {
    expect(threads([])).toBe(all - 1);
    expect(threads([], { FUSELAGE_JOBS: '3' })).toBe(2);
  });

  controlGroupTest('cpu')('as many as the control group has time for', async () => {
    for (const [quota, count] of [
      [100_000, 0],
      [6_400_000, all - 1],
    ] as const) {
      const group = new ControlGroup('cpu', 'cpu', quota);
      try {
        // Only root may enter the group, and it is in there before it is fuselage.
        expect(threads(group.words, {}, 0)).toBe(count);
      } finally {
        await group.remove();
      }
    }
  });
});
