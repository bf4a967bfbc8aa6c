import type { Addon } from './addon.js';
import { loadAddon } from './load.js';

export type {
  Addon,
  ArchiveFacts,
  FileFacts,
  HomeFacts,
  HostFacts,
  Outcome,
  Probe,
} from './addon.js';
export { platform } from './load.js';

let loaded: Addon | undefined;

/** The addon, loaded when it is first asked for. */
export function addon(): Addon {
  loaded ??= loadAddon();
  return loaded;
}
