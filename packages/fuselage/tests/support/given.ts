/** Facts that a test gives instead of a host: planning rests on nothing else. */
import { toBytes } from '../../src/bytes.js';
import { POLICY } from '../../src/config/policy.js';
import { type Caller, Inputs, type Looking } from '../../src/inputs.js';
import type {
  ArchiveFacts,
  CacheDecision,
  CacheListing,
  CacheRemoval,
  FileFacts,
  HomeFacts,
  HostFacts,
} from '../../src/native/index.js';
import type { ErrorReport } from '../../src/native/plan-types.js';

/** An ordinary user on an ordinary host. */
export const USER: HostFacts = {
  uid: 1000,
  euid: 1000,
  gid: 1000,
  egid: 1000,
  inUserNamespace: false,
  sysAdmin: false,
  loopControl: false,
  overflowUid: 65534,
  kernelRelease: '6.18.0',
  bootId: 'boot',
  refused: null,
};

/** Root that may mount. */
export const ROOT: HostFacts = {
  ...USER,
  uid: 0,
  euid: 0,
  gid: 0,
  egid: 0,
  sysAdmin: true,
  loopControl: true,
};

/** A home that is there and is this user's. */
export const OWN_HOME: HomeFacts = { state: 'usable', owner: null, why: '' };

const NO_PLACE: HomeFacts = { state: 'unusable', owner: null, why: 'it may not be written' };

/** A zip archive. */
export function zip(identity: string): ArchiveFacts {
  return {
    identity,
    length: 1000,
    encoding: 'plain',
    format: 'zip',
    offset: 0,
    imageLength: null,
    looksLike: 'a zip archive',
    advice: null,
    accepted: ['zip', 'base64 text of these'],
  };
}

/** A squashfs image, whole blocks of which the file holds. */
export function squashfs(identity: string): ArchiveFacts {
  return {
    ...zip(identity),
    format: 'squashfs',
    length: 8192,
    imageLength: 5000,
    looksLike: 'a squashfs image',
  };
}

/** base64 text of a zip archive. */
export function zipText(identity: string): ArchiveFacts {
  return { ...zip(identity), encoding: 'base64', looksLike: 'base64 text of a zip archive' };
}

/** A file or directory. */
export function entry(identity: string, kind: FileFacts['kind']): FileFacts {
  return { identity, kind, mode: 0o644, owner: 1000, length: 1000 };
}

/** What there is to be seen. */
export interface Given {
  /** Archives by path. */
  archives?: Record<string, ArchiveFacts>;
  /** Other files and directories by path. */
  files?: Record<string, FileFacts>;
  /** The home, whatever its path. */
  home?: HomeFacts;
  /** The place that stands in for it; without it nothing may be made there. */
  fallback?: HomeFacts;
  /** Why it cannot be used although it is a directory. */
  refused?: ErrorReport;
  /** What is in the cache, by the home; where nothing is given it is empty. */
  cache?: Record<string, CacheListing>;
  /** What becomes of a decision; without it everything goes. Called with the home, too. */
  remove?: (decision: CacheDecision, home: string) => CacheRemoval;
  /** The host. */
  host?: HostFacts;
  /** The environment. */
  environment?: Record<string, string>;
  /** Where relative paths start. */
  directory?: Caller['directory'];
}

/** Looks at what is given. */
export function looking(given: Given): Looking {
  const archives = new Map(Object.entries(given.archives ?? {}));
  const files = new Map(Object.entries(given.files ?? {}));
  const find = <T>(map: Map<string, T>, path: Buffer) =>
    [...map].find(([name]) => toBytes(name).equals(path))?.[1];
  return {
    inspectArchive: (path) => {
      const value = find(archives, path);
      return value === undefined ? { error: missing(path) } : { value };
    },
    inspectFile: (path) => {
      const archive = find(archives, path);
      const value = find(files, path) ?? (archive ? entry(archive.identity, 'file') : null);
      return { value };
    },
    inspectHome: (path) => ({ value: homeAt(path.toString(), given) }),
    inspectFallback: () => (given.refused ? { error: given.refused } : { value: null }),
    hostFacts: () => ({ value: given.host ?? USER }),
    whyNoImageMounts: () => (given.host?.loopControl ? null : 'only root can mount image files'),
    probeHost: () => [],
    cacheListing: (home) => ({
      value: given.cache?.[home.toString()] ?? emptyCache(home.toString()),
    }),
    cacheRemove: (home, decisions) => ({
      value: decisions.map(
        (decision) =>
          given.remove?.(decision, home.toString()) ?? {
            name: decision.name,
            outcome: 'removed',
            why: null,
          },
      ),
    }),
  };
}

function emptyCache(home: string): CacheListing {
  const path = `${home}/cache`;
  return { path, now: 0, entries: [], leavings: [], sight: 'whole', why: null, lastPrune: null };
}

function homeAt(path: string, given: Given): HomeFacts {
  if (path === POLICY.fallbackHome) return given.fallback ?? NO_PLACE;
  return given.home ?? OWN_HOME;
}

function missing(path: Buffer) {
  return {
    code: 'ERR_ARCHIVE_MISSING',
    message: `cannot find the archive ${path.toString()}`,
    hints: [],
    causes: [],
    exitCode: 125,
  };
}

/** Inputs that see what is given; HOME is `/home/u` unless the environment is given. */
export function inputs(given: Given = {}): Inputs {
  const environment = given.environment ?? { HOME: '/home/u' };
  const caller = {
    environment: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    directory: given.directory ?? null,
  };
  return new Inputs(caller, () => looking(given));
}
