import type { ExtractLimits } from '../native/plan-types.js';

/** What a run does where the user has said nothing. */
export interface Policy {
  /** What an archive may at most unpack to. */
  limits: ExtractLimits;
  /** The directory for private directories where there is no usable home. */
  fallbackHome: string;
}

/** The defaults. Memory is guarded apart: the launcher compares sizes with tmpfs and cgroup. */
export const POLICY: Policy = {
  limits: {
    // A large monorepo's node_modules has some 300,000 files; each entry costs about 1 KiB of
    // kernel memory that no tmpfs size counts.
    entries: 2_000_000,
    // Above any memory of today's desktops; a tmpfs is at most half of the memory anyway.
    bytes: 256 * 1024 ** 3,
    // PATH_MAX is 4096: deeper names could hardly be used.
    depth: 512,
    // Deflate reaches 1032 at most (zlib's technical details); only overlapping entries and
    // better compressed zeros are beyond.
    ratio: 2_000,
  },
  fallbackHome: '/run/fuselage',
};

/** The names of the limits, as `--limit` takes them. */
export const LIMIT_NAMES = ['entries', 'bytes', 'depth', 'ratio'] as const;
