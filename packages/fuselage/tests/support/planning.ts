/** Requests and facts to plan from, which a test changes. */
import { POLICY } from '../../src/config/policy.js';
import type { MountPlan } from '../../src/native/plan-types.js';
import type { FallbackFact, RunFacts } from '../../src/run/facts.js';
import { planRun } from '../../src/run/plan.js';
import type {
  CacheRequest,
  ProgramRequest,
  RunRequest,
  TreeRequest,
} from '../../src/run/request.js';
import { OWN_HOME, USER, zip } from './given.js';

export const COMMAND: ProgramRequest = { kind: 'command', index: 0, nearSubcommand: null };

/** As without any setting. */
export const CACHE: CacheRequest = {
  use: 'unset',
  others: { paths: [], notices: [] },
  limits: { maxAgeDays: 30, maxSize: null, notices: [] },
};

export function request(trees: TreeRequest[] = [], more: Partial<RunRequest> = {}): RunRequest {
  const program = COMMAND;
  const numbers = { jobs: null, tmpfsSize: null, limits: {} };
  const cache = CACHE;
  const how = { extract: 'deny', cache, writable: 'auto', explain: false } as const;
  return { trees, program, ...numbers, ...how, ...more };
}

export const FALLBACK: FallbackFact = {
  kind: null,
  refused: null,
  creatable: false,
  ancestor: '/run',
};

export function facts(more: Partial<RunFacts> = {}): RunFacts {
  return {
    host: USER,
    home: { path: '/home/u/.fuselage', isTold: false, ...OWN_HOME },
    fallback: FALLBACK,
    archives: new Map([
      ['s', zip('1')],
      ['d', zip('2')],
    ]),
    whyNoImageMounts: null,
    isCi: false,
    ...more,
  };
}

export const plan = (wanted: RunRequest, given = facts()) => planRun(wanted, given, POLICY);
export const ids = ({ steps }: MountPlan) => steps.map(({ id }) => id);
export const STATIC: TreeRequest = { kind: 'static', name: 's', file: 's.zip' };
export const DYNAMIC: TreeRequest = { kind: 'dynamic', name: 'd', file: 'd.zip' };
export const EMPTY: TreeRequest = { kind: 'empty', name: 'e' };
