/** Starting the programs that the scripts consist of. */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './host.mjs';

/** A program ended badly; its own output said why. */
export class CommandFailed extends Error {}

/** The words that start a program of a package in node_modules, without npx (0.4 s a call). */
export function nodeProgram(file) {
  return [process.execPath, join(ROOT, 'node_modules', file)];
}

/**
 * Runs a program to its end in the root of the repository, without standard input.
 *
 * @param {string[]} words the program and its arguments
 * @param {{capture?: boolean, env?: NodeJS.ProcessEnv}} [options] `capture`: take its stdout
 * @returns {string} what it wrote to stdout, where that was captured
 * @throws {CommandFailed}
 */
export function run(words, { capture = false, env = process.env } = {}) {
  const done = spawnSync(words[0], words.slice(1), {
    cwd: ROOT,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', capture ? 'pipe' : 'inherit', 'inherit'],
  });
  if (done.error) throw new CommandFailed(`cannot start ${words[0]}: ${done.error.message}`);
  if (done.status !== 0) throw new CommandFailed(`${words.join(' ')}: ${ending(done)}`);
  return done.stdout ?? '';
}

function ending({ status, signal }) {
  return signal ? `ended by ${signal}` : `exit status ${status}`;
}

/**
 * Runs a program and hands on what it writes while it takes it too.
 *
 * @param {string[]} words the program and its arguments
 * @param {object} [options]
 * @param {boolean} [options.quiet] take it, show nothing
 * @param {boolean} [options.withoutStdout] show and take stderr alone
 * @param {NodeJS.ProcessEnv} [options.env]
 * @returns {Promise<{ok: boolean, how: string, output: string, stdout: string}>} how it ended;
 *   stdout and stderr as they came, which may be one in the middle of a line of the other; stdout
 */
export function runShown(words, options = {}) {
  const { quiet = false, withoutStdout = false, env = process.env } = options;
  return new Promise((settle) => {
    const child = spawn(words[0], words.slice(1), {
      cwd: ROOT,
      env,
      stdio: ['ignore', withoutStdout ? 'ignore' : 'pipe', 'pipe'],
    });
    let output = '';
    let stdout = '';
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      if (from === null) continue;
      from.setEncoding('utf8');
      from.on('data', (text) => {
        output += text;
        if (from === child.stdout) stdout += text;
        if (!quiet) to.write(text);
      });
    }
    child.on('error', (error) => settle({ ok: false, how: error.message, output, stdout }));
    child.on('close', (status, signal) =>
      settle({ ok: status === 0, how: ending({ status, signal }), output, stdout }),
    );
  });
}

/** Whether a program can be started at all. */
export function canStart(words) {
  return spawnSync(words[0], words.slice(1), { cwd: ROOT, stdio: 'ignore' }).status === 0;
}
