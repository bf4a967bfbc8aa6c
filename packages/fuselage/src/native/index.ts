import type { Addon } from './addon.js';
import { loadAddon, platform } from './load.js';
import type { Platform } from './platform.js';

export type {
  Addon,
  ArchiveFacts,
  CacheDecision,
  CacheEntryFacts,
  CacheLeaving,
  CacheListing,
  CacheRemoval,
  FileFacts,
  HomeFacts,
  HostFacts,
  Outcome,
  Probe,
} from './addon.js';
export { platform } from './load.js';
export type { Platform } from './platform.js';

let loaded: Addon | undefined;

/** The addon, loaded when it is first asked for, from the platform package that `locate` gives. */
export function addon(locate: () => Platform = platform): Addon {
  loaded ??= loadAddon(locate());
  return loaded;
}
