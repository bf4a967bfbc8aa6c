import { spawnSync } from 'node:child_process';
import { platform } from '../../src/native/index.js';

/** Who runs a script; root can be anybody. */
export interface Who {
  uid?: number;
}

/** Runs `script`, which has the addon as `addon`, in a node of its own; its result by `answer(…)`. */
export function inAnotherNode<T>(script: string, who: Who = {}): T {
  const preamble =
    `const addon = require(${JSON.stringify(platform().addon)});` +
    `const answer = (value) => require('fs').writeSync(1, JSON.stringify(value));`;
  const ids = who.uid === undefined ? {} : { uid: who.uid, gid: who.uid };
  const ended = spawnSync(process.execPath, ['-e', preamble + script], {
    ...ids,
    cwd: '/',
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
    encoding: 'utf8',
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  if (ended.error !== undefined) throw ended.error;
  if (ended.status !== 0) throw new Error(`node ended with ${ended.status}: ${ended.stderr}`);
  return JSON.parse(ended.stdout) as T;
}
