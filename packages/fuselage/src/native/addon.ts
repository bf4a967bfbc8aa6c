/**
 * What the addon (`crates/fuselage-node`) offers, as types. Paths are bytes (`Buffer`, without a
 * final NUL); a failure is data and never an exception, but for an argument of a wrong type.
 */

import type { ErrorReport } from './plan-types.js';

/** What a call that can fail returns: exactly one of the two. */
export type Outcome<T> =
  | { value: T; error?: undefined }
  | { value?: undefined; error: ErrorReport };

/** What a file the user gave as an archive is, by at most 64 KiB of its bytes. */
export interface ArchiveFacts {
  /** Compared by the launcher when it opens the file; opaque here. */
  identity: string;
  /** Bytes of the file. */
  length: number;
  /** `base64`: the archive is text that is to be decoded first. */
  encoding: 'plain' | 'base64';
  /** The name of the format; null when it is none that is accepted, or shows only when decoded. */
  format: string | null;
  /** Where the archive begins in the file, in bytes: behind an ELF program for example. */
  offset: number;
  /** How long an image says that it is, in bytes; of base64 text the one that is decoded. */
  imageLength: number | null;
  /** In words, for messages: `a zip archive`, `a gzip file`, `an empty file`, `an HTML page`. */
  looksLike: string;
  /** What helps somebody who gave this file, if it is none that is accepted. */
  advice: string | null;
  /** Everything that is accepted, for messages. */
  accepted: string[];
}

/** What stands at a path. */
export interface FileFacts {
  /** As in {@link ArchiveFacts}; of a directory without its size and times. */
  identity: string;
  kind: 'file' | 'directory' | 'other';
  /** Permission bits with set-user-ID, set-group-ID and sticky: 0 to 0o7777. */
  mode: number;
  /** The owner's uid, as this user namespace shows it. */
  owner: number;
  /** Bytes. */
  length: number;
}

/** What can be done with a home directory. */
export interface HomeFacts {
  /**
   * `usable`: there and this user's own. `creatable`: missing, and may be made. `foreign`: somebody
   * else's, nothing is read or written there. `lockedOut`: this user's own, and its mode keeps its
   * owner out. `unusable`: anything else.
   */
  state: 'usable' | 'creatable' | 'foreign' | 'lockedOut' | 'unusable';
  /** The owner's uid where it is foreign. */
  owner: number | null;
  /** The reason in words, for `foreign`, `lockedOut` and `unusable`; else empty. */
  why: string;
}

/** What this process is and what the host offers, without trying anything. */
export interface HostFacts {
  uid: number;
  euid: number;
  gid: number;
  egid: number;
  /** Its uid map is not `0 0 4294967295`: root here is not root of the host. */
  inUserNamespace: boolean;
  /** CAP_SYS_ADMIN is effective. */
  sysAdmin: boolean;
  /** `/dev/loop-control` can be opened for reading and writing. */
  loopControl: boolean;
  /** What owners without a place in the uid map are shown as (`/proc/sys/fs/overflowuid`). */
  overflowUid: number;
  /** As `uname -r` says. */
  kernelRelease: string;
  /** Changes with each start of the host; empty where /proc does not tell. */
  bootId: string;
  /** Why namespaces will be refused, where that needs no trying: this process's ids are not mapped. */
  refused: ErrorReport | null;
}

/** One thing a run may need, tried for real. */
export interface Probe {
  name: string;
  ok: boolean;
  /** What was found, in words. */
  detail: string;
  /** The code of the error a run would end with, where it would; else null. */
  code: string | null;
  hints: string[];
  causes: string[];
}

/**
 * An attached loop device. It stays attached until {@link LoopDevice.detach}, and in any case until
 * this object is gone and nothing has it mounted.
 */
export interface LoopDevice {
  /** `/dev/loopN`. */
  readonly path: string;
  /** Detaches it; a device that is mounted goes away with its last mount. A second call is no error. */
  detach(): Outcome<null>;
}

/** Limits of a tmpfs. */
export interface TmpfsOptions {
  /** Bytes; what the kernel takes (half of the memory) when left out. */
  size?: number;
  /** Permission bits of its root directory; 0o700 when left out. */
  mode?: number;
}

/** Which bytes of a file a loop device shows. */
export interface LoopOptions {
  /** The first byte; 0 when left out. */
  offset?: number;
  /** How many bytes; up to the end of the file when left out. */
  length?: number;
}

/** How a mount is taken away. */
export interface UnmountOptions {
  /** Detach now, let go when the last user has gone (`MNT_DETACH`, umount(2)). */
  lazy?: boolean;
}

/** A cache entry: its sentinel, and what was found out about it. */
export interface CacheEntryFacts {
  /** As in the cache directory: `<digest>-<format>`, of an image with `.sfs`. */
  name: string;
  kind: 'tree' | 'image';
  /** Of the decoded archive, 64 hexadecimal digits of SHA-256. */
  digest: string;
  /** The file name of the archive it was made from. */
  source: string;
  archiveFormat: string;
  /** Bytes of the archive. */
  archiveBytes: number;
  entries: number;
  /** Bytes of the unpacked tree. */
  bytes: number;
  /** Seconds since the epoch. */
  created: number;
  /** Milliseconds since the epoch. */
  lastUse: number;
  /** It is on the disk; else it holds for this boot of the host alone. */
  synced: boolean;
  /**
   * `valid`: a run may use it. `doubtful`: after it was compared with its list. `invalid`: never; of
   * such an entry the other facts may be empty or zero.
   */
  state: 'valid' | 'doubtful' | 'invalid';
  /** In words, why it is not valid. */
  why: string | null;
  /** Whether a process has it mounted; `unknown`: none that was seen, and `sight` is partial. */
  inUse: 'yes' | 'no' | 'unknown';
  /** What it was like, for {@link Addon.cacheRemove}; opaque. */
  token: string;
}

