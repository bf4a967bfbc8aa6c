/** What the host mounts and unmounts while a run lives, where it shares all its mounts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loopTest } from '../support/must-mount.js';
import { inOwnMounts } from '../support/own-mounts.js';
import { freshDirectory, give } from '../support/places.js';
import { caller, type Ended, ordinaryUser } from '../support/run-fuselage.js';
import { tinySquashfs } from '../support/tiny-squashfs.js';
import { writeZip } from '../support/zip-file.js';

/**
 * In a mount namespace whose mounts are all shared: `run` starts its words on the script that
 * follows them. Meanwhile the host unmounts an image and mounts something else.
 */
function meanwhile(uid: number, run: (zip: string) => string): Ended {
  const directory = freshDirectory(uid);
  const image = join(directory, 'i.sfs');
  writeFileSync(image, tinySquashfs('hello.txt', 'hello\n'));
  const zip = writeZip(join(directory, 'z.zip'), [{ name: 'a.txt', content: 'alpha\n' }]);
  give(zip, uid);
  return inOwnMounts(
    caller(uid),
    `mount --make-rshared /
    cd '${directory}'
    mkdir image later flags
    chown ${uid} flags
    mount -o loop,ro i.sfs image
    cat /proc/self/mountinfo >before
    ${run(zip)} sh -c '
      cat image/hello.txt
      echo >flags/ready; until [ -e flags/go ]; do sleep 0.02; done
      [ -e image/hello.txt ] && echo still mounted
      cat later/file' &
    until [ -e flags/ready ]; do kill -0 $!; sleep 0.02; done
    cmp before /proc/self/mountinfo || echo left the run
    umount image
    mount -t tmpfs later later; echo arrived >later/file
    # The kernel lets go of a device a moment after its last mount.
    for _ in 1 2 3 4 5 6 7 8 9; do [ "$(losetup -j i.sfs)" ] && sleep 0.1; done
    [ "$(losetup -j i.sfs)" ] && echo device is busy
    touch flags/go
    wait $!`,
  );
}

const AS_EXPECTED = { status: 0, signal: null, stdout: 'hello\narrived\n', stderr: '' };

for (const [name, uid, become] of [
  ['root', 0, ''],
  ['an ordinary user', ordinaryUser, 'as_user'],
  ['root of a user namespace', ordinaryUser, 'as_user unshare --map-root-user'],
  ['root without CAP_SYS_ADMIN', 0, 'setpriv --bounding-set=-sys_admin --inh-caps=-all --'],
] as const) {
  loopTest(`${name}: mounts of the host arrive and go, and its devices are free`, () => {
    expect(meanwhile(uid, (zip) => `${become} "$0" run -s '${zip}'`)).toEqual(AS_EXPECTED);
  });
}

loopTest('a mount namespace that is no slave would be seen', () => {
  const ended = meanwhile(0, () => 'unshare --mount --propagation private');
  expect(ended.stdout).toBe('hello\ndevice is busy\nstill mounted\n');
});
