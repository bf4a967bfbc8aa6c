import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { sleep, writeAll } from '../../src/ask/write-all.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'fuselage-write-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** A program that reads from a socket which node has made non-blocking, and that socket. */
function reader(script: string) {
  const child = spawn('sh', ['-c', script], {
    stdio: ['pipe', 'ignore', 'inherit'],
    cwd: directory,
  });
  const fd = (child.stdin as unknown as { _handle: { fd: number } })._handle.fd;
  return { fd, ended: new Promise((resolve) => child.once('exit', resolve)), child };
}

test('a slow reader of a non-blocking descriptor gets every byte', async () => {
  const bytes = Buffer.alloc(3_000_000, 'fuselage\n');
  const { fd, ended, child } = reader('sleep 0.3; cat > all');
  expect(writeAll(fd, bytes)).toBe('all');
  child.stdin.end();
  await ended;
  expect(readFileSync(join(directory, 'all')).equals(bytes)).toBe(true);
});

test('that nobody reads any more is no error', async () => {
  const { fd, ended, child } = reader('exit 0');
  child.stdin.on('error', () => undefined);
  // Not by a promise: node would close the socket itself when it sees the end.
  sleep(300);
  expect(writeAll(fd, 'x'.repeat(10_000))).toBe('closed');
  await ended;
});

test('any other failure is thrown', () => {
  expect(() => writeAll(-1, 'x')).toThrow();
});
