import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshDirectory, freshHome, frontDoor } from './places.js';
import { currentScope, unlessDenied } from './wrap.js';

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
  /** A password database that the caller sees in place of the host's; only root can arrange it. */
  passwordDatabase?: string;
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

/** The password database of this host with an entry of `uid`, whose home is `home`. */
export function passwordDatabase(uid: number, home: string): string {
  const file = join(freshDirectory(), 'passwd');
  const entry = `known:x:${uid}:${uid}::${home}:/bin/sh\n`;
  writeFileSync(file, readFileSync('/etc/passwd', 'utf8') + entry);
  return file;
}

/** How a run ended, and what it wrote. */
export interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Mounts $1 over the password database, then becomes user and group $2 and executes the rest. */
const withDatabase =
  'mount --bind "$1" /etc/passwd && id=$2 && shift 2 && ' +
  'exec setpriv --reuid="$id" --regid="$id" --clear-groups -- "$@"';

function command(who: Caller, words: string[]): [program: string, words: string[]] {
  const program = who.program ?? frontDoor;
  if (who.passwordDatabase === undefined) return [program, words];
  const arguments_ = [who.passwordDatabase, String(who.uid), program, ...words];
  return ['unshare', ['--mount', 'sh', '-c', withDatabase, '-', ...arguments_]];
}

function spawnOptions(who: Caller) {
  const becomesUser = asRoot && who.passwordDatabase === undefined;
  return {
    cwd: who.directory ?? who.home,
    env: { HOME: who.home, PATH: process.env.PATH ?? '/usr/bin:/bin', ...who.environment },
    // Only root may become somebody else; anybody else runs as what they are.
    ...(becomesUser ? { uid: who.uid, gid: who.uid } : {}),
  };
}

/** Runs fuselage with `words` to its end. */
export function runFuselage(who: Caller, words: string[], input: string | Buffer = ''): Ended {
  const result: SpawnSyncReturns<Buffer> = spawnSync(...command(who, words), {
    ...spawnOptions(who),
    input,
    maxBuffer: 1 << 28,
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  // Not even what was written is there of a program that was not started.
  const ended = unlessDenied({
    status: result.status,
    signal: result.signal,
    stdout: result.stdout?.toString() ?? '',
    stderr: result.stderr?.toString() ?? '',
  });
  if (result.error !== undefined) {
    throw result.error;
  }
  return ended;
}

/** Starts fuselage with `words` and returns the child with a promise of its end. */
export function startFuselage(who: Caller, words: string[], detached = false) {
  const scope = currentScope();
  const child = spawn(...command(who, words), {
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
  const ended: Promise<Ended> = once(child, 'close').then(([status, signal]) =>
    unlessDenied({ status, signal, ...written }, scope),
  );
  // Who waits for something else is told by that (`throwIfDenied`).
  ended.catch(() => {});
  return { child, written, ended };
}
