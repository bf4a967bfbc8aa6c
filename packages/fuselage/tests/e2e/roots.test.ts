/** Root of every kind: of the host, of user namespaces, with and without CAP_SYS_ADMIN. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mountTest, otherUserTest, rootMountTest } from '../support/must-mount.js';
import { freshDirectory, frontDoor } from '../support/places.js';
import { type Caller, caller, type Ended, runFuselage } from '../support/run-fuselage.js';
import { tinySquashfs } from '../support/tiny-squashfs.js';
import { writeZip } from '../support/zip-file.js';

let zip: string;
let image: string;

beforeAll(() => {
  const directory = freshDirectory();
  zip = writeZip(join(directory, 'z.zip'), [{ name: 'a.txt', content: 'alpha\n' }]);
  image = join(directory, 'i.sfs');
  writeFileSync(image, tinySquashfs('hello.txt', 'hello\n'));
});

/** Runs `script` by sh, started by the words of `become`, through fuselage with `options`. */
function inside(who: Caller, become: string, options: string[], script: string): Ended {
  return started(who, become, [frontDoor, 'run', ...options, '--', 'sh', '-c', script]);
}

/** The same without fuselage. */
function outside(who: Caller, become: string, script: string): Ended {
  return started(who, become, ['sh', '-c', script]);
}

function started(who: Caller, become: string, words: string[]): Ended {
  const [program, ...rest] = [...become.split(' ').filter((word) => word !== ''), ...words];
  return runFuselage({ ...who, program: program as string }, rest);
}

const SETS = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];
const READ_SETS = 'grep ^Cap /proc/self/status';
const EMPTY = SETS.map((name) => `${name}:\t0000000000000000\n`).join('');
const USE =
  'cat "$FUSELAGE_STATIC/z/a.txt" "$FUSELAGE_STATIC/i/hello.txt" && echo x >"$FUSELAGE_DYNAMIC/w/b"';
const trees = () => ['-s', zip, '-s', image, '-d', `w:${zip}`];
const used = { status: 0, signal: null, stdout: 'alpha\nhello\n' };

const NO_SYS_ADMIN = 'setpriv --bounding-set=-sys_admin --inh-caps=-all --';
const AS_USER = 'setpriv --reuid=12345 --regid=12345 --clear-groups';

describe('root of a user namespace with CAP_SYS_ADMIN: a mount namespace, and no images', () => {
  for (const [become, test, uid] of [
    ['unshare --map-root-user', mountTest, undefined],
    ['unshare --map-root-user --mount', mountTest, undefined],
    ['unshare --map-root-user --pid --fork', mountTest, undefined],
    ['unshare --map-root-user --pid --fork --mount-proc', mountTest, undefined],
    ['unshare --map-root-user unshare --map-root-user', mountTest, undefined],
    ['unshare --map-root-user', rootMountTest, 0],
    ['unshare --map-root-user --mount --pid --fork --mount-proc', rootMountTest, 0],
  ] as const) {
    test(`${become}${uid === 0 ? ', as root' : ''}`, () => {
      const who = caller(uid);
      const ended = inside(who, become, ['--explain', ...trees()], USE);
      expect(ended).toMatchObject(used);
      const [namespaces] = ended.stderr.split('\n');
      expect(namespaces).toBe(
        'fuselage: namespaces: mount namespace (you are root of a user namespace and keep all ' +
          'capabilities, so that read-only is only advisory)',
      );
      expect(ended.stderr).toContain('root of a user namespace cannot mount image files');
      const sets = inside(who, become, [], READ_SETS);
      expect(sets).toEqual(outside(who, become, READ_SETS));
      expect(sets.stdout).toContain('CapEff:\t000001ff');
    });
  }
});

describe('root without CAP_SYS_ADMIN: a user namespace of its own, without capabilities', () => {
  for (const [become, test, uid] of [
    [NO_SYS_ADMIN, rootMountTest, 0],
    // What Docker leaves to root of a container.
    [
      'setpriv --bounding-set=-all,+chown,+dac_override,+fsetid,+fowner,+mknod,+net_raw,+setgid,' +
        '+setuid,+setfcap,+setpcap,+net_bind_service,+sys_chroot,+kill,+audit_write --inh-caps=-all --',
      rootMountTest,
      0,
    ],
    [`unshare --map-root-user ${NO_SYS_ADMIN}`, mountTest, undefined],
    [`unshare --map-root-user --pid --fork --mount-proc ${NO_SYS_ADMIN}`, mountTest, undefined],
    [`unshare --map-root-user unshare --map-root-user ${NO_SYS_ADMIN}`, mountTest, undefined],
  ] as const) {
    test(become, () => {
      const who = caller(uid);
      const ended = inside(who, become, ['--explain', ...trees()], USE);
      expect(ended).toMatchObject(used);
      expect(ended.stderr.split('\n')[0]).toBe(
        'fuselage: namespaces: user and mount namespace (you are root without CAP_SYS_ADMIN, and ' +
          'may mount only in one of your own)',
      );
      expect(inside(who, become, [], `${READ_SETS}; id -u; id -g`).stdout).toBe(`${EMPTY}0\n0\n`);
      expect(outside(who, become, READ_SETS).stdout).not.toBe(EMPTY);
    });
  }

  mountTest('nor CAP_SETFCAP, in a user namespace: the error that names it', () => {
    const become =
      'unshare --map-root-user setpriv --bounding-set=-sys_admin,-setfcap --inh-caps=-all --';
    const ended = inside(caller(), become, [], 'echo started');
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toContain('[ERR_USERNS_DENIED]');
    expect(ended.stderr).toContain(
      'cause: uid 0 can be mapped only by a process that had CAP_SETFCAP',
    );
    expect(ended.stderr).toContain('fix: Start it as an ordinary user.');
  });
});

