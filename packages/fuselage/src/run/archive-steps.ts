/** The steps that make something of an archive, as trees put them together. */
import { toPlanPath } from '../bytes.js';
import type { ArchiveFacts } from '../native/index.js';
import type {
  ArchiveFile,
  CacheKind,
  ExtractLimits,
  Place,
  ReadOnlyWay,
  Step,
} from '../native/plan-types.js';
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

/** A file that an archive is in, and what it is. */
type Found = Pick<TreeArchive, 'path' | 'facts'>;

function source({ path, facts }: Found) {
  return { path: toPlanPath(path), identity: facts.identity };
}

function isText({ facts }: Found): boolean {
  return facts.encoding === 'base64';
}

/** What a file is and where in it; of text that shows only when it is decoded. */
function stands(found: Found): Pick<ArchiveFile, 'format' | 'offset'> {
  const { format, offset } = found.facts;
  return isText(found) ? { format: null, offset: 0 } : { format, offset };
}

/** The archive as the cache is asked for it. */
export function archiveFile(found: Found): ArchiveFile {
  return { source: source(found), encoding: found.facts.encoding, ...stands(found) };
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
  const { id, at, limits, jobs } = archive;
  const input = { source: isText(archive) ? { decoded } : source(archive), ...stands(archive) };
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
  const { limits, jobs } = archive;
  const id = `${archive.id}-cached`;
  return {
    step: 'cache',
    id,
    archive: archiveFile(archive),
    kind,
    limits,
    jobs,
    // biome-ignore lint/suspicious/noThenProperty: the plan's word; nothing awaits a step
    then: then(id),
    otherwise,
  };
}
