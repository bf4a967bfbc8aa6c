import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freshDirectory } from './places.js';
import { throwIfDenied } from './wrap.js';

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

/** A node that waits at some point until it is told to go on. */
export interface HeldNode {
  path: string;
  /** Waits until one is there and waits. */
  held: () => Promise<void>;
  /** The pid of the one that waits. */
  running: () => number;
  /** Lets it, and each that comes later, go on. */
  release: () => void;
}

/** A shell that waits, and then becomes node: it still has the signals that its caller gave. */
export function heldBefore(): HeldNode {
  return heldNode((note, go) => [
    `echo $$ >'${note}'; until [ -e '${go}' ]; do sleep 0.02; done; exec "$node" "$@"`,
    '',
  ]);
}

/** Node itself, which waits when it has read our entry up to the bundle. */
export function heldAtEntry(): HeldNode {
  return heldNode((note, go, preload) => [
    `exec "$node" --require '${preload}' "$@"`,
    `const { existsSync, writeFileSync } = require('fs');
     const Module = require('module');
     const load = Module._load;
     const clock = new Int32Array(new SharedArrayBuffer(4));
     Module._load = function (request, ...rest) {
       if (request === './cli.cjs') {
         writeFileSync('${note}', process.pid + '\\n');
         while (!existsSync('${go}')) Atomics.wait(clock, 0, 0, 10);
       }
       return load.call(this, request, ...rest);
     };`,
  ]);
}

function heldNode(
  parts: (note: string, go: string, preload: string) => [body: string, preload: string],
): HeldNode {
  const place = freshDirectory();
  const note = join(place, 'held');
  const go = join(place, 'go');
  const preload = join(place, 'preload.js');
  writeFileSync(note, '');
  chmodSync(note, 0o666);
  const [body, script] = parts(note, go, preload);
  writeFileSync(preload, script);
  const noted = () => readFileSync(note, 'utf8');
  return {
    path: standInNode(body).path,
    held: () => until(() => noted().endsWith('\n')),
    running: () => Number(noted()),
    release: () => writeFileSync(go, ''),
  };
}

/** Waits until `condition` holds, 20 seconds at most. */
export async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    if (condition()) {
      return;
    }
    throwIfDenied();
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
