import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkoutFrontDoor, checkoutLauncher } from './checkout.js';
import { wrapped } from './wrap.js';

export { root } from './checkout.js';

/** The front door of the checkout's build, behind the filter where there is one. */
export const frontDoor = wrapped('frontDoor', checkoutFrontDoor);

/** The launcher of the checkout's build, likewise. */
export const launcher = wrapped('launcher', checkoutLauncher);

const made: string[] = [];

/**
 * Makes `owner` the owner of `path`. Only root can give something away; anybody else has it already
 * and needs a `rootTest` for what is somebody else's.
 */
export function give(path: string, owner: number): void {
  const own = process.getuid?.() ?? 0;
  if (own === 0) chownSync(path, owner, owner);
  else if (own !== owner) throw new Error(`only root can give ${path} to uid ${owner}`);
}

/** A new directory outside of the checkout, 0755, of this user; removed after the test file. */
export function freshDirectory(owner = process.getuid?.() ?? 0): string {
  const path = mkdtempSync(join(tmpdir(), 'fuselage-test-'));
  made.push(path);
  chmodSync(path, 0o755);
  give(path, owner);
  return path;
}

/** A new home for `owner`: a directory of its own that nobody else's run knows. */
export function freshHome(owner: number): string {
  const home = join(freshDirectory(owner), 'home');
  mkdirSync(home, { mode: 0o700 });
  give(home, owner);
  return home;
}

afterAll(() => {
  for (const path of made.splice(0)) {
    rmSync(path, { recursive: true, force: true });
  }
});
