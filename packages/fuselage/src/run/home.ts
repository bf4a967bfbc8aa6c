import { INPUTS } from '../config/env.js';
import { FuselageError } from '../errors.js';
import type { Inputs } from '../inputs.js';
import type { HomeFacts } from '../native/index.js';

/** The home and what can be done with it. */
export interface HomeFact extends HomeFacts {
  /** Its absolute path; null: there is nothing it could be below. */
  path: string | null;
  /** Whether `FUSELAGE_HOME` names it: then nothing takes its place. */
  isTold: boolean;
}

/** The directory below a user's own directory. */
const DIRECTORY = '.fuselage';

function unusable(why: string): HomeFact {
  return { path: null, isTold: false, state: 'unusable', owner: null, why };
}

/**
 * Looks for the home: `$FUSELAGE_HOME`, else `.fuselage` in `$HOME`, else in what the password
 * database has; never a place that others share.
 *
 * @throws FuselageError `ERR_HOME_RELATIVE`
 */
export function homeFact(inputs: Inputs): HomeFact {
  const told = inputs.variable(INPUTS.home);
  if (told !== undefined) {
    if (!told.startsWith('/')) {
      throw new FuselageError('ERR_HOME_RELATIVE', `${INPUTS.home} is \`${told}\``, {
        causes: ['a relative path would be another place in every working directory'],
        hints: [`set ${INPUTS.home} to an absolute path`],
      });
    }
    return { path: told, isTold: true, ...inputs.home(told) };
  }
  const own = inputs.variable('HOME') ?? inputs.passwordHome();
  if (own === null) return unusable('HOME is not set and the password database has no entry');
  if (!own.startsWith('/')) return unusable(`the home directory \`${own}\` is no absolute path`);
  const path = `${own.replace(/\/+$/, '')}/${DIRECTORY}`;
  return { path, isTold: false, ...inputs.home(path) };
}
