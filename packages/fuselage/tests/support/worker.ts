import { readdirSync, readFileSync } from 'node:fs';
import { until } from './stand-in-node.js';

/** The parent of a process; 0 when it is gone. */
function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

/** By its name: the file of a worker is told to root alone. */
function isLauncher(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'fuselage-launch\n';
  } catch {
    return false;
  }
}

function isBelow(pid: number, ancestor: number): boolean {
  for (let at = pid; at > 1; at = parentOf(at)) {
    if (at === ancestor) return true;
  }
  return false;
}

/**
 * Whether it has become a worker: behind a filter of system calls of its own, which is the last of
 * its confinement. The launcher may be behind one, too (`FUSELAGE_TEST_WRAP`).
 */
function isConfined(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const marks = [/^CapEff:\t0+$/m, /^NoNewPrivs:\t1$/m, /^Seccomp:\t2$/m];
    const own = filters(status) - filters(readFileSync(`/proc/${parentOf(pid)}/status`, 'utf8'));
    return marks.every((mark) => mark.test(status)) && own > 0;
  } catch {
    return false;
  }
}

/** How many filters a process is behind; before Linux 5.9 no more than one is known of. */
function filters(status: string): number {
  const count = /^Seccomp_filters:\t(\d+)$/m.exec(status) ?? /^Seccomp:\t(\d)$/m.exec(status);
  return Number(count?.[1]);
}

/** The processes that extract below `ancestor`: the launcher's file, forked by the launcher. */
export function workersBelow(ancestor: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      if (!(pid > 1) || !isLauncher(pid)) return false;
      const parent = parentOf(pid);
      return isLauncher(parent) && isBelow(parent, ancestor) && isConfined(pid);
    });
}

/** The trees, as `static/a`, of a worker's run in which something is. */
export function writtenTrees(worker: number): string[] {
  try {
    // The launcher sees them.
    const launcher = parentOf(worker);
    const mounts = readFileSync(`/proc/${launcher}/mountinfo`, 'utf8');
    const [, place] = /^\S+ \S+ \S+ \/ (\S+) .* - tmpfs fuselage /m.exec(mounts) ?? [];
    const procdir = `/proc/${launcher}/root${place}`;
    const kinds = readdirSync(procdir).filter((kind) => kind !== 'tmp');
    return kinds
      .flatMap((kind) => readdirSync(`${procdir}/${kind}`).map((tree) => `${kind}/${tree}`))
      .filter((tree) => readdirSync(`${procdir}/${tree}`).length > 0);
  } catch {
    return [];
  }
}

/** Whether the worker of a run with one tree has begun to write it. */
export function writes(worker: number): boolean {
  return writtenTrees(worker).length > 0;
}

/** Waits for the worker of a run that `ancestor` is or has started. */
export async function workerBelow(ancestor: number): Promise<number> {
  let found: number | undefined;
  await until(() => {
    [found] = workersBelow(ancestor);
    return found !== undefined;
  });
  return found as number;
}
