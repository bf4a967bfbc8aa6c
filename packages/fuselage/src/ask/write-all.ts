import { writeSync } from 'node:fs';

/** How a write ended. */
export type Written = 'all' | 'closed';

const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 50;

const clock = new Int32Array(new SharedArrayBuffer(4));

/** Sleeps; also the reading side waits with it. */
export function sleep(milliseconds: number): void {
  Atomics.wait(clock, 0, 0, milliseconds);
}

/** The errno name of what a system call threw. */
export function errnoOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/**
 * Writes all of `bytes` to `fd`: what is left of a short write again, and on a pipe that somebody
 * made non-blocking (EAGAIN) once there is room. The only way in which we print, since node's
 * streams make the caller's pipes non-blocking.
 *
 * @returns `closed` when nobody reads any more (EPIPE); node ignores SIGPIPE
 * @throws any other failure of write(2)
 */
export function writeAll(fd: number, bytes: Uint8Array | string): Written {
  const rest = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  let done = 0;
  let wait = FIRST_WAIT_MS;
  while (done < rest.length) {
    try {
      done += writeSync(fd, rest, done, rest.length - done);
      wait = FIRST_WAIT_MS;
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'EPIPE') return 'closed';
      if (errno !== 'EAGAIN' && errno !== 'EINTR') throw error;
      sleep(wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  }
  return 'all';
}
