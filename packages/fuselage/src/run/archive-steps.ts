/** The steps that make something of an archive, as trees put them together. */
import { toPlanPath } from '../bytes.js';
import type { ArchiveFacts } from '../native/index.js';
import type { CacheKind, ExtractLimits, Place, ReadOnlyWay, Step } from '../native/plan-types.js';
import type { Image } from './images.js';

/** An archive of a tree. */
export interface TreeArchive {
  /** The id of the step that makes the tree; ids of the other steps begin with it. */
  id: string;
  /** The path that the user gave. */
  path: string;
  /** What it is. */
  facts: ArchiveFacts;
  /** Where the tree is. */
  at: Place;
  /** What it may at most unpack to. */
  limits: ExtractLimits;
  /** Threads; null: one a processor. */
  jobs: number | null;
}

function source({ path, facts }: TreeArchive) {
  return { path: toPlanPath(path), identity: facts.identity };
}

function isText({ facts }: TreeArchive): boolean {
  return facts.encoding === 'base64';
}

/** Decodes text; nothing where the archive stands in the file as it is. */
function decode(archive: TreeArchive, id: string): Step[] {
  return isText(archive) ? [{ step: 'decode', id, source: source(archive) }] : [];
}

/**
 * Extracts the tree, from the file itself or from what was decoded before.
 *
 * @param decoded - the id of that step
 */
export function extract(archive: TreeArchive, decoded = `${archive.id}-decoded`): Step[] {
  const { id, facts, at, limits, jobs } = archive;
  const input = isText(archive)
    ? { source: { decoded }, format: null, offset: 0 }
    : { source: source(archive), format: facts.format, offset: facts.offset };
  return [...decode(archive, decoded), { step: 'extract', id, ...input, at, limits, jobs }];
}

/** Extracts the tree, and makes it read-only. */
export function extractReadOnly(archive: TreeArchive, how: ReadOnlyWay): Step[] {
  const { id } = archive;
  return [...extract(archive), { step: 'readOnly', id: `${id}-read-only`, tree: id, how }];
}

/**
 * Mounts the image that the archive is; one in text from the cache, where that is used.
 *
 * @param id - of the step that mounts
 * @param at - where
 */
export function mountImage(
  archive: TreeArchive,
  image: Image,
  id: string,
  at: Place,
  isCached: boolean,
): Step[] {
  if (!isText(archive)) return [{ step: 'image', id, source: source(archive), ...image, at }];
  const decoded = `${archive.id}-decoded`;
  const otherwise: Step[] = [
    ...decode(archive, decoded),
    { step: 'image', id, source: { decoded }, ...image, at },
  ];
  if (!isCached) return otherwise;
  const from = (cached: string): Step[] => [
    { step: 'image', id, source: { cached }, ...image, at },
  ];
  return [cache(archive, 'image', from, otherwise)];
}

/**
 * Binds the tree that the cache has of the archive.
 *
 * @param over - what is done with it then
 * @param otherwise - what is done without it
 */
export function bindCached(
  archive: TreeArchive,
  { id, at }: { id: string; at: Place },
  over: Step[],
  otherwise: Step[],
): Step {
  const shown = (cached: string): Step[] => [{ step: 'bind', id, cached, at }, ...over];
  return cache(archive, 'tree', shown, otherwise);
}

function cache(
  archive: TreeArchive,
  kind: CacheKind,
  then: (id: string) => Step[],
  otherwise: Step[],
): Step {
  const { facts, limits, jobs } = archive;
  const id = `${archive.id}-cached`;
  const stands = isText(archive)
    ? { format: null, offset: 0 }
    : { format: facts.format, offset: facts.offset };
  return {
    step: 'cache',
    id,
    archive: { source: source(archive), encoding: facts.encoding, ...stands },
    kind,
    limits,
    jobs,
    // biome-ignore lint/suspicious/noThenProperty: the plan's word; nothing awaits a step
    then: then(id),
    otherwise,
  };
}
