/** Where the kernel refuses what a run needs: the run and `fuselage doctor` say the same of it. */
import { chmodSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { compiled } from '../support/compile.js';
import {
  landlockTest,
  mountTest,
  otherUserTest,
  rootLandlockTest,
  rootMountTest,
} from '../support/must-mount.js';
import { inOwnMounts } from '../support/own-mounts.js';
import { packedInstall } from '../support/packed-install.js';
import { freshDirectory, frontDoor, launcher as ownLauncher } from '../support/places.js';
import { check, expectContent, expectNamed, report, type Start } from '../support/refusals.js';
import { type Caller, caller, ordinaryUser, runFuselage } from '../support/run-fuselage.js';

const OUTSIDE_OF_DOCKER = /RestrictNamespaces=|seccomp=unconfined|seccompProfile/;

let refused: string;

beforeAll(() => {
  refused = compiled('refused');
});

/** Behind a program that arranges it: `refused` of programs/refused.c, or another. */
function behind(how: string, who: () => Caller): Start {
  return (words) => {
    const [first, ...rest] = how.split(' ') as [string, ...string[]];
    const program = first === 'refused' ? refused : first;
    return runFuselage({ ...who(), program }, [...rest, frontDoor, ...words]);
  };
}

/** Where root has arranged it, as `become` makes it of root. */
function after(arrange: string, become: string, who: () => Caller): Start {
  return (words) => {
    const quoted = words.map((word) => `'${word}'`).join(' ');
    return inOwnMounts(who(), `${arrange}\n${become} "$0" ${quoted}`);
  };
}

/** Everything of the host below a directory, which is the root directory then. */
const chroot = (directory: string) => `
  cd '${directory}'
  for entry in /*; do
    if [ -L "$entry" ]; then cp -Pf "$entry" .
    elif [ -d "$entry" ]; then mkdir -p ".$entry"; mount --rbind "$entry" ".$entry"; fi
  done`;
const userInChroot = 'chroot . setpriv --reuid=12345 --regid=12345 --clear-groups --';
const noProc = 'mount -t tmpfs none /proc';
const readOnlyProc = 'mount -o remount,bind,ro /proc';
const foreignProc = 'unshare --pid --fork mount -t proc proc /proc';
const noCapabilities = 'setpriv --bounding-set=-all --inh-caps=-all --';

describe('an ordinary user', () => {
  const who = caller;

  for (const [how, test, cause, fix] of [
    ['refused no-user-namespaces', mountTest, /max_user_namespaces is 0/, /sysctl -w user\.max_u/],
    ['refused no-mount-namespaces', mountTest, /max_mnt_namespaces is 0/, /sysctl -w user\.max_m/],
    ['refused nested', mountTest, /allows 32 inside each other/, /from outside/],
    ['refused seccomp unshare=EPERM', mountTest, /seccomp filter/, OUTSIDE_OF_DOCKER],
    ['refused seccomp unshare=ENOSYS', mountTest, /seccomp filter/, OUTSIDE_OF_DOCKER],
    ['refused seccomp mount=EPERM', mountTest, /seccomp filter/, OUTSIDE_OF_DOCKER],
    ['refused seccomp mount=ENOSYS', mountTest, /seccomp filter/, OUTSIDE_OF_DOCKER],
    ['refused landlock', landlockTest, /Landlock/, /outside the program that restricted/],
    ['unshare --user', mountTest, /has no mapping in the user namespace/, /newuidmap/],
    [`unshare --map-user=${ordinaryUser}`, mountTest, /has no mapping/, /--extract=allow/],
  ] as const) {
    test(`${how}: a run ends with 125 and the text of doctor`, () => {
      expectNamed(behind(how, who), 'user-namespace', cause, fix);
    });
  }

  for (const [name, arrange, become, cause, fix] of [
    ['in a chroot', chroot, userInChroot, /is in a chroot/, /pivot_root/],
    [
      'in a chroot that is a mount',
      (directory: string) => `mount -t tmpfs root '${directory}' ${chroot(directory)}`,
      userInChroot,
      /may be in a chroot/,
      /pivot_root/,
    ],
    ['without /proc', () => noProc, 'as_user', /No proc file system/, /mount -t proc/],
    ['with a read-only /proc', () => readOnlyProc, 'as_user', /read-only/, /remount,rw \/proc/],
    [
      'with the /proc of others',
      () => foreignProc,
      'as_user',
      /another pid namespace/,
      /mount -t proc/,
    ],
  ] as const) {
    otherUserTest(`${name}: a run ends with 125 and the text of doctor`, () => {
      const start = (words: string[]) => after(arrange(freshDirectory()), become, who)(words);
      expectNamed(start, 'user-namespace', cause, fix);
    });
  }

  mountTest(
    'with a launcher that may not be read: a run ends with 125 and the text of doctor',
    () => {
      const { bin, directory } = packedInstall();
      const launcher = join(directory, 'node_modules/@fuselage', basename(dirname(ownLauncher)));
      const program = join(launcher, basename(ownLauncher));
      const start = (words: string[]) => runFuselage({ ...who(), program: bin }, words);
      expectContent(start);
      chmodSync(program, 0o111);
      const fix = new RegExp(`chmod a\\+r ${program}`);
      expectNamed(start, 'user-namespace', /may execute but not read/, fix);
    },
  );

  mountTest('where nothing is refused, both are content', () => {
    for (const how of [
      'refused allowed',
      // A filter, and one that lets everything through that is needed.
      'refused seccomp get-free',
      'unshare --user --map-current-user',
    ]) {
      expectContent(behind(how, who));
    }
    const filtered = report(behind('refused seccomp get-free', who));
    expect(check(filtered, 'seccomp').detail).toBe('a filter is active and allows what is needed');
    const unfiltered = report(behind('refused seccomp unshare=EPERM', who));
    expect(check(unfiltered, 'seccomp')).toMatchObject({ ok: false, code: 'ERR_USERNS_DENIED' });
  });

  mountTest('a filter that is not the reason is not taken for it', () => {
    const words = ['seccomp', 'get-free', refused, 'no-user-namespaces', frontDoor];
    const start: Start = (more) => runFuselage({ ...who(), program: refused }, [...words, ...more]);
    expectNamed(start, 'user-namespace', /max_user_namespaces is 0/, /sysctl/);
    expect(check(report(start), 'seccomp')).toMatchObject({ ok: true });
  });
});

describe('root', () => {
  const who = () => caller(0);

  for (const [how, test, cause, fix] of [
    ['refused seccomp unshare=EPERM', rootMountTest, /seccomp filter/, OUTSIDE_OF_DOCKER],
    ['refused seccomp unshare=ENOSYS', rootMountTest, /seccomp filter/, OUTSIDE_OF_DOCKER],
    ['refused seccomp mount=EPERM', rootMountTest, /seccomp filter/, OUTSIDE_OF_DOCKER],
    ['refused seccomp mount=ENOSYS', rootMountTest, /seccomp filter/, OUTSIDE_OF_DOCKER],
    ['refused landlock', rootLandlockTest, /Landlock/, /outside the program that restricted/],
  ] as const) {
    test(`${how}: a run ends with 125 and the text of doctor`, () => {
      expectNamed(behind(how, who), 'tmpfs', cause, fix);
    });
  }

  for (const [name, arrange, become, cause, fix] of [
    ['in a chroot', chroot, 'chroot .', /no mount point/, /mount --bind DIRECTORY DIRECTORY/],
    ['without /proc', () => noProc, '', /No proc file system/, /mount -t proc/],
    ['with the /proc of others', () => foreignProc, '', /another pid namespace/, /mount -t proc/],
  ] as const) {
    rootMountTest(`${name}: a run ends with 125 and the text of doctor`, () => {
      const start = (words: string[]) => after(arrange(freshDirectory()), become, who)(words);
      expectNamed(start, 'tmpfs', cause, fix);
    });
  }

  rootMountTest('without CAP_SETFCAP and CAP_SYS_ADMIN: as a user who may not map uid 0', () => {
    const start = behind(noCapabilities, who);
    expectNamed(start, 'user-namespace', /CAP_SETFCAP/, /ordinary user/);
  });

  otherUserTest('of a user namespace that has no mount namespaces left', () => {
    const become = `as_user unshare --map-root-user sh -c '
      echo 0 >/proc/sys/user/max_mnt_namespaces; exec "$@"' sh`;
    const start = after('', become, caller);
    expectNamed(start, 'tmpfs', /max_mnt_namespaces is 0/, /sysctl -w user\.max_m/);
  });

  rootMountTest('where nothing is refused, both are content', () => {
    const directory = freshDirectory();
    const bound = `mount --bind '${directory}' '${directory}' ${chroot(directory)}`;
    for (const [arrange, become] of [
      // What the fix says.
      [bound, 'chroot .'],
      // No id map is written.
      [readOnlyProc, ''],
      ['', 'unshare --pid --fork'],
    ] as const) {
      expectContent(after(arrange, become, who));
    }
  });
});
