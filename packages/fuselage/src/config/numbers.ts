import { FuselageError } from '../errors.js';
import type { Inputs } from '../inputs.js';
import type { ExtractLimits } from '../native/plan-types.js';
import { INPUTS } from './env.js';
import { LIMIT_NAMES, LIMITS, type LimitName } from './policy.js';
import { parseSize } from './size.js';

/** More threads than this help nobody. */
const MOST_JOBS = 512;

function wrong(origin: string, value: string | number, wanted: string): FuselageError {
  return new FuselageError('ERR_USAGE', `\`${origin}\` is \`${value}\``, {
    hints: [`it must be ${wanted}`],
  });
}

/**
 * Reads a number of threads.
 *
 * @param value - what was given
 * @param origin - the option or variable, for the message
 * @throws FuselageError `ERR_USAGE`
 */
export function readJobs(value: string | number, origin: string): number {
  const jobs = typeof value === 'number' || /^[0-9]+$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= MOST_JOBS) return jobs;
  throw wrong(origin, value, `a whole number from 1 to ${MOST_JOBS}`);
}

/**
 * Reads a size in bytes.
 *
 * @param value - bytes, or text as {@link parseSize} takes it
 * @param origin - the option or variable, for the message
 * @throws FuselageError `ERR_USAGE`
 */
export function readSize(value: string | number, origin: string): number {
  const bytes = parseSize(String(value));
  if (bytes !== null) return bytes;
  throw wrong(origin, value, 'a number of bytes above 0, with K, M, G or T for powers of 1024');
}

/**
 * A setting that is a number: the option, else the variable, else null.
 *
 * @param name - of the option
 * @param read - reads either
 * @throws FuselageError `ERR_USAGE`
 */
export function numberSetting(
  option: number | string | undefined,
  name: string,
  variable: string,
  read: (value: number | string, origin: string) => number,
  inputs: Inputs,
): number | null {
  if (option !== undefined) return read(option, name);
  const value = inputs.variable(variable);
  return value === undefined ? null : read(value, variable);
}

/**
 * The threads of a run or a job; null: one a processor.
 *
 * @throws FuselageError `ERR_USAGE`
 */
export function jobsSetting(option: number | string | undefined, inputs: Inputs): number | null {
  return numberSetting(option, '--jobs', INPUTS.jobs, readJobs, inputs);
}

/**
 * Reads the NAME=NUMBER of each `--limit`.
 *
 * @throws FuselageError `ERR_USAGE`
 */
export function readLimits(texts: readonly string[]): Partial<ExtractLimits> {
  const limits: Partial<ExtractLimits> = {};
  for (const text of texts) {
    const equals = text.indexOf('=');
    const name = LIMIT_NAMES.find((known) => known === text.slice(0, equals));
    const wanted = `NAME=NUMBER with one of the names ${LIMIT_NAMES.join(', ')}`;
    if (name === undefined) throw wrong('--limit', text, wanted);
    const value = readSize(text.slice(equals + 1), `--limit ${name}`);
    limits[LIMITS[name].key] = checkLimit(name, value);
  }
  return limits;
}

/**
 * Makes sure that a limit fits into the plan.
 *
 * @throws FuselageError `ERR_USAGE`
 */
export function checkLimit(name: LimitName, value: number): number {
  const { most } = LIMITS[name];
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw wrong(`limit ${name}`, value, `a whole number from 1 to ${most}`);
}
