import { frontDoor } from './places.js';
import { type Caller, type Ended, ordinaryUser, runFuselage } from './run-fuselage.js';

/**
 * Runs the sh script as root in a mount namespace of its own, so that what it mounts anywhere is seen
 * by nobody else and gone with it. In it `as_user WORD…` becomes the ordinary user, `$0` is the front
 * door. For a `rootMountTest` or an `otherUserTest`.
 */
export function inOwnMounts(who: Caller, script: string): Ended {
  const ids = `--reuid=${ordinaryUser} --regid=${ordinaryUser} --clear-groups`;
  const prelude = `as_user() { setpriv ${ids} -- "$@"; }\n`;
  const words = ['--mount', '--propagation', 'private', 'sh', '-euc', prelude + script, frontDoor];
  return runFuselage({ ...who, uid: 0, program: 'unshare' }, words);
}