describe('capability sets in a user namespace are empty', () => {
  const ambient = '--inh-caps=+chown,+net_admin --ambient-caps=+chown,+net_admin --';

  mountTest('of an ordinary user', () => {
    expect(inside(caller(), '', [], READ_SETS).stdout).toBe(EMPTY);
    expect(outside(caller(), '', READ_SETS).stdout).not.toBe(EMPTY);
  });

  for (const [name, become] of [
    ['of an ordinary user with ambient ones', `${AS_USER} ${ambient}`],
    [
      'of an ordinary user with CAP_SYS_ADMIN as an ambient one',
      `${AS_USER} --inh-caps=+sys_admin --ambient-caps=+sys_admin --`,
    ],
    [
      'of root with ambient ones and without CAP_SYS_ADMIN',
      'setpriv --bounding-set=-sys_admin --inh-caps=-all,+chown,+setfcap --ambient-caps=+chown --',
    ],
  ] as const) {
    rootMountTest(name, () => {
      const who = caller(0, { environment: { FUSELAGE_HOME: '' } });
      expect(outside(who, become, READ_SETS).stdout).toMatch(/CapAmb:\t0*[1-9a-f]/);
      const ended = inside(who, become, [], READ_SETS);
      expect(ended).toEqual({ status: 0, signal: null, stdout: EMPTY, stderr: '' });
    });
  }

  rootMountTest('and what root was given is kept where there is none', () => {
    const become = `setpriv ${ambient}`;
    const kept = inside(caller(0), become, [], READ_SETS);
    expect(kept).toEqual(outside(caller(0), become, READ_SETS));
    expect(kept.stdout).toMatch(/CapAmb:\t0*[1-9a-f]/);
  });
});

describe('what root gets of the caller', () => {
  rootMountTest('ids, groups and environment are as outside', () => {
    const who = caller(0, { environment: { LD_LIBRARY_PATH: '/nonexistent', TMPDIR: '/var/tmp' } });
    for (const become of ['', 'setpriv --groups=4,24,12345 --', 'unshare --map-root-user']) {
      const script =
        'id -G; id -u; id -g; grep -E "^([UG]id|Groups)" /proc/self/status; env | sort';
      const plain = outside(who, become, script);
      const { stdout, ...rest } = inside(who, become, [], script);
      expect(rest).toEqual({ status: 0, signal: null, stderr: '' });
      const ours = /^(FUSELAGE_TMPDIR|PWD|OLDPWD|SHLVL|_)=/;
      const told = (text: string) => text.split('\n').filter((line) => !ours.test(line));
      expect(told(stdout)).toEqual(told(plain.stdout));
      expect(stdout).toContain('FUSELAGE_TMPDIR=');
    }
  });

  otherUserTest('supplementary groups of an ordinary user give the access that they gave', () => {
    const directory = freshDirectory();
    const file = join(directory, 'of-group');
    const script = `umask 037; echo readable >'${file}'; chgrp 4711 '${file}'`;
    expect(outside(caller(0), '', script)).toMatchObject({ status: 0, stderr: '' });
    const who = caller(0, { directory: '/' });
    const read = `cat '${file}'; grep ^Groups: /proc/self/status`;
    const become = (groups: string) => `setpriv --reuid=12345 --regid=12345 ${groups} --`;
    const member = inside(who, become('--groups=4711,4712'), [], read);
    expect(member.stdout).toMatch(/^readable\nGroups:\t65534 65534 *\n$/);
    const other = inside(who, become('--groups=4712'), [], read);
    expect(other.stdout).not.toContain('readable');
  });
});

describe('read-only', () => {
  const remount = `cd "$FUSELAGE_STATIC/z" && cat a.txt && { echo x 2>/dev/null >new && echo written; true; }
    mount -o remount,bind,rw . 2>/dev/null && echo x >new && echo remounted`;

  rootMountTest('is advisory for root, and --explain says so', () => {
    const ended = inside(caller(0), '', ['--explain', '-s', zip], remount);
    expect(ended.stdout).toBe('alpha\nremounted\n');
    expect(ended.stderr).toContain(
      'namespaces: mount namespace (you are root and keep all capabilities, so that read-only is ' +
        'only advisory)',
    );
  });

  rootMountTest('holds for root without CAP_SYS_ADMIN', () => {
    const ended = inside(caller(0), NO_SYS_ADMIN, ['-s', zip], remount);
    expect(ended).toMatchObject({ status: 32, stdout: 'alpha\n' });
  });

  mountTest('holds for an ordinary user', () => {
    const ended = inside(caller(), '', ['-s', zip], remount);
    expect(ended.status).not.toBe(0);
    expect(ended.stdout).toBe('alpha\n');
  });
});
