import type { CacheLimits } from '../cache/policy.js';
import { FuselageError } from '../errors.js';
import type { Inputs } from '../inputs.js';
import { parseSize } from './size.js';

const MAX_AGE = 'FUSELAGE_CACHE_MAX_AGE_DAYS';
const MAX_SIZE = 'FUSELAGE_CACHE_MAX_SIZE';
const PATH = 'FUSELAGE_CACHE_PATH';

/** Days. */
const DEFAULT_MAX_AGE = 30;

/** The limits in force, and what was given and makes no sense: a sentence each. */
export function cacheLimits(inputs: Inputs): CacheLimits & { notices: string[] } {
  const notices: string[] = [];
  let maxAgeDays = DEFAULT_MAX_AGE;
  const age = inputs.variable(MAX_AGE);
  if (age !== undefined) {
    if (/^[0-9]+(\.[0-9]+)?$/.test(age)) maxAgeDays = Number(age);
    else notices.push(`${MAX_AGE} is \`${age}\`, which is no number of days: it is taken as 30`);
  }
  const size = inputs.variable(MAX_SIZE);
  const maxSize = size === undefined ? null : parseSize(size);
  if (size !== undefined && maxSize === null) {
    notices.push(`${MAX_SIZE} is \`${size}\`, which is no size: there is no limit of size`);
  }
  return { maxAgeDays, maxSize, notices };
}

/**
 * Further caches, absolute paths, in the order in which they are looked at.
 *
 * @throws FuselageError `ERR_USAGE` for a relative path
 */
export function otherCaches(inputs: Inputs): string[] {
  const paths = (inputs.variable(PATH) ?? '').split(':').filter((path) => path !== '');
  const relative = paths.find((path) => !path.startsWith('/'));
  if (relative === undefined) return paths;
  throw new FuselageError('ERR_USAGE', `${PATH} has the relative path \`${relative}\``, {
    hints: ['give absolute paths, with a colon between two'],
  });
}
