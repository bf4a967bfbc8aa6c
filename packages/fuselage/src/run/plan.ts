import { readable, toPlanPath } from '../bytes.js';
import { OUTPUTS } from '../config/env.js';
import type { Policy } from '../config/policy.js';
import { FuselageError } from '../errors.js';
import type {
  Environment,
  MountPlan,
  Program,
  ReadOnlyWay,
  Reason,
  SearchTree,
  Step,
} from '../native/plan-types.js';
import { VERSION } from '../version.js';
import { cacheFacts, planCache } from './cache.js';
import type { RunFacts } from './facts.js';
import { mayMount, type NamespacesPlan, planNamespaces, withoutNamespaces } from './namespaces.js';
import { overlayFacts } from './overlay.js';
import { inProcdir } from './places.js';
import { type ProcdirPlan, planExtracted, planProcdir } from './procdir.js';
import type { ProgramRequest, RunRequest } from './request.js';
import { planTree } from './trees.js';

/**
 * The plan of a run: pure, so that the same request, facts and policy always give the same plan.
 *
 * @throws FuselageError when the facts allow no plan: `ERR_USERNS_DENIED` where that needs no trying,
 * `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`
 */
export function planRun(request: RunRequest, facts: RunFacts, policy: Policy): MountPlan {
  const planIn = (namespaces: NamespacesPlan, procdir: ProcdirPlan, readOnly: ReadOnlyWay) =>
    planTrees(request, facts, policy, { namespaces, procdir, readOnly });
  const extracted = () =>
    planIn(withoutNamespaces(request.extract), planExtracted(facts), 'permissions');
  const { extract } = request;
  if (extract === 'force' || (extract === 'prefer' && !mayMount(facts.host))) return extracted();
  const { refused } = facts.host;
  // With `allow` the launcher finds the same, and does without where the home can be used.
  const inVain = extract !== 'allow' || facts.home.state === 'foreign';
  if (refused !== null && inVain) throw FuselageError.fromReport(refused);
  const procdir = planProcdir(facts, request.tmpfsSize, policy);
  const plan = planIn(planNamespaces(facts.host), procdir, 'mount');
  if (extract !== 'allow') return plan;
  // Without a home there is no place for real files, but namespaces may well be allowed.
  const otherwise = procdir.home === null ? null : extracted();
  return { ...plan, reasons: [...plan.reasons, allowed(otherwise !== null)], otherwise };
}

function allowed(possible: boolean): Reason {
  const [strategy, why] = possible
    ? ['allowed', 'where the kernel refuses the namespaces, real files in the home are used']
    : ['not possible', 'real files need a home'];
  return { subject: 'extract', strategy, why, at: null };
}

/** Where the trees are, and how they get there. */
interface Surroundings {
  namespaces: NamespacesPlan;
  procdir: ProcdirPlan;
  readOnly: ReadOnlyWay;
}

function planTrees(
  request: RunRequest,
  facts: RunFacts,
  policy: Policy,
  { namespaces: { namespaces, reason }, procdir, readOnly }: Surroundings,
): MountPlan {
  const cached = cacheFacts(request.cache, namespaces, procdir);
  const settings = {
    limits: { ...policy.limits, ...request.limits },
    jobs: request.jobs,
    readOnly,
    whyNoImageMounts: facts.whyNoImageMounts,
    cache: cached,
    writable: request.writable,
    overlayFrom: policy.overlayFrom,
    overlay: overlayFacts(facts.host, namespaces),
  };
  const trees = request.trees.map((tree, index) =>
    planTree(tree, `tree-${index + 1}`, facts.archives.get(tree.name), settings),
  );
  const roots = ['tmp', ...kindRoots(request)];
  const steps = inOrder(trees.flatMap((tree) => tree.steps));
  const missCache = trees.some((tree) => tree.missesCache);
  const { cache, notices } = planCache(
    request.cache,
    cached,
    { steps, missCache },
    { hasHome: procdir.home !== null, isCi: facts.isCi, namespaces },
  );
  return {
    version: VERSION,
    namespaces,
    home: procdir.home,
    cache,
    steps: [
      ...procdir.steps,
      ...roots.map((root): Step => ({ step: 'directory', id: root, at: inProcdir(root) })),
      ...once(trees.flatMap((tree) => tree.directories)),
      ...steps,
    ],
    environment: environment(roots),
    program: program(
      request.program,
      trees.map((tree) => tree.search),
    ),
    explain: request.explain,
    notices: notices.map(readable),
    reasons: [reason, ...procdir.reasons, ...trees.map((tree) => tree.reason)].map(wellFormed),
    otherwise: null,
  };
}

/**
 * Everything is decoded before the first archive is extracted: what all trees need is compared with
 * what there is room for when the lists of all archives can be read, and before anything is written.
 * Images come between: an image that cannot be mounted is found before the long work. What
 * the cache does not have is built for other runs, too: it comes before what is this run's alone.
 */
function inOrder(steps: readonly Step[]): Step[] {
  const first = ['decode', 'image', 'cache'];
  const rank = ({ step }: Step) => (first.includes(step) ? first.indexOf(step) : first.length);
  return [...steps].sort((one, other) => rank(one) - rank(other));
}

/** Each step once: several trees may need the same directory. */
function once(steps: readonly Step[]): Step[] {
  return [...new Map(steps.map((step) => [step.id, step])).values()];
}

/** Reasons are text for people; names in them may not be UTF-8. */
function wellFormed(reason: Reason): Reason {
  const { subject, strategy, why, at } = reason;
  return { subject: readable(subject), strategy, why: readable(why), at };
}

/** The directories that trees are in: of each kind that there is one of. */
function kindRoots(request: RunRequest): string[] {
  const isStatic = request.trees.map((tree) => tree.kind === 'static');
  return [
    ...(isStatic.includes(true) ? ['static'] : []),
    ...(isStatic.includes(false) ? ['dynamic'] : []),
  ];
}

function environment(roots: readonly string[]): Environment {
  const names = { tmp: OUTPUTS.tmpdir, static: OUTPUTS.static, dynamic: OUTPUTS.dynamic };
  return {
    cleared: Object.values(OUTPUTS),
    set: Object.entries(names)
      .filter(([root]) => roots.includes(root))
      .map(([root, name]) => ({ name, place: inProcdir(root) })),
  };
}

function program(request: ProgramRequest, trees: SearchTree[]): Program {
  if (request.kind === 'command') {
    const { index, nearSubcommand } = request;
    return { program: 'command', commandIndex: index, nearSubcommand };
  }
  return {
    program: 'tree',
    path: toPlanPath(request.path),
    trees,
    arguments: request.arguments,
  };
}
