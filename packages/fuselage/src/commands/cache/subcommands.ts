import { EXIT_USAGE, FuselageError } from '../../errors.js';
import { nearest } from '../../run/near.js';

/** The words behind `cache`, in the order of the help. */
export const CACHE_SUBCOMMANDS = [
  'list',
  'info',
  'add',
  'prune',
  'verify',
  'clear',
  'path',
] as const;

/** A word behind `cache`. */
export type CacheSubcommand = (typeof CACHE_SUBCOMMANDS)[number];

/**
 * The word behind `cache`.
 *
 * @throws FuselageError `ERR_USAGE` where it is none
 */
export function cacheSubcommand(word: string): CacheSubcommand {
  const known = CACHE_SUBCOMMANDS.find((name) => name === word);
  if (known !== undefined) return known;
  const near = nearest(word, CACHE_SUBCOMMANDS);
  throw new FuselageError('ERR_USAGE', `there is no subcommand \`cache ${word}\``, {
    hints: [
      ...(near === null ? [] : [`did you mean \`fuselage cache ${near}\`?`]),
      '`fuselage cache` lists them',
    ],
    exitCode: EXIT_USAGE,
  });
}
