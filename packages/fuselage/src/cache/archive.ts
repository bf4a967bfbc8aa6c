import type { Inputs } from '../inputs.js';
import type { CachedArchive } from '../native/plan-types.js';
import { archiveFile } from '../run/archive-steps.js';
import { archiveFacts } from '../run/facts.js';
import { IMAGES, imageOf, isFileSystem } from '../run/images.js';
import { recognised } from '../run/trees.js';

/**
 * The archive at `file`, and what a run keeps of it: the decoded image where the text is one that the
 * kernel can mount, else the tree.
 *
 * @param file - from the working directory where it is relative
 * @throws FuselageError it is missing, no regular file, cannot be read, or is no archive
 */
export function cachedArchive(file: string, inputs: Inputs): CachedArchive {
  const facts = recognised(file, archiveFacts(file, inputs));
  const isImage =
    facts.encoding === 'base64' &&
    isFileSystem(facts.format) &&
    typeof imageOf(facts, inputs.whyNoImageMounts(IMAGES)) !== 'string';
  return { archive: archiveFile({ path: file, facts }), kind: isImage ? 'image' : 'tree' };
}
