import { POLICY } from '../config/policy.js';
import { asFuselageError, FuselageError } from '../errors.js';
import type { Inputs } from '../inputs.js';
import type { Platform, Probe } from '../native/index.js';
import { launcherVersion } from '../native/launcher.js';
import { procdirFacts } from '../run/facts.js';
import type { HomeFact } from '../run/home.js';
import { planNamespaces } from '../run/namespaces.js';
import { type ProcdirPlan, planProcdir } from '../run/procdir.js';
import { VERSION } from '../version.js';

/** One thing that `fuselage doctor` looked at. */
export interface Check extends Probe {
  /** Whether a run needs it. */
  needed: boolean;
}

/** Probes of the host without which no run works, whoever asks. */
const NEEDED_BY_ALL = ['kernel', 'tmpfs'];

function fine(name: string, detail: string): Check {
  return { name, ok: true, needed: true, detail, code: null, hints: [], causes: [] };
}

function failed(name: string, thrown: unknown): Check {
  const { code, message, hints, causes } = asFuselageError(thrown).toReport();
  return { name, ok: false, needed: true, detail: message, code, hints, causes };
}

/** Everything that a run needs here or that later versions will use, in the order of the report. */
export function hostChecks(inputs: Inputs, platform: () => Platform): Check[] {
  const parts = [nodeCheck(), addonCheck(inputs, platform), launcherCheck(platform)];
  const hasAddon = parts[1]?.ok === true;
  return hasAddon ? [...parts, ...probes(inputs, platform()), homeCheck(inputs)] : parts;
}

function nodeCheck(): Check {
  return fine('node', `${process.version} at ${process.execPath}`);
}

function addonCheck(inputs: Inputs, platform: () => Platform): Check {
  try {
    inputs.host();
    return fine('addon', `${VERSION} at ${platform().addon}`);
  } catch (error) {
    return failed('addon', error);
  }
}

function launcherCheck(platform: () => Platform): Check {
  let launcher: string;
  try {
    launcher = platform().launcher;
  } catch (error) {
    return failed('launcher', error);
  }
  const asked = launcherVersion(launcher);
  if ('version' in asked && asked.version === VERSION) {
    return fine('launcher', `${VERSION} at ${launcher}`);
  }
  const why = 'version' in asked ? `it is of version ${asked.version}` : asked.failure;
  return {
    name: 'launcher',
    ok: false,
    needed: true,
    detail: `${launcher} is not the launcher of version ${VERSION}`,
    code: 'version' in asked ? 'ERR_VERSION_MISMATCH' : 'ERR_PLATFORM_MISSING',
    causes: [why],
    hints: ['install the npm package again: npm install fuselage'],
  };
}

function probes(inputs: Inputs, { launcher }: Platform): Check[] {
  const { namespaces } = planNamespaces(inputs.host());
  const needed = namespaces === 'user' ? [...NEEDED_BY_ALL, 'user-namespace'] : NEEDED_BY_ALL;
  return inputs
    .probes(launcher)
    .map((probe) => ({ ...probe, needed: needed.includes(probe.name) }));
}

/** What a run would do: where it is refused, with its words. */
function homeCheck(inputs: Inputs): Check {
  try {
    const { refused } = inputs.host();
    if (refused !== null) throw FuselageError.fromReport(refused);
    const facts = procdirFacts(inputs, POLICY);
    const plan = planProcdir(facts, null, POLICY);
    return fine('home', homeDetail(facts.home, plan));
  } catch (error) {
    return failed('home', error);
  }
}

function homeDetail(home: HomeFact, plan: ProcdirPlan): string {
  const place = home.path ?? 'none';
  if (plan.home === null) {
    const [notUsed, instead] = plan.reasons;
    return `${place} is not used: ${notUsed?.why}; runs work without it, ${instead?.strategy}`;
  }
  return home.state === 'creatable' ? `${place}, made by the first run` : place;
}

/** Whether a run can work. */
export function canRun(checks: readonly Check[]): boolean {
  return checks.every((check) => check.ok || !check.needed);
}
