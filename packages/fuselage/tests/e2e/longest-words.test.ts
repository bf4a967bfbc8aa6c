/** Argument lists at the limit of the system (execve(2)), to the byte. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { mountTest } from '../support/must-mount.js';
import { frontDoor, give, launcher } from '../support/places.js';
import { type Caller, caller, type Ended, runFuselage } from '../support/run-fuselage.js';

/** What the front door, our own words and the documented variables may take of it (decision 1). */
const FEW = 1024;

/** One word is 128 KiB at most. */
const LONGEST = 100_000;

/** Words of as many bytes; a byte more is no other number of words but at multiples of `LONGEST`. */
function wordsOf(bytes: number): string[] {
  const last = 'x'.repeat(bytes % LONGEST);
  return [...new Array<string>(Math.floor(bytes / LONGEST)).fill('x'.repeat(LONGEST)), last];
}

/** Null: not even what is started first takes so much. */
function started(who: Caller, words: string[], bytes: number): Ended | null {
  try {
    return runFuselage(who, [...words, ...wordsOf(bytes)]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'E2BIG') return null;
    throw error;
  }
}

/** The most bytes between two numbers with which it works. */
function most(who: Caller, words: string[], works: number, fails: number): number {
  let [low, high] = [works, fails];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (started(who, words, middle)?.status === 0) low = middle;
    else high = middle;
  }
  return low;
}

const command = '/bin/true';
const run = ['run', '--', command];

/** What the command itself takes of a caller. */
const plainMost = (who: Caller) => most({ ...who, program: command }, [], 0, 8 << 20);

mountTest(
  'the words that fit are a few hundred bytes less, then the shell of the front door says why',
  () => {
    const who = { ...caller(), program: frontDoor };
    const plain = plainMost(who);
    const longest = most(who, run, plain - FEW, plain);
    expect(longest).toBeGreaterThan(plain - FEW);
    const above = started(who, run, longest + 1);
    expect(above).toMatchObject({ status: 126, stdout: '' });
    expect(above?.stderr).toMatch(/fuselage-launch.*Argument list too long/);
  },
);

mountTest('words that are too long for the command alone are an error of ours', () => {
  // The documented variables are longer than what the launcher was called with.
  const who = caller();
  const parent = join(who.home, 'h'.repeat(200));
  const home = join(parent, 'h'.repeat(200));
  for (const path of [parent, home]) {
    mkdirSync(path);
    give(path, who.uid);
  }
  const called = { ...who, home, directory: '/', program: launcher };
  const plain = plainMost(called);
  const longest = most(called, run, plain - FEW, plain);
  expect(longest).toBeGreaterThan(plain - FEW);
  const above = started(called, run, longest + 1);
  expect(above).toMatchObject({ status: 126, stdout: '' });
  expect(above?.stderr).toContain(`cannot execute ${command} [ERR_COMMAND_NOT_EXECUTABLE]`);
  expect(above?.stderr).toContain('(E2BIG)');
  expect(above?.stderr).toContain('fix: pass fewer or shorter words');
});
