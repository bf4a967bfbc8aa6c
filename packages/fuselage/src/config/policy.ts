import type { ExtractLimits } from '../native/plan-types.js';

const MEBIBYTE = 1024 ** 2;
const GIBIBYTE = 1024 ** 3;

/** What a run does where the user has said nothing. */
export interface Policy {
  /** What an archive may at most unpack to. */
  limits: ExtractLimits;
  /** From how many bytes of its archive's file on a dynamic tree is an overlay, unless told. */
  overlayFrom: number;
  /** The directory for private directories where there is no usable home. */
  fallbackHome: string;
}

/**
 * Up to it a copy takes about as long as a start, and a copy has none of the limits of an overlay: in
 * a user namespace, for example, no directory of the tree below can be renamed. The file's length
 * alone decides, never what the cache has, so that two equal calls give trees that behave equally.
 */
const OVERLAY_FROM = MEBIBYTE;

/**
 * The defaults: no honest archive meets one of the limits (`docs/errors.md`, ERR_ARCHIVE_LIMIT, says
 * the same). Memory is guarded apart: the launcher compares sizes with tmpfs and control group.
 */
export const POLICY: Policy = {
  limits: {
    // A large monorepo's node_modules has some 300,000 files, a distribution's whole root half a
    // million; each entry costs about 1 KiB of kernel memory that no tmpfs size counts.
    entries: 2_000_000,
    // More than a tmpfs of half the memory holds on any but the largest servers.
    bytes: 256 * GIBIBYTE,
    // The deepest real trees have some 50 levels, and PATH_MAX allows 2,048 at most.
    depth: 512,
    // PATH_MAX less the NUL: a longer path can be given to no system call, so that hardly a program
    // could open it. One component has 255 bytes at most, which is the kernel's and cannot be raised.
    nameLength: 4095,
    // What the best compressors make of one byte repeated: deflate 1,032, xz 7,000, zstd 32,768 (a
    // block of 128 KiB in 4 bytes, RFC 8878). Holes of sparse files do not count.
    ratio: 50_000,
  },
  overlayFrom: OVERLAY_FROM,
  fallbackHome: '/run/fuselage',
};

/** What a 32-bit number of the plan holds at most. */
const U32_MAX = 2 ** 32 - 1;

/** The limits by their names as `--limit` takes them: their key in a plan, and the most they can be. */
export const LIMITS = {
  entries: { key: 'entries', most: Number.MAX_SAFE_INTEGER },
  bytes: { key: 'bytes', most: Number.MAX_SAFE_INTEGER },
  depth: { key: 'depth', most: U32_MAX },
  'name-length': { key: 'nameLength', most: U32_MAX },
  ratio: { key: 'ratio', most: U32_MAX },
} as const satisfies Record<string, { key: keyof ExtractLimits; most: number }>;

/** The name of a limit. */
export type LimitName = keyof typeof LIMITS;

/** The names of the limits. */
export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[];
