import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freshDirectory } from './places.js';

/** A program for `FUSELAGE_NODE`: a shell script that notes its pid, then does `body`. */
export interface StandInNode {
  path: string;
  /** Waits until it was started and returns its pid. */
  pid: () => Promise<number>;
}

/** Makes one. In `body`, `$node` is the node that runs the tests; `"$@"` are the words of node. */
export function standInNode(body: string): StandInNode {
  const place = freshDirectory();
  const path = join(place, 'node');
  const note = join(place, 'pid');
  writeFileSync(note, '');
  chmodSync(note, 0o666);
  writeFileSync(path, `#!/bin/sh\nnode='${process.execPath}'\necho $$ >'${note}'\n${body}\n`);
  chmodSync(path, 0o755);
  return {
    path,
    pid: async () => {
      await until(() => existsSync(note) && readFileSync(note, 'utf8').endsWith('\n'));
      return Number(readFileSync(note, 'utf8'));
    },
  };
}

/** Waits until `condition` holds, 20 seconds at most. */
export async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    if (condition()) {
      return;
    }
    await sleep(20);
  }
  throw new Error('it did not come to pass in 20 seconds');
}

/** Whether the process is there and no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