/** Something in the cache directory that is no entry. */
export interface CacheLeaving {
  /** Its path below the cache directory. */
  name: string;
  /**
   * `data`, `list`: without a sentinel. `staging`: what is or was being built. `trash`: evicted, and
   * not deleted yet. `lock`: of a builder. `index`: a note about an archive that no entry is of.
   * `temporary`: anything else that fuselage names so.
   */
  kind: 'data' | 'list' | 'staging' | 'trash' | 'lock' | 'index' | 'temporary';
  /** When it was changed last, in milliseconds since the epoch; of trash when it was evicted. */
  changed: number;
  inUse: 'yes' | 'no' | 'unknown';
  /** Its builder lives. */
  alive: boolean;
  token: string;
}

/** What is in a cache directory. */
export interface CacheListing {
  /** The directory. */
  path: string;
  /** Milliseconds since the epoch. */
  now: number;
  entries: CacheEntryFacts[];
  leavings: CacheLeaving[];
  /** Whether everybody who may have something mounted was seen. */
  sight: 'whole' | 'partial';
  /** In words, what was not seen. */
  why: string | null;
  /** Milliseconds since the epoch; null: never. */
  lastPrune: number | null;
}

/** One thing that is to be removed from the cache, as it was listed. */
export interface CacheDecision {
  name: string;
  kind: 'entry' | CacheLeaving['kind'];
  token: string;
}

/** What has become of a decision. */
export interface CacheRemoval {
  name: string;
  /**
   * `removed`: it is gone. `inUse`: evicted, and deleted when nobody sees it any more. `unknown`: as
   * that, and nobody can tell who sees it. `busy`: a run that starts or a builder has it; it stays.
   * `changed`: it is not what was listed; it stays.
   */
  outcome: 'removed' | 'inUse' | 'unknown' | 'busy' | 'changed' | 'failed';
  /** In words, for `unknown`, `busy`, `changed` and `failed`. */
  why: string | null;
}

/** The functions of the addon. */
export interface Addon {
  /** The version of the package it was built for. */
  version(): string;

  /**
   * Opens a regular file for reading and tells what archive it is. Never waits on a FIFO.
   * Errors: `ERR_ARCHIVE_MISSING`, `ERR_ARCHIVE_NOT_REGULAR`, `ERR_ARCHIVE_OPEN`.
   */
  inspectArchive(path: Buffer): Outcome<ArchiveFacts>;

  /** What a path leads to, symlinks followed; null when nothing is there. */
  inspectFile(path: Buffer): Outcome<FileFacts | null>;

  /** Whether a directory can be the home. Makes and changes nothing. */
  inspectHome(path: Buffer): Outcome<HomeFacts>;

  /**
   * Whether a directory that is there can stand in for a home. Makes and changes nothing.
   * Errors: `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`.
   */
  inspectFallback(path: Buffer): Outcome<null>;

  /**
   * What is in the cache of a home; empty where there is none. Makes and changes nothing.
   * Errors: `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`.
   */
  cacheListing(home: Buffer): Outcome<CacheListing>;

  /**
   * Removes what is still as it was listed; one result for each decision, in their order. While
   * another process does this, all are `busy`. Sets when the cache was pruned last.
   * Errors: `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`.
   */
  cacheRemove(home: Buffer, decisions: CacheDecision[]): Outcome<CacheRemoval[]>;

  /** Facts of this process and host. */
  hostFacts(): Outcome<HostFacts>;

  /**
   * Why the kernel cannot mount images of a file system (`squashfs`) here, in words; null: it can, as
   * far as that shows without doing it.
   */
  whyNoImageMounts(fileSystem: string): string | null;

  /**
   * Everything `fuselage doctor` reports of the host, in this order: kernel, user-namespace, tmpfs,
   * overlay, loop, fuse, apparmor, seccomp. Each is done in a throw-away child where it can be.
   * `launcher` is the program that advice is about.
   */
  probeHost(launcher?: Buffer): Probe[];

  /**
   * Becomes another program (execve(2)); returns only when that failed. It gets descriptors 0, 1
   * and 2: node makes every other one close-on-exec, inherited ones too. SIGPIPE and SIGXFSZ, which
   * node ignores, are set to their default.
   *
   * `environment` is a list of `NAME=value`.
   */
  exec(file: Buffer, argv: Buffer[], environment: Buffer[]): ErrorReport;

  /** Enters a user and a mount namespace and mounts a tmpfs, in a throw-away child. */
  probeUserNamespace(): Outcome<null>;

  /** Mounts a tmpfs, `nosuid,nodev`, on a directory. Needs CAP_SYS_ADMIN. */
  mountTmpfs(target: Buffer, options: TmpfsOptions): Outcome<null>;

  /** Shows `source`, with everything mounted below it, read-only at `target`. Needs CAP_SYS_ADMIN. */
  bindReadOnly(source: Buffer, target: Buffer): Outcome<null>;

  /** Takes the topmost mount at `target` away. Needs CAP_SYS_ADMIN. */
  unmount(target: Buffer, options?: UnmountOptions): Outcome<null>;

  /** Attaches a read-only loop device to an image file. Needs `/dev/loop-control` and its devices. */
  attachLoop(image: Buffer, options?: LoopOptions): Outcome<LoopDevice>;

  /** Mounts an image on a block device, `ro,nosuid,nodev`. Needs CAP_SYS_ADMIN. */
  mountImage(device: string, fileSystem: 'squashfs' | 'erofs', target: Buffer): Outcome<null>;
}
