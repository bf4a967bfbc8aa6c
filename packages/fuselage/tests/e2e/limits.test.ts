/** Limits of the caller (setrlimit(2)) that a start meets. */
import { join } from 'node:path';

import { mountTest } from '../support/must-mount.js';
import { freshDirectory, frontDoor, launcher } from '../support/places.js';
import { caller, runFuselage } from '../support/run-fuselage.js';
import { standInNode } from '../support/stand-in-node.js';
import { writeZip } from '../support/zip-file.js';

const limited = (limit: string, words: string[]) =>
  runFuselage({ ...caller(), program: '/bin/sh' }, [
    '-c',
    `${limit} && exec "$@"`,
    'sh',
    frontDoor,
    ...words,
  ]);

mountTest('a file size limit is named, and binds no smaller file', () => {
  const archive = (size: number) =>
    writeZip(join(freshDirectory(), `x${size}.zip`), [
      { name: 'large', content: Buffer.alloc(size, 'x') },
    ]);
  // The unit is 512 bytes, or 1024 for some shells.
  for (const size of [60_000, 3_000_000]) {
    const ended = limited('ulimit -f 40', ['run', '-s', archive(size), 'echo', 'started']);
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toContain('[ERR_EXTRACT_FAILED]');
    expect(ended.stderr).toContain('(EFBIG)');
    expect(ended.stderr).toContain('fix: raise the file size limit (`ulimit -f`) of this shell');
  }
  const small = limited('ulimit -f 40', ['run', '-s', archive(20_000), ...size]);
  expect(small.stdout).toMatch(/^(40|20)\n20000\n$/);
});

const size = ['sh', '-c', 'ulimit -f; wc -c <"$FUSELAGE_STATIC/x20000/large"'];

mountTest('the command still dies of the signal of that limit', () => {
  const script = 'head -c 100000 /dev/zero >"$FUSELAGE_TMPDIR/x"; echo $?';
  const ended = limited('ulimit -f 40', ['run', 'sh', '-c', script]);
  expect(ended.stdout).toBe(`${128 + 25}\n`);
});

mountTest('a small stack is enough for all that is not node', () => {
  const who = caller();
  const node = standInNode('ulimit -S -s 8192; exec "$node" "$@"');
  const words = writeZip(join(freshDirectory(), 'words.zip'), [{ name: 'a', content: 'alpha\n' }]);
  const limit = ['prlimit', '--stack=65536:', frontDoor, 'run', '-s', words, '--'];
  const command = ['sh', '-c', 'ulimit -S -s; cat "$FUSELAGE_STATIC"/*/*'];
  const environment = { FUSELAGE_NODE: node.path };
  const ended = runFuselage({ ...who, environment, program: '/usr/bin/env' }, [
    ...limit,
    ...command,
  ]);
  expect(ended).toMatchObject({ stdout: '64\nalpha\n', stderr: '' });
});

// The launcher itself: a shell before it needs descriptors of its own.
test.each([
  ['processes', '--nproc=1', 'EAGAIN', '`ulimit -u`'],
  ['open files', '--nofile=6', 'EMFILE', '`ulimit -n`'],
  ['numbers of open files', '--nofile=10', 'EMFILE', '`ulimit -n`'],
])('too few %s to start node: that is said, and no node is missing', (_, limit, cause, fix) => {
  const start = (words: string[]) =>
    runFuselage({ ...caller(), program: 'prlimit' }, [...words, launcher, '--version']);
  expect(start([])).toMatchObject({ status: 0, stderr: '' });
  const ended = start([limit]);
  expect(ended).toMatchObject({ status: 125, stdout: '' });
  expect(ended.stderr).toContain('fuselage: cannot start node [ERR_INTERNAL]\n');
  expect(ended.stderr).toContain(`(${cause})`);
  expect(ended.stderr).toContain(fix);
});
