/** Every environment variable that fuselage has a meaning for. */

/** Variables that are read. */
export const INPUTS = {
  /** The home, instead of `~/.fuselage`; an absolute path. */
  home: 'FUSELAGE_HOME',
  /** The node to ask; read by the launcher. */
  node: 'FUSELAGE_NODE',
  /** `NODE_OPTIONS` of the node that is asked, for debugging; read by the launcher. */
  nodeOptions: 'FUSELAGE_NODE_OPTIONS',
  /** Threads that extract an archive, as `--jobs`. */
  jobs: 'FUSELAGE_JOBS',
  /** The most bytes that the trees of a run may take, as `--tmpfs-size`. */
  tmpfsSize: 'FUSELAGE_TMPFS_SIZE',
  /** Whether real files may take the place of mounts, as `--extract`. */
  extract: 'FUSELAGE_EXTRACT',
  /** Of which trees the cache is used: `0`, `1` or `static`. */
  cache: 'FUSELAGE_CACHE',
  /** How dynamic trees are made writable, as `--writable`. */
  writable: 'FUSELAGE_WRITABLE',
  /** Further caches, absolute paths of directories with colons between them. */
  cachePath: 'FUSELAGE_CACHE_PATH',
  /** Days after which what was not used goes out of the cache. */
  cacheMaxAge: 'FUSELAGE_CACHE_MAX_AGE_DAYS',
  /** The most bytes that the cache may have. */
  cacheMaxSize: 'FUSELAGE_CACHE_MAX_SIZE',
} as const;

/** Set by services that build and test: no process of ours goes on there in the background. */
export const CI = 'CI';

/** Variables that the command gets; those of an outer run are taken away first. */
export const OUTPUTS = {
  /** A private directory for scratch files; always set. */
  tmpdir: 'FUSELAGE_TMPDIR',
  /** The directory of the static trees, where there is one. */
  static: 'FUSELAGE_STATIC',
  /** The directory of the dynamic and empty trees, where there is one. */
  dynamic: 'FUSELAGE_DYNAMIC',
} as const;

/** Read by our tests alone: a test that cannot mount fails instead of being skipped. */
export const TEST_MUST_MOUNT = 'FUSELAGE_TEST_MUST_MOUNT';

/** Read by our tests alone: where it is 1, tests that take long run, too. */
export const TEST_LONG = 'FUSELAGE_TEST_LONG';

/** Read by our tests alone: where the Rust tests write the archives of the hostile table. */
export const TEST_HOSTILE_DIRECTORY = 'FUSELAGE_TEST_HOSTILE_DIRECTORY';

/**
 * Read by jest.config.js and our tests alone: the end-to-end tests start the front door and the
 * launcher behind a filter of system calls. A list of tests/support/call-lists: `old` as a kernel
 * of 4.18, `docker` as Docker's default profile.
 */
export const TEST_WRAP = 'FUSELAGE_TEST_WRAP';

/** Set by the tests for themselves: where the programs with that filter are. */
export const TEST_WRAP_DIRECTORY = 'FUSELAGE_TEST_WRAP_DIRECTORY';
