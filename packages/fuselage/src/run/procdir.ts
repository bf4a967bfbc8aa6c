import { toPlanPath } from '../bytes.js';
import type { Policy } from '../config/policy.js';
import { FuselageError } from '../errors.js';
import type { PlanPath, Reason, Step } from '../native/plan-types.js';
import type { ProcdirFacts } from './facts.js';
import type { HomeFact } from './home.js';

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
  const used = usedHome(facts.home);
  if (used !== null) return inHome(used, 'home', size);
  refuseToReplace(facts);
  return withoutHome(facts, size, policy);
}

/**
 * Puts the private directory on the disk of the home, for a run without namespaces: there is no other
 * place for it.
 *
 * @throws FuselageError `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`
 */
export function planExtracted(facts: ProcdirFacts): ProcdirPlan {
  const used = usedHome(facts.home);
  if (used !== null) return inHome(used, 'extracted', null);
  refuseToReplace(facts);
  const { home } = facts;
  const foreign = home.state === 'foreign';
  throw new FuselageError(
    foreign ? 'ERR_HOME_OWNER' : 'ERR_HOME_UNUSABLE',
    'there is no place for the files of a run without namespaces',
    {
      causes: [
        foreign
          ? `the home \`${home.path}\` belongs to uid ${home.owner}, you are uid ${facts.host.uid}`
          : `the home cannot be used: ${home.why}`,
      ],
      hints: ['set FUSELAGE_HOME to a directory of your own that you may write in'],
    },
  );
}

/** The path of a home that can be used, and why. */
function usedHome(home: HomeFact): { path: PlanPath; why: string } | null {
  if (home.path === null || (home.state !== 'usable' && home.state !== 'creatable')) return null;
  const why = home.state === 'usable' ? 'it is yours' : 'it will be made, for you alone';
  return { path: toPlanPath(home.path), why };
}

function inHome(
  { path, why }: { path: PlanPath; why: string },
  on: 'home' | 'extracted',
  size: number | null,
): ProcdirPlan {
  return {
    home: path,
    steps: [{ step: 'procdir', id: PROCDIR, on, size }],
    reasons: [{ subject: 'home', strategy: 'used', why, at: path }],
  };
}

/**
 * Refuses what must not quietly be replaced by another place.
 *
 * @throws FuselageError `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`
 */
function refuseToReplace({ home, host }: ProcdirFacts): void {
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
