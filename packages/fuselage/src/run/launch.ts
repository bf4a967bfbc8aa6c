import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';

import { encodeAnswer } from '../ask/answer.js';
import { FRAME_LIMIT, HEADER_LENGTH } from '../ask/frame.js';
import { FuselageError } from '../errors.js';
import type { Answer } from '../native/plan-types.js';

/** One of the standard descriptors of the command, as `child_process.spawn` takes it. */
export type StdioEntry = 'inherit' | 'ignore' | 'pipe' | number | NodeJS.WritableStream | null;

/** Standard input, output and error of the command: one word for all, or one for each. */
export type StdioOption = 'inherit' | 'ignore' | 'pipe' | readonly StdioEntry[];

/** How a command ended: exactly one of the two is not null. */
export interface RunResult {
  /** Its exit status. */
  exitCode: number | null;
  /** The signal that killed it. */
  signal: NodeJS.Signals | null;
}

/** A command that has been started. */
export interface StartedCommand {
  /** The process to send signals to: the command, or without namespaces its supervisor. */
  pid: number;
  /** Its standard input, where `stdio` has a pipe there. */
  stdin: ChildProcess['stdin'];
  /** Its standard output, where `stdio` has a pipe there. */
  stdout: ChildProcess['stdout'];
  /** Its standard error, where `stdio` has a pipe there. */
  stderr: ChildProcess['stderr'];
}

/** What the launcher is started with. */
export interface Launch {
  /** The file of the launcher. */
  launcher: string;
  /** The plan, with what it rests on. */
  answer: Answer & { answer: 'plan' };
  /** The words that the plan has indices into. */
  words: readonly string[];
  /** Standard input, output and error. */
  stdio: StdioOption;
  /** The working directory; without it that of this process. */
  cwd?: string | undefined;
  /** The environment; without it that of this process. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Ends the command when it is aborted. */
  signal?: AbortSignal | undefined;
  /** The signal that is sent then. */
  killSignal: NodeJS.Signals;
  /** Called once the command has been started. */
  onStart?: ((command: StartedCommand) => void) | undefined;
}

const STANDARD_DESCRIPTORS = 3;

/**
 * Starts the launcher with a plan and waits for the command it becomes. The plan goes over a socket
 * on descriptor 3; what comes back is an error before the start, or the end: started.
 *
 * @throws FuselageError what the launcher reports, or `ERR_INTERNAL` when it cannot be started
 */
export async function launch(how: Launch): Promise<RunResult> {
  how.signal?.throwIfAborted();
  const child = spawn(how.launcher, ['--fuselage-execute', ...how.words], {
    stdio: [...standard(how.stdio), 'pipe'] as never,
    ...(how.cwd === undefined ? {} : { cwd: how.cwd }),
    ...(how.env === undefined ? {} : { env: how.env as NodeJS.ProcessEnv }),
  });
  const ended = exit(child);
  // A failure to start is told by `ended`, and must not be an unhandled rejection before that.
  ended.catch(() => undefined);
  const abort = () => void child.kill(how.killSignal);
  how.signal?.addEventListener('abort', abort, { once: true });
  try {
    // There is no socket when the launcher could not be started at all.
    const socket = child.stdio[STANDARD_DESCRIPTORS] as Duplex | undefined;
    const frame = socket === undefined ? null : await converse(socket, encodeAnswer(how.answer));
    if (frame !== null) {
      await ended;
      throw reported(frame);
    }
    if (child.pid !== undefined && how.onStart !== undefined) {
      const { pid, stdin, stdout, stderr } = child;
      how.onStart({ pid, stdin, stdout, stderr });
    }
    return await ended;
  } finally {
    how.signal?.removeEventListener('abort', abort);
  }
}

function standard(stdio: StdioOption): readonly StdioEntry[] {
  if (typeof stdio === 'string') return [stdio, stdio, stdio];
  if (stdio.length > STANDARD_DESCRIPTORS) {
    throw new FuselageError('ERR_USAGE', '`stdio` has more than three entries', {
      hints: ['descriptor 3 is used while the command is started'],
    });
  }
  return Array.from({ length: STANDARD_DESCRIPTORS }, (_, fd) => stdio[fd] ?? 'pipe');
}

function exit(child: ChildProcess): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
    child.once('error', (error) => {
      if (child.pid !== undefined) return;
      reject(
        new FuselageError('ERR_INTERNAL', `cannot start the launcher ${child.spawnfile}`, {
          causes: [error.message],
          hints: ['does the working directory (`cwd`) exist?', '`fuselage doctor` tells more'],
        }),
      );
    });
  });
}

/** Sends the plan; gives the frame that came back, or null: the command has been started. */
function converse(socket: Duplex, plan: Buffer): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const done = () => {
      const bytes = Buffer.concat(received);
      const whole = bytes.length >= HEADER_LENGTH && bytes.readUInt32LE() <= FRAME_LIMIT;
      resolve(whole ? bytes.subarray(HEADER_LENGTH) : null);
      socket.destroy();
    };
    socket.on('data', (bytes: Buffer) => received.push(bytes));
    socket.once('end', done);
    socket.once('close', done);
    // The launcher that ends early resets the socket; its exit tells all there is to tell.
    socket.on('error', done);
    socket.write(plan);
  });
}

function reported(frame: Buffer): FuselageError {
  try {
    const answer = JSON.parse(frame.toString('utf8')) as Answer;
    if (answer.answer === 'error') return FuselageError.fromReport(answer.error);
  } catch {
    // Told below.
  }
  return new FuselageError('ERR_INTERNAL', 'the launcher answered what is no error', {
    hints: ['install the npm package again, so that all its parts are of one version'],
  });
}
