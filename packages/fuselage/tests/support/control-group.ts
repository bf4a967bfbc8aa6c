import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where groups can be made, and what the file of the limit is called (cgroups(7)). */
const HIERARCHIES = [
  { at: '/sys/fs/cgroup', limit: 'memory.max', controllers: 'cgroup.subtree_control' },
  { at: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes', controllers: null },
];

type Hierarchy = (typeof HIERARCHIES)[number];

function works({ at, limit, controllers }: Hierarchy): boolean {
  if (controllers !== null) {
    const file = join(at, controllers);
    return existsSync(file) && readFileSync(file, 'utf8').split(/\s/).includes('memory');
  }
  return existsSync(join(at, limit));
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

/** Why no group with a limit of memory can be made; null: it can. */
export function whyNoControlGroup(): string | null {
  const found = HIERARCHIES.some((hierarchy) => works(hierarchy) && tryOut(hierarchy));
  return found ? null : 'no memory control group can be made here';
}

/** A group of which no process may use more than `limit` bytes of memory together. */
export class ControlGroup {
  readonly #directory: string;

  constructor(name: string, limit: number) {
    const hierarchy = HIERARCHIES.find(works);
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
