/**
 * The library: a command sees archives as private directories.
 *
 * ```js
 * import { run } from 'fuselage';
 * const { exitCode } = await run({ static: ['sdk.zip'], command: 'make', args: ['-j2'] });
 * ```
 *
 * @packageDocumentation
 */
import { POLICY } from './config/policy.js';
import { FuselageError } from './errors.js';
import { Inputs, libraryCaller } from './inputs.js';
import { addon, platform } from './native/index.js';
import type { Input, MountPlan } from './native/plan-types.js';
import { gatherFacts } from './run/facts.js';
import { launch, type RunResult, type StartedCommand, type StdioOption } from './run/launch.js';
import { planRun as planRequest } from './run/plan.js';
import { type ProgramRequest, runRequest, type TreeOptions } from './run/request.js';

export type { Writable } from './config/cache.js';
export type { ExtractPolicy } from './config/extract.js';
export { type ErrorCode, type ErrorDetails, FuselageError, type Hints } from './errors.js';
export type { ErrorReport, ExtractLimits, MountPlan, PlanPath } from './native/plan-types.js';
export type { RunResult, StartedCommand, StdioEntry, StdioOption } from './run/launch.js';
export type { ArchiveOption, TreeOptions } from './run/request.js';

/** What is run, on which trees and where. Either `command` or `run` is needed. */
export interface PlanOptions extends TreeOptions {
  /** The command: a path, or a name that is looked up in `PATH`. */
  command?: string;
  /** A program out of the trees instead: `NAME/PATH`, or a `PATH` that exactly one tree has. */
  run?: string;
  /** The words behind it. */
  args?: readonly string[];
  /** Its working directory, from which relative paths of archives start too; ours unless told. */
  cwd?: string;
  /** Its environment; `FUSELAGE_HOME` and the like are read from it. Ours unless told. */
  env?: Readonly<Record<string, string | undefined>>;
}

/** What is run, and how the caller is connected to it. */
export interface RunOptions extends PlanOptions {
  /**
   * Standard input, output and error of the command as in `child_process.spawn`, at most three;
   * `'inherit'` unless told. Pipes are given to `onStart`.
   */
  stdio?: StdioOption;
  /** When it is aborted, the command gets `killSignal`; how it ends is the result as ever. */
  signal?: AbortSignal;
  /** The signal that an abort sends; `SIGTERM` unless told. */
  killSignal?: NodeJS.Signals;
  /** Called once, when the trees are there and the command has been started. */
  onStart?: (command: StartedCommand) => void;
}

interface Planned {
  plan: MountPlan;
  inputs: Input[];
  words: readonly string[];
}

function program(options: PlanOptions): { words: string[]; program: ProgramRequest } {
  const { command, run: path, args = [] } = options;
  if (command !== undefined && path !== undefined) {
    throw new FuselageError('ERR_USAGE', '`command` and `run` exclude each other', {
      hints: ['`command` is a program of this host, `run` one out of the trees'],
    });
  }
  if (path !== undefined) {
    return { words: [...args], program: { kind: 'tree', path, arguments: [...args.keys()] } };
  }
  if (command === undefined) {
    throw new FuselageError('ERR_NO_COMMAND', 'there is no command to run', {
      hints: ['give `command`, or `run` for a program out of the trees'],
    });
  }
  return {
    words: [command, ...args],
    program: { kind: 'command', index: 0, nearSubcommand: null },
  };
}

function planned(options: PlanOptions): Planned {
  const { words, program: wanted } = program(options);
  const inputs = new Inputs(libraryCaller(options.env, options.cwd ?? null), addon);
  const request = runRequest(options, wanted, inputs);
  const plan = planRequest(request, gatherFacts(request, inputs, POLICY), POLICY);
  return { plan, inputs: inputs.recorded(), words };
}

/**
 * The plan of a run: what {@link run} would do, and why. Looks at the archives and at this host, and
 * does nothing.
 *
 * @throws {@link FuselageError} with the codes of usage, archives and home (`docs/errors.md`)
 */
export function planRun(options: PlanOptions): MountPlan {
  return planned(options).plan;
}

/**
 * Runs a command that sees archives as directories, and waits for its end. The process that is
 * started becomes the command: its pid is the command's. Without namespaces (`extract`) it stays as
 * the supervisor of the command, passes signals on to it and ends as it ended.
 *
 * Signals of this process are not passed on; a Ctrl-C in a terminal reaches the command by itself.
 *
 * @returns how the command ended; that it failed is no error
 * @throws {@link FuselageError} when the command could not be started; what `signal` was aborted
 *   with, if it was so before
 */
export async function run(options: RunOptions): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const { plan, inputs, words } = planned(options);
  return await launch({
    launcher: platform().launcher,
    answer: { answer: 'plan', plan, inputs },
    words,
    stdio: options.stdio ?? 'inherit',
    cwd: options.cwd,
    env: options.env,
    signal: options.signal,
    killSignal: options.killSignal ?? 'SIGTERM',
    onStart: options.onStart,
  });
}
