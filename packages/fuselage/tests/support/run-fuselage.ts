import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { freshHome, frontDoor } from './places.js';

const asRoot = process.getuid?.() === 0;

/**
 * An ordinary user: of root's tests one without an entry in the password database (65534 would hide
 * faults), else who runs the tests.
 */
export const ordinaryUser = asRoot ? 12345 : (process.getuid?.() ?? 0);

/** The group of {@link ordinaryUser}. */
export const ordinaryGroup = asRoot ? ordinaryUser : (process.getgid?.() ?? 0);

/** Who calls, and with what. */
export interface Caller {
  /** Real and effective user and group id; no supplementary groups. */
  uid: number;
  /** `HOME`. */
  home: string;
  /** Variables beside `HOME` and `PATH`. */
  environment?: Record<string, string>;
  /** The working directory; the home by default. */
  directory?: string;
  /** What is started in place of the checkout's front door. */
  program?: string;
}

/** A caller with a new home. */
export function caller(uid = ordinaryUser, more: Partial<Caller> = {}): Caller {
  return { uid, home: freshHome(uid), ...more };
}

/** How a run ended, and what it wrote. */
export interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

function spawnOptions(who: Caller) {
  return {
    cwd: who.directory ?? who.home,
    env: { HOME: who.home, PATH: process.env.PATH ?? '/usr/bin:/bin', ...who.environment },
    // Only root may become somebody else; anybody else runs as what they are.
    ...(asRoot ? { uid: who.uid, gid: who.uid } : {}),
  };
}

/** Runs fuselage with `words` to its end. */
export function runFuselage(who: Caller, words: string[], input: string | Buffer = ''): Ended {
  const result: SpawnSyncReturns<Buffer> = spawnSync(who.program ?? frontDoor, words, {
    ...spawnOptions(who),
    input,
    maxBuffer: 1 << 28,
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  if (result.error !== undefined) {
    throw result.error;
  }
  return {
    status: result.status,
    signal: result.signal,
    stdout: result.stdout.toString(),
    stderr: result.stderr.toString(),
  };
}

/** Starts fuselage with `words` and returns the child with a promise of its end. */
export function startFuselage(who: Caller, words: string[], detached = false) {
  const child = spawn(who.program ?? frontDoor, words, {
    ...spawnOptions(who),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
  });
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (bytes: Buffer) => {
    written.stdout += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    written.stderr += bytes.toString();
  });
  const ended: Promise<Ended> = once(child, 'close').then(([status, signal]) => ({
    status,
    signal,
    ...written,
  }));
  return { child, written, ended };
}
