import type { Inputs } from '../inputs.js';
import { INPUTS } from './env.js';
import { notOneOf, readOneOf } from './one-of.js';
import { parseSize } from './size.js';

/**
 * What the cache is used for: `off` nothing, because somebody said so; `unset` nothing, because nobody
 * said anything, but what is in it is kept within its limits; `static` and `all` these trees.
 */
export type CacheUse = 'off' | 'unset' | 'static' | 'all';

/** How a dynamic tree is made writable; `auto`: by the length of the archive's file. */
export type Writable = 'copy' | 'overlay' | 'auto';

/** What may stay in the cache. */
export interface CacheLimits {
  /** Days that something stays without being used; 0: for ever. */
  maxAgeDays: number;
  /** Bytes; null: no limit. */
  maxSize: number | null;
}

const DEFAULT_MAX_AGE_DAYS = 30;

const WRITABLE: readonly Writable[] = ['copy', 'overlay', 'auto'];

const USES: ReadonlyMap<string, CacheUse> = new Map([
  ['0', 'off'],
  ['1', 'all'],
  ['static', 'static'],
]);

/**
 * What the cache is used for: as the option says, else `FUSELAGE_CACHE`.
 *
 * @param option - true: all trees; false: none
 * @throws FuselageError `ERR_USAGE`
 */
export function cacheUse(option: boolean | 'static' | undefined, inputs: Inputs): CacheUse {
  if (option === undefined) {
    const value = inputs.variable(INPUTS.cache);
    if (value === undefined) return 'unset';
    const use = USES.get(value);
    if (use !== undefined) return use;
    throw notOneOf(INPUTS.cache, value, [...USES.keys()]);
  }
  if (option === 'static') return option;
  if (typeof option === 'boolean') return option ? 'all' : 'off';
  throw notOneOf('cache', String(option), ['true', 'false', 'static']);
}

/**
 * How dynamic trees are made writable: as the option says, else `FUSELAGE_WRITABLE`, else `auto`.
 *
 * @throws FuselageError `ERR_USAGE`
 */
export function writable(option: string | undefined, inputs: Inputs): Writable {
  if (option !== undefined) return readWritable(option, '--writable');
  return readWritable(inputs.variable(INPUTS.writable) ?? 'auto', INPUTS.writable);
}

/**
 * Reads how dynamic trees are made writable.
 *
 * @param value - what was given
 * @param origin - the option or variable, for the message
 * @throws FuselageError `ERR_USAGE`
 */
export function readWritable(value: string, origin: string): Writable {
  return readOneOf(WRITABLE, value, origin);
}

/** The limits of the cache, and a sentence for each setting that is none and not followed. */
export function cacheLimits(inputs: Inputs): CacheLimits & { notices: string[] } {
  const notices: string[] = [];
  const age = inputs.variable(INPUTS.cacheMaxAge);
  const days = age === undefined ? DEFAULT_MAX_AGE_DAYS : parseDays(age);
  if (days === null) {
    notices.push(
      `${INPUTS.cacheMaxAge} is \`${age}\`, which is no number of days: it counts as ${DEFAULT_MAX_AGE_DAYS}`,
    );
  }
  const size = inputs.variable(INPUTS.cacheMaxSize);
  const maxSize = size === undefined ? null : parseSize(size);
  if (size !== undefined && maxSize === null) {
    notices.push(`${INPUTS.cacheMaxSize} is \`${size}\`, which is no size: there is no limit`);
  }
  return { maxAgeDays: days ?? DEFAULT_MAX_AGE_DAYS, maxSize, notices };
}

function parseDays(text: string): number | null {
  const days = /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(days) ? days : null;
}

/** Further caches in their order, and a sentence for each element that is none and left out. */
export function otherCaches(inputs: Inputs): { paths: string[]; notices: string[] } {
  const elements = inputs.variable(INPUTS.cachePath)?.split(':') ?? [];
  const isAbsolute = (path: string) => path.startsWith('/');
  const notices = elements
    .filter((path) => !isAbsolute(path))
    .map((path) => {
      const what = path === '' ? 'an empty element' : `\`${path}\``;
      return `${INPUTS.cachePath} has ${what}, which is no absolute path: it is ignored`;
    });
  return { paths: elements.filter(isAbsolute), notices };
}
