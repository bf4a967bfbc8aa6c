import { FuselageError } from '../errors.js';
import type { Inputs } from '../inputs.js';
import { homeFact } from '../run/home.js';

/** The directory below the home. */
const DIRECTORY = 'cache';

/** A home that has a cache, or may have one. */
export interface CacheHome {
  /** The absolute path of the home. */
  home: string;
  /** The directory of the cache, which need not be there. */
  path: string;
}

/**
 * The home whose cache is meant; nothing takes its place.
 *
 * @throws FuselageError `ERR_HOME_RELATIVE`, `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`
 */
export function cacheHome(inputs: Inputs): CacheHome {
  const fact = homeFact(inputs);
  const usable = fact.state === 'usable' || fact.state === 'creatable';
  if (usable && fact.path !== null) {
    const home = fact.path;
    return { home, path: `${home.replace(/\/+$/, '')}/${DIRECTORY}` };
  }
  const what = fact.path === null ? 'there is no home' : `the home \`${fact.path}\` is not used`;
  if (fact.state === 'foreign') {
    const owner = `it belongs to uid ${fact.owner}, you are uid ${inputs.host().uid}`;
    throw new FuselageError('ERR_HOME_OWNER', `${what}, and so there is no cache`, {
      causes: [owner, ...(fact.why === '' ? [] : [fact.why])],
      hints: ['set FUSELAGE_HOME to a directory of your own, or HOME to your home directory'],
    });
  }
  throw new FuselageError('ERR_HOME_UNUSABLE', `${what}, and so there is no cache`, {
    causes: [fact.why],
    hints: [
      fact.state === 'lockedOut'
        ? `give yourself all rights to it: chmod 0700 ${fact.path}`
        : 'set FUSELAGE_HOME to a directory of your own that you may write in',
    ],
  });
}
