import type { CacheSubcommand } from './subcommands.js';

const CACHE = `fuselage cache: look at the cache of unpacked archives, fill it, and make room

Usage:
  fuselage cache list [--json]
  fuselage cache info [--json]
  fuselage cache add [--to DIR] [--jobs N] [--limit NAME=NUMBER] [--json] FILE...
  fuselage cache prune [--max-age DAYS] [--max-size SIZE] [--dry-run] [--quiet] [--json]
  fuselage cache verify [--repair] [--jobs N] [--json] [NAME...]
  fuselage cache clear [--json]
  fuselage cache path [--json] [FILE]

Subcommands:
  list     show every entry: size, last use, whether it is in use
  info     show the place, totals, limits, second caches and the last prune
  add      unpack archives ahead of the first run
  prune    remove what is too old, and what is above the maximal size
  verify   compare entries with what was unpacked
  clear    remove all that is not in use
  path     show the directory of the cache, or the tree of an archive

The cache is $FUSELAGE_HOME/cache, else ~/.fuselage/cache. Nothing is kept there unless a run is
told so, by --cache, --cache-static or FUSELAGE_CACHE. What is in use is never removed.

\`fuselage cache SUBCOMMAND --help\` tells more.
`;

const STATUS = `  -h, --help       show this text

Exit status: 0; 1 for a failure; 2 for wrong usage.
`;

const TEXTS: Record<CacheSubcommand, string> = {
  list: `fuselage cache list: show what is in the cache, what was used last first

Usage:
  fuselage cache list [--json]

In use is yes, no, or unknown where not every process can be seen.

Options:
      --json       the same as JSON: {path, entries: [{name, digest, kind, source, archiveFormat,
                   archiveBytes, bytes, entries, created, lastUse, inUse, state, why, synced}],
                   sight, unseen}; the keys stay as they are
${STATUS}`,
  info: `fuselage cache info: show the place of the cache, totals and limits

Usage:
  fuselage cache info [--json]

Options:
      --json       the same as JSON: {path, entries, bytes, inUse, trash, leavings, limits:
                   {maxAgeDays, maxSize}, others, lastPrune, sight, unseen, notices}; the keys stay
                   as they are
${STATUS}`,
  add: `fuselage cache add: unpack archives into the cache, ahead of the first run

Usage:
  fuselage cache add [--to DIR] [--jobs N] [--limit NAME=NUMBER] [--json] FILE...

It is on the disk when this ends. An archive that is there already is left as it is.

Options:
      --to DIR             a cache of its own for others to read, for FUSELAGE_CACHE_PATH; made
                           where it is missing
      --jobs N             threads that extract an archive (else FUSELAGE_JOBS, else one for each
                           processor)
      --limit NAME=NUMBER  what one archive may unpack to, as for \`fuselage run\`
      --json               the result as JSON
  -h, --help               show this text

Exit status: 0; 1 for a failure; 2 for wrong usage.

Example:
  fuselage cache add --to /opt/fuselage-cache sdk.zip
`,
  prune: `fuselage cache prune: remove what is too old, and what is above the maximal size

Usage:
  fuselage cache prune [--max-age DAYS] [--max-size SIZE] [--dry-run] [--quiet] [--json]

Runs with a cache start it in the background, at most once an hour. What is in use, or was used
within the last minute, stays.

Options:
      --max-age DAYS   remove what was not used for that long (else FUSELAGE_CACHE_MAX_AGE_DAYS,
                       else 30); 0: nothing is too old, and leavings stay, too
      --max-size SIZE  the most bytes of all trees, or as 512M, 4G: the least recently used go first
                       (else FUSELAGE_CACHE_MAX_SIZE, else without limit)
      --dry-run        tell what would go, and remove nothing
      --quiet          print nothing, and end with 0
      --json           the result as JSON: {path, dryRun, bytes, removed: [{name, kind, why, bytes,
                       outcome, detail}], notices}; the keys stay as they are
  -h, --help           show this text

Exit status: 0; 1 when something could not be removed; 2 for wrong usage.
`,
  verify: `fuselage cache verify: compare entries with what was unpacked

Usage:
  fuselage cache verify [--repair] [--jobs N] [--json] [NAME...]

Every file of an entry is read and compared: content, mode, size, time, nothing more and nothing
less. Without NAME it is every entry; \`fuselage cache list\` has the names.

Options:
      --repair     remove entries that differ; the next run builds them again
      --jobs N     threads (else FUSELAGE_JOBS, else one for each processor)
      --json       the result as JSON
  -h, --help       show this text

Exit status: 0 when nothing differs, 1 when something does, 2 for wrong usage.
`,
  clear: `fuselage cache clear: remove all that is not in use

Usage:
  fuselage cache clear [--json]

Options:
      --json       the result as JSON, as that of \`fuselage cache prune\`
  -h, --help       show this text

Exit status: 0; 1 when something could not be removed; 2 for wrong usage.
`,
  path: `fuselage cache path: show the directory of the cache, or the tree of an archive

Usage:
  fuselage cache path [--json] [FILE]

With FILE: where its tree is, in the cache or in one of FUSELAGE_CACHE_PATH. It must not be changed.

Options:
      --json       the result as JSON
  -h, --help       show this text

Exit status: 0; 1 where there is no such entry; 2 for wrong usage.
`,
};

/** The help of a word behind `cache`, or of all of them. */
export function cacheHelpText(subcommand: CacheSubcommand | null): string {
  return subcommand === null ? CACHE : TEXTS[subcommand];
}
