import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { launcher } from './places.js';
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

function isLauncher(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`) === launcher;
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

const mountNamespace = (pid: number | string) => readlinkSync(`/proc/${pid}/ns/mnt`);

/**
 * Whether it has become a worker: in the run's mount namespace, where no child is but a worker (what
 * becomes node is in the caller's), and behind a filter of system calls, which is the last of its
 * confinement.
 */
function isConfined(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return (
      mountNamespace(pid) !== mountNamespace('self') &&
      /^CapEff:\t0+$/m.test(status) &&
      /^Seccomp:\t2$/m.test(status)
    );
  } catch {
    return false;
  }
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

/** Whether a worker, whose root is the directory of its tree, has begun to write it. */
export function writes(worker: number): boolean {
  try {
    return readdirSync(`/proc/${worker}/root`).length > 0;
  } catch {
    return false;
  }
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
