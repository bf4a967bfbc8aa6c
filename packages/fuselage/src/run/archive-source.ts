import { posix } from 'node:path';

import { FuselageError } from '../errors.js';

/** Paths that lead every process to something else, or to what can be read only once. */
const OWN = /^\/(dev\/(stdin|stdout|stderr|fd(\/.*)?)|proc\/(self|thread-self|[0-9]+)(\/.*)?)$/;

/**
 * Refuses sources that would mean another file in the launcher than here.
 *
 * @throws FuselageError `ERR_ARCHIVE_NOT_REGULAR`
 */
export function checkSource(file: string): void {
  if (!file.startsWith('/') || !OWN.test(posix.normalize(file))) return;
  throw new FuselageError(
    'ERR_ARCHIVE_NOT_REGULAR',
    `the archive \`${file}\` is no file on a disk`,
    {
      causes: ['this path means something else in every process'],
      hints: ['save the archive to a file and give that'],
    },
  );
}
