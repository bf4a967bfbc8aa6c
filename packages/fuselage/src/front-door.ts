/**
 * The JavaScript half of `bin/fuselage`: yarn starts every bin that is no ELF file with node. It
 * becomes the launcher with the words and the environment this process was started with, in bytes.
 */
import { readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

import { errorText } from './error-text.js';
import { asFuselageError, EXIT_FAILURE, FuselageError } from './errors.js';
import { loadAddon, platform } from './native/load.js';

/** The strings of a file of /proc, each of which ends with a NUL (proc(5)). */
function strings(file: string): Buffer[] {
  const text = readFileSync(file, 'latin1').split('\0').slice(0, -1);
  return text.map((string) => Buffer.from(string, 'latin1'));
}

/** The user's words in bytes: node has at most options before them, and the script. */
function words(): Buffer[] {
  const count = process.argv.length - 2;
  return count === 0 ? [] : strings('/proc/self/cmdline').slice(-count);
}

function enter(): never {
  const { launcher } = platform();
  const ask = Buffer.from(`--fuselage-ask=${dirname(__dirname)}`);
  const file = Buffer.from(launcher);
  const argv = [file, ask, ...words()];
  throw FuselageError.fromReport(loadAddon().exec(file, argv, strings('/proc/self/environ')));
}

try {
  enter();
} catch (thrown) {
  try {
    writeSync(2, errorText(asFuselageError(thrown).toReport()));
  } finally {
    process.exitCode = EXIT_FAILURE;
  }
}
