import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiled } from '../support/compile.js';
import { mountTest } from '../support/must-mount.js';
import { freshDirectory, frontDoor } from '../support/places.js';
import { type Caller, caller, runFuselage } from '../support/run-fuselage.js';

const OUTPUT = 1;
const ERROR = 2;
type Descriptor = typeof OUTPUT | typeof ERROR;

/** Runs `words` behind `program` with `descriptor` a pipe that is read a second later only. */
function intoSlowPipe(who: Caller, descriptor: Descriptor, program: string[], words: string[]) {
  const redirection = descriptor === OUTPUT ? '' : '2>&1 >/dev/null';
  const script = `"$@" ${redirection} | { sleep 1; cat; }; exit "\${PIPESTATUS[0]}"`;
  const command = ['-c', script, '-', ...program, frontDoor, ...words];
  return runFuselage({ ...who, program: 'bash' }, command);
}

const empties = Array.from({ length: 600 }, (_, index) => `--dynamic-empty=tree-${index}`);
const large = 5_000_000;
/** Writes with write(2) alone, and what there is no room for again. */
const patient = `
  const { writeSync } = require('fs');
  let rest = Buffer.alloc(${large}, 'fuselage\\n');
  while (rest.length > 0) {
    try { rest = rest.subarray(writeSync(1, rest)); }
    catch (error) { if (error.code !== 'EAGAIN') throw error; }
  }`;

let fullPipe: string;
beforeAll(() => {
  fullPipe = compiled('full-pipe');
});

describe.each([
  ['of --help', OUTPUT, ['run', '--help'], 2_000],
  ['of doctor --json', OUTPUT, ['doctor', '--json'], 1_000],
  ['of --dry-run', OUTPUT, ['run', '--dry-run', ...empties, 'true'], 70_000],
  ['of a long error', ERROR, ['run', '-s', `x:/${'long/'.repeat(20_000)}`, 'true'], 100_000],
  ['of --explain', ERROR, ['run', '--explain', ...empties, 'true'], 70_000],
  ['of the command', OUTPUT, ['run', process.execPath, '-e', patient], large],
] as [string, Descriptor, string[], number][])(
  'a slow pipe that does not wait',
  (what, descriptor, words, atLeast) => {
    mountTest(`gets everything ${what}, and keeps its flags`, () => {
      const who = caller();
      expect(runFuselage(who, ['run', 'true']).status).toBe(0);
      const slow = intoSlowPipe(who, descriptor, [fullPipe, String(descriptor)], words);
      const plain = runFuselage(who, words);
      const expected = descriptor === OUTPUT ? plain.stdout : plain.stderr;
      expect(expected.length).toBeGreaterThanOrEqual(atLeast);
      expect(slow).toMatchObject({ status: plain.status, stderr: '' });
      const [filling = ''] = /^#+/.exec(slow.stdout) ?? [];
      expect(filling.length).toBeGreaterThan(4096);
      const withoutPid = (text: string) => text.replaceAll(/procdirs\/\d+/g, 'procdirs/PID');
      expect(withoutPid(slow.stdout.slice(filling.length))).toBe(withoutPid(expected));
    });
  },
);

mountTest('a slow pipe that waits still does so for the command', () => {
  // cat takes EAGAIN for an error.
  const file = join(freshDirectory(), 'large');
  writeFileSync(file, Buffer.alloc(large, 'fuselage\n'));
  const ended = intoSlowPipe(caller(), OUTPUT, [], ['run', 'cat', file]);
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  expect(ended.stdout.length).toBe(large);
});
