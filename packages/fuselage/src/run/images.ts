import type { ArchiveFacts } from '../native/index.js';
import type { FileSystem } from '../native/plan-types.js';

/** The file system of every image so far. */
export const IMAGES: FileSystem = 'squashfs';

/** A device is read in blocks of this many bytes (SQUASHFS_DEVBLK_SIZE); what is cut off is lost. */
const BLOCK = 1024;

/** Whether archives of `format` are images of a file system. */
export function isFileSystem(format: string | null): format is FileSystem {
  return format === IMAGES;
}

/** An image in a file. */
export interface Image {
  fileSystem: FileSystem;
  /** Where it begins, in bytes. */
  offset: number;
  /** In bytes. */
  length: number;
}

/** The image that an archive is, or in words why it can only be extracted. */
export function imageOf(facts: ArchiveFacts, whyNoImageMounts: string | null): Image | string {
  const { format, offset, imageLength, length, encoding } = facts;
  if (!isFileSystem(format)) {
    return format === null
      ? 'what is in it shows only when it is decoded'
      : 'which the kernel cannot mount';
  }
  if (whyNoImageMounts !== null) return whyNoImageMounts;
  if (imageLength === null) return 'the image is not at the beginning of what is decoded';
  if (imageLength === 0) return 'it says that it has no bytes';
  const whole = Math.floor((length - offset) / BLOCK) * BLOCK;
  if (encoding === 'plain' && whole < imageLength) {
    return 'a loop device would not show the last bytes of the file, which fill no block';
  }
  return { fileSystem: format, offset, length: imageLength };
}
