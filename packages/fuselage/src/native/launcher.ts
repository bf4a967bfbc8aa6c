import { spawnSync } from 'node:child_process';

/** What the launcher says it is. */
export type LauncherVersion = { version: string } | { failure: string };

/** Long enough for any disk; a launcher that hangs must not hang `fuselage doctor`. */
const TIMEOUT_MS = 10_000;

/** Asks the launcher for its version. */
export function launcherVersion(launcher: string): LauncherVersion {
  const { error, status, signal, stdout } = spawnSync(launcher, ['--fuselage-version'], {
    // Nothing that would need /dev/null.
    stdio: 'pipe',
    timeout: TIMEOUT_MS,
    encoding: 'utf8',
  });
  if (error !== undefined) return { failure: error.message };
  if (status !== 0) return { failure: `it ended with ${signal ?? `exit status ${status}`}` };
  return { version: stdout.trim() };
}
