import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a group can be kept within, and the file of each limit in both versions (cgroups(7)). */
const LIMITS = {
  /** Bytes that all its processes together may use. */
  memory: { one: 'memory.limit_in_bytes', two: 'memory.max' },
  /** Microseconds of processor time in each tenth of a second. */
  cpu: { one: 'cpu.cfs_quota_us', two: 'cpu.max' },
};

/** What a group can be kept within. */
export type Controller = keyof typeof LIMITS;

interface Hierarchy {
  at: string;
  limit: string;
  /** The file that names the controllers that groups below may use; version 1 has none. */
  controllers: string | null;
}

function hierarchies(controller: Controller): Hierarchy[] {
  const { one, two } = LIMITS[controller];
  return [
    { at: '/sys/fs/cgroup', limit: two, controllers: 'cgroup.subtree_control' },
    { at: join('/sys/fs/cgroup', controller), limit: one, controllers: null },
  ];
}

function works(controller: Controller): (hierarchy: Hierarchy) => boolean {
  return ({ at, limit, controllers }) => {
    if (controllers === null) return existsSync(join(at, limit));
    const file = join(at, controllers);
    return existsSync(file) && readFileSync(file, 'utf8').split(/\s/).includes(controller);
  };
}

function tryOut(hierarchy: Hierarchy): boolean {
  try {
    const directory = join(hierarchy.at, `fuselage-try-${process.pid}`);
    mkdirSync(directory);
    const limited = existsSync(join(directory, hierarchy.limit));
    rmdirSync(directory);
    return limited;
  } catch {
    return false;
  }
}

/** Why no group with such a limit can be made; null: it can. */
export function whyNoControlGroup(controller: Controller): string | null {
  const found = hierarchies(controller).filter(works(controller)).some(tryOut);
  return found ? null : `no ${controller} control group can be made here`;
}

/** A group whose processes together are kept within `limit`. */
export class ControlGroup {
  readonly #directory: string;

  constructor(name: string, controller: Controller, limit: number) {
    const hierarchy = hierarchies(controller).find(works(controller));
    if (hierarchy === undefined) throw new Error('there is no hierarchy');
    this.#directory = join(hierarchy.at, `fuselage-test-${process.pid}-${name}`);
    mkdirSync(this.#directory);
    writeFileSync(join(this.#directory, hierarchy.limit), String(limit));
  }

  /** The words before a command that put it into the group. */
  get words(): [string, ...string[]] {
    const script = 'echo $$ >"$0/cgroup.procs" && exec "$@"';
    return ['/bin/sh', '-c', script, this.#directory];
  }

  /** Takes the group away; its processes must have ended. */
  async remove(): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      try {
        rmdirSync(this.#directory);
        return;
      } catch {
        // The kernel counts a process that has ended for a moment more.
        await sleep(50);
      }
    }
    rmdirSync(this.#directory);
  }
}
