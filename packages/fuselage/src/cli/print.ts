import { errnoOf, writeAll } from '../ask/write-all.js';
import { readable } from '../bytes.js';
import { FuselageError } from '../errors.js';

const STANDARD_OUTPUT = 1;

/** Nobody reads standard output any more: the end of printing, and no failure to tell about. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone';
}

/**
 * Prints `text` to standard output.
 *
 * @throws ReaderGone when it is a pipe that nobody reads; FuselageError `ERR_OUTPUT` otherwise
 */
export function print(text: string): void {
  let written: ReturnType<typeof writeAll>;
  try {
    written = writeAll(STANDARD_OUTPUT, readable(text));
  } catch (error) {
    throw new FuselageError('ERR_OUTPUT', 'cannot write to standard output', {
      causes: [errnoOf(error) ?? String(error)],
      hints: ['free some space there, or send the output elsewhere'],
    });
  }
  if (written === 'closed') throw new ReaderGone('standard output is closed');
}
