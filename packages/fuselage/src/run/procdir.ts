import { toPlanPath } from '../bytes.js';
import type { Policy } from '../config/policy.js';
import { FuselageError } from '../errors.js';
import type { PlanPath, Reason, Step } from '../native/plan-types.js';
import type { ProcdirFacts } from './facts.js';

/** Where the private directory of a run goes. */
export interface ProcdirPlan {
  /** The home, where there is a usable one. */
  home: PlanPath | null;
  /** The steps that make the private directory. */
  steps: Step[];
  /** Why it is there. */
  reasons: Reason[];
}

/** The id of the step that makes the private directory. */
const PROCDIR = 'procdir';

/**
 * Chooses where the private directory goes: into the home, or where the home that nobody has named
 * cannot be used to a directory that all runs of this host share, each in its own mounts; where that
 * cannot be made, to a mount point that only this run sees.
 *
 * @throws FuselageError `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`
 */
export function planProcdir(facts: ProcdirFacts, size: number | null, policy: Policy): ProcdirPlan {
  const { home, host } = facts;
  if (home.path !== null && (home.state === 'usable' || home.state === 'creatable')) {
    const path = toPlanPath(home.path);
    const why = home.state === 'usable' ? 'it is yours' : 'it will be made, for you alone';
    return {
      home: path,
      steps: [{ step: 'procdir', id: PROCDIR, on: 'home', size }],
      reasons: [{ subject: 'home', strategy: 'used', why, at: path }],
    };
  }
  if (home.state === 'foreign' && (host.uid !== 0 || home.isTold)) {
    throw new FuselageError(
      'ERR_HOME_OWNER',
      `the home \`${home.path}\` belongs to uid ${home.owner}, you are uid ${host.uid}`,
      {
        causes: home.why === '' ? [] : [home.why],
        hints: [
          home.isTold
            ? 'set FUSELAGE_HOME to a directory of your own, or unset it'
            : 'set FUSELAGE_HOME to a directory of your own, or HOME to your home directory',
        ],
      },
    );
  }
  if (home.state === 'lockedOut') {
    throw new FuselageError('ERR_HOME_UNUSABLE', `the home \`${home.path}\` cannot be used`, {
      causes: [home.why],
      hints: [`give yourself all rights to it: chmod 0700 ${home.path}`],
    });
  }
  if (home.isTold) {
    throw new FuselageError('ERR_HOME_UNUSABLE', `the home \`${home.path}\` cannot be used`, {
      causes: [home.why, 'FUSELAGE_HOME names it, so nothing takes its place'],
      hints: [
        'set FUSELAGE_HOME to a directory of your own that you may write in',
        'unset it: the home is ~/.fuselage then, and runs work without that, too',
      ],
    });
  }
  return withoutHome(facts, size, policy);
}

function withoutHome(facts: ProcdirFacts, size: number | null, policy: Policy): ProcdirPlan {
  const { home, fallback } = facts;
  const path = policy.fallbackHome;
  const why =
    home.state === 'foreign'
      ? `it is somebody else's (uid ${home.owner}): nothing is read or written there`
      : home.why;
  if (fallback.kind !== null && fallback.kind !== 'directory') {
    throw new FuselageError('ERR_HOME_UNUSABLE', `there is no place for the trees`, {
      causes: [`the home cannot be used: ${why}`, `\`${path}\` is no directory`],
      hints: ['set FUSELAGE_HOME to a directory that you can write'],
    });
  }
  if (fallback.refused !== null) throw FuselageError.fromReport(fallback.refused);
  const exists = fallback.kind === 'directory';
  const id = 'fallback';
  const way = exists || fallback.creatable ? 'directory' : 'mirror';
  const strategy = exists
    ? 'on the existing directory'
    : fallback.creatable
      ? 'on a directory that is made'
      : `on a mirror of ${fallback.ancestor}`;
  return {
    home: null,
    steps: [
      {
        step: 'mountPoint',
        id,
        path,
        how: way === 'directory' ? { way } : { way, ancestor: fallback.ancestor },
      },
      { step: 'procdir', id: PROCDIR, on: { mountPoint: id }, size },
    ],
    reasons: [
      {
        subject: 'home',
        strategy: 'not used',
        why,
        at: home.path === null ? null : toPlanPath(home.path),
      },
      {
        subject: 'private directory',
        strategy,
        why: 'there is no usable home',
        at: path,
      },
    ],
  };
}
