import { bindCached, extract, mountImage, type TreeArchive } from './archive-steps.js';
import { imageOf } from './images.js';
import { overlay, overlayPlaces } from './overlay.js';
import type { ArchivePlan, TreeSettings } from './trees.js';

/**
 * Chooses how the dynamic tree of `archive` is made. What is in the cache decides nothing: two equal
 * calls give trees that behave equally.
 */
export function planDynamic(
  archive: TreeArchive,
  name: string,
  settings: TreeSettings,
  isCacheAskedFor: boolean,
): ArchivePlan {
  const { id, facts } = archive;
  const { cache } = settings;
  const decoded = facts.encoding === 'base64' ? 'decoded, ' : '';
  const copied = (more = '', missesCache = false): ArchivePlan => ({
    steps: extract(archive),
    strategy: `${decoded}extracted`,
    why: `; the copy is this run's own${more}`,
    missesCache,
  });
  const whyCopy = whyCopied(facts.length, settings);
  if (whyCopy !== null) {
    const isTold = isCacheAskedFor || settings.writable === 'overlay';
    return copied(isTold ? `, not an overlay: ${whyCopy}` : '');
  }
  const places = overlayPlaces(id, name);
  const { directories, lower } = places;
  const over = overlay(archive, places, settings.overlay.attributes);
  const image = imageOf(facts, settings.whyNoImageMounts);
  const isCached = isCacheAskedFor && cache.whyNot === null;
  if (typeof image !== 'string') {
    const isText = facts.encoding === 'base64';
    const from = isText && isCached ? `; the cache keeps what is decoded${cache.how}` : '';
    return {
      directories,
      steps: [...mountImage(archive, image, lower.id, lower.at, isCached), over],
      strategy: `${isCached ? '' : decoded}an overlay over the mounted image`,
      why: `, and the kernel can mount it${from}; what is written is this run's own`,
      missesCache: isText && isCacheAskedFor && !isCached,
    };
  }
  if (isCached) {
    const otherwise = extract(archive);
    return {
      directories,
      steps: [bindCached(archive, lower, [over], otherwise)],
      strategy: 'an overlay over the cached tree',
      why: `; the cache keeps what is extracted${cache.how}; what is written is this run's own`,
    };
  }
  if (isCacheAskedFor) return copied(`, not an overlay over the cache: ${cache.whyNot}`, true);
  const nothing = 'there is no tree to put it over, which --cache would keep';
  return copied(settings.writable === 'overlay' ? `, not an overlay: ${nothing}` : '');
}

/** Why the tree of a file of `length` bytes is a copy whatever could be below an overlay; null: none. */
function whyCopied(length: number, { writable, overlayFrom, overlay }: TreeSettings) {
  if (overlay.whyNot !== null) return overlay.whyNot;
  if (writable === 'copy') return '--writable=copy';
  if (writable === 'auto' && length < overlayFrom) {
    return `the file has ${length} bytes, and is copied below ${overlayFrom}`;
  }
  return null;
}
