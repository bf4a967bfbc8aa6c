import { readOneOf } from './one-of.js';

/**
 * What is done without namespaces: `deny` nothing, `allow` the run where they are refused, `prefer`
 * the run of who may mount only in a user namespace, `force` every run.
 */
export type ExtractPolicy = 'deny' | 'allow' | 'prefer' | 'force';

const POLICIES: readonly ExtractPolicy[] = ['deny', 'allow', 'prefer', 'force'];

/**
 * Reads a policy.
 *
 * @param value - what was given
 * @param origin - the option or variable, for the message
 * @throws FuselageError `ERR_USAGE`
 */
export function readExtract(value: string, origin: string): ExtractPolicy {
  return readOneOf(POLICIES, value, origin);
}
