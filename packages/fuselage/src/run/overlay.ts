import type { HostFacts } from '../native/index.js';
import type { OverlayAttributes, Place, Step } from '../native/plan-types.js';
import { extract, type TreeArchive } from './archive-steps.js';
import { inProcdir } from './places.js';

/** How overlays are mounted in the namespaces of a run. */
export interface OverlayFacts {
  /** Where the kernel keeps its notes. */
  attributes: OverlayAttributes;
  /** Why the kernel mounts none, in words; null: it should. */
  whyNot: string | null;
}

/** The first kernel with `userxattr`, and so with overlays in a user namespace: 5.11. */
const USER_OVERLAY = { major: 5, minor: 11 };

/**
 * How overlays are mounted.
 *
 * @param namespaces - of the run
 */
export function overlayFacts(host: HostFacts, namespaces: 'user' | 'mount' | 'none'): OverlayFacts {
  if (namespaces === 'none') {
    return { attributes: 'user', whyNot: 'without namespaces nothing is mounted' };
  }
  if (namespaces === 'mount' && !host.inUserNamespace) {
    return { attributes: 'trusted', whyNot: null };
  }
  const { major, minor } = USER_OVERLAY;
  const [hostMajor = 0, hostMinor = 0] = host.kernelRelease.split(/[.-]/, 2).map(Number);
  const isOld = hostMajor < major || (hostMajor === major && hostMinor < minor);
  const whyNot = isOld
    ? `Linux ${host.kernelRelease} mounts no overlay in a user namespace (${major}.${minor} does)`
    : null;
  return { attributes: 'user', whyNot };
}

/** The directory in which the layers of all overlays are. */
const LAYERS = 'overlay';

/** Where the parts of one tree's overlay are. */
export interface OverlayPlaces {
  /** Made before the tree, in this order; the first is the same for all trees. */
  directories: Step[];
  /** The tree below. */
  lower: { id: string; at: Place };
  /** The layer over it. */
  layer: Place;
}

/** The places of the overlay of the tree `name`, which the step `id` makes. */
export function overlayPlaces(id: string, name: string): OverlayPlaces {
  const layer = inProcdir(`${LAYERS}/${name}`);
  return {
    directories: [
      { step: 'directory', id: LAYERS, at: inProcdir(LAYERS) },
      { step: 'directory', id: `${id}-overlay`, at: layer },
    ],
    lower: { id: `${id}-lower`, at: inProcdir(`${LAYERS}/${name}/lower`) },
    layer,
  };
}

/** Mounts the overlay; where the kernel refuses it, the archive is extracted after all. */
export function overlay(
  archive: TreeArchive,
  { lower, layer }: OverlayPlaces,
  attributes: OverlayAttributes,
): Step {
  const { id, at } = archive;
  // What was decoded for the tree below may be gone by then.
  const otherwise = extract(archive, `${id}-decoded-again`);
  return { step: 'overlay', id, lower: lower.id, layer, attributes, at, otherwise };
}
