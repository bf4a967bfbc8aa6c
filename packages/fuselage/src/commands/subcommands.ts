/** Words that are subcommands when they come first. */

/** Those that exist. */
export const SUBCOMMANDS = ['cache', 'doctor', 'help', 'run'] as const;

/** Those that will, so that no script comes to rest on a program of that name. */
export const RESERVED = [
  'bundle',
  'completion',
  'config',
  'hash',
  'inspect',
  'pack',
  'setup',
] as const;

/** A subcommand that exists. */
export type Subcommand = (typeof SUBCOMMANDS)[number];

/** Whether `word` is a subcommand that exists. */
export function isSubcommand(word: string | undefined): word is Subcommand {
  return (SUBCOMMANDS as readonly (string | undefined)[]).includes(word);
}

/** Whether `word` is kept for a subcommand to come. */
export function isReserved(word: string | undefined): boolean {
  return (RESERVED as readonly (string | undefined)[]).includes(word);
}
