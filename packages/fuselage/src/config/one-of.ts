import { FuselageError } from '../errors.js';

/**
 * The error of a setting that is none of some words.
 *
 * @param origin - the option or variable
 */
export function notOneOf(origin: string, value: string, wanted: readonly string[]): FuselageError {
  return new FuselageError('ERR_USAGE', `\`${origin}\` is \`${value}\``, {
    hints: [`it must be one of ${wanted.join(', ')}`],
  });
}

/**
 * Reads one of some words.
 *
 * @param origin - the option or variable, for the message
 * @throws FuselageError `ERR_USAGE`
 */
export function readOneOf<T extends string>(words: readonly T[], value: string, origin: string): T {
  const known = words.find((word) => word === value);
  if (known !== undefined) return known;
  throw notOneOf(origin, value, words);
}
