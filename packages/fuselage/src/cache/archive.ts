import { toPlanPath } from '../bytes.js';
import { FuselageError } from '../errors.js';
import type { Inputs } from '../inputs.js';
import type { CachedArchive } from '../native/plan-types.js';
import { checkSource } from '../run/archive-source.js';
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
  checkSource(file);
  const seen = inputs.archive(file);
  if (seen.error !== undefined) throw FuselageError.fromReport(seen.error);
  const facts = recognised(file, seen.value);
  const { identity, encoding } = facts;
  const isText = encoding === 'base64';
  const isImage =
    isText &&
    isFileSystem(facts.format) &&
    typeof imageOf(facts, inputs.whyNoImageMounts(IMAGES)) !== 'string';
  return {
    archive: {
      source: { path: toPlanPath(file), identity },
      encoding,
      format: isText ? null : facts.format,
      offset: isText ? 0 : facts.offset,
    },
    kind: isImage ? 'image' : 'tree',
  };
}
