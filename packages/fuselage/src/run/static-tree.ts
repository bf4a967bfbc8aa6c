import { bindCached, extractReadOnly, mountImage, type TreeArchive } from './archive-steps.js';
import { imageOf } from './images.js';
import type { ArchivePlan, TreeSettings } from './trees.js';

/** Chooses how the static tree of `archive` is made. */
export function planStatic(
  archive: TreeArchive,
  { readOnly: how, whyNoImageMounts, cache }: TreeSettings,
  isCacheAskedFor: boolean,
): ArchivePlan {
  const { id, facts, at } = archive;
  const isText = facts.encoding === 'base64';
  const decoded = isText ? 'decoded, ' : '';
  const missesCache = isCacheAskedFor && cache.whyNot !== null;
  const isCached = isCacheAskedFor && cache.whyNot === null;
  const without = missesCache ? `; not from the cache: ${cache.whyNot}` : '';
  if (how === 'permissions') {
    return {
      steps: extractReadOnly(archive, how),
      strategy: `${decoded}extracted, then without write permission`,
      why: `; its owner can give the permission back, and root needs none${without}`,
      missesCache,
    };
  }
  const image = imageOf(facts, whyNoImageMounts);
  if (typeof image !== 'string') {
    const steps = mountImage(archive, image, id, at, isCached);
    const mounts = ', and the kernel can mount it';
    if (!isText) {
      const why = isCacheAskedFor ? `${mounts}: there is nothing to keep in the cache` : mounts;
      return { steps, strategy: 'mounted', why };
    }
    if (!isCached) {
      return { steps, strategy: `${decoded}mounted`, why: `${mounts}${without}`, missesCache };
    }
    const why = `${mounts}; the cache keeps what is decoded${cache.how}`;
    return { steps, strategy: 'from the cache, mounted', why };
  }
  const otherwise = extractReadOnly(archive, how);
  if (isCached) {
    return {
      steps: [bindCached(archive, { id, at }, [], otherwise)],
      strategy: 'from the cache, read-only',
      why: `; ${image}; the cache keeps what is extracted${cache.how}`,
    };
  }
  return {
    steps: otherwise,
    strategy: `${decoded}extracted, then read-only`,
    why: `; ${image}${without}`,
    missesCache,
  };
}
