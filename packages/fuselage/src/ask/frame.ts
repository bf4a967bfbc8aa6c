/** Frames: a length of four bytes, little endian, and that many bytes (`fuselage-plan`, frame.rs). */
import { readSync } from 'node:fs';

import { errnoOf, sleep } from './write-all.js';

/** Bytes of the length before each frame. */
export const HEADER_LENGTH = 4;

/** The longest frame that is accepted, as in frame.rs. */
export const FRAME_LIMIT = 64 * 1024 * 1024;

const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 50;

/** Puts the length before `payload`. */
export function frame(payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_LENGTH);
  header.writeUInt32LE(payload.length);
  return Buffer.concat([header, payload]);
}

/** Reads at most all of `into`; 0 at the end. Waits where the other side made `fd` non-blocking. */
export function readSome(fd: number, into: Buffer): number {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      return readSync(fd, into);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ECONNRESET') return 0;
      if (errno !== 'EAGAIN' && errno !== 'EINTR') throw error;
      sleep(wait);
    }
  }
}

function readExactly(fd: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const count = readSome(fd, bytes.subarray(done));
    if (count === 0) throw new RangeError(`the frame ends after ${done} of ${length} bytes`);
    done += count;
  }
  return bytes;
}

/**
 * Reads one frame from `fd` and gives its payload.
 *
 * @throws RangeError when it ends early or claims to be longer than {@link FRAME_LIMIT}
 */
export function readFrame(fd: number): Buffer {
  const length = readExactly(fd, HEADER_LENGTH).readUInt32LE();
  if (length > FRAME_LIMIT) throw new RangeError(`a frame of ${length} bytes is too long`);
  return readExactly(fd, length);
}

/** Reads `fd` until the other side closes it. */
export function readToEnd(fd: number): void {
  const bytes = Buffer.alloc(HEADER_LENGTH);
  while (readSome(fd, bytes) > 0);
}
