/**
 * Kernels and hosts that do not know or do not allow system calls that we make. The other tests of
 * this directory are run behind two of the lists by `FUSELAGE_TEST_WRAP`; here stands that the lists
 * do what they say, and what is behind the third.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiled } from '../support/compile.js';
import { type CallList, compileFiltered } from '../support/filtered.js';
import { mountTest, rootMountTest } from '../support/must-mount.js';
import { inOwnMounts } from '../support/own-mounts.js';
import { freshDirectory, frontDoor } from '../support/places.js';
import { type Caller, caller, ordinaryUser, runFuselage } from '../support/run-fuselage.js';
import { writeZip } from '../support/zip-file.js';

/** How calls with meaningless arguments are answered, behind nothing and behind each list. */
const ANSWERS: Record<'none' | CallList, Record<string, string>> = {
  none: {
    openat2: 'Invalid argument',
    statx: 'Bad address',
    clone3: 'Invalid argument',
    close_range: 'Invalid argument',
    mount_setattr: 'Invalid argument',
    LOOP_CONFIGURE: 'Bad file descriptor',
    LOOP_SET_FD: 'Bad file descriptor',
    unshare: 'done',
    mount: 'Bad address',
    'clone(CLONE_NEWUSER)': 'Invalid argument',
    'clone(CLONE_SIGHAND)': 'Invalid argument',
  },
  old: {
    openat2: 'Function not implemented',
    statx: 'Function not implemented',
    clone3: 'Function not implemented',
    close_range: 'Function not implemented',
    mount_setattr: 'Function not implemented',
    LOOP_CONFIGURE: 'Invalid argument',
  },
  refused: {
    openat2: 'Operation not permitted',
    statx: 'Operation not permitted',
    close_range: 'Operation not permitted',
    mount_setattr: 'Operation not permitted',
    LOOP_CONFIGURE: 'Invalid argument',
  },
  docker: {
    clone3: 'Function not implemented',
    mount_setattr: 'Operation not permitted',
    unshare: 'Operation not permitted',
    mount: 'Operation not permitted',
    'clone(CLONE_NEWUSER)': 'Operation not permitted',
  },
};

const behind = (list: CallList) => compileFiltered(freshDirectory(), list);

test.each(['none', 'old', 'refused', 'docker'] as const)('the list: %s', (list) => {
  const who = caller();
  const tried = compiled('tried');
  const ended =
    list === 'none'
      ? runFuselage({ ...who, program: tried }, [])
      : runFuselage({ ...who, program: behind(list) }, [tried]);
  const answers = ended.stdout
    .trim()
    .split('\n')
    .map((line) => line.split(': '));
  expect(ended.status).toBe(0);
  expect(Object.fromEntries(answers)).toEqual({ ...ANSWERS.none, ...ANSWERS[list] });
});

describe('where new calls are refused with EPERM', () => {
  const archives = () => {
    const place = freshDirectory();
    const tree = join(place, 'tree');
    mkdirSync(join(tree, 'deep/er'), { recursive: true });
    writeFileSync(join(tree, 'deep/er/a'), 'alpha\n');
    const zip = writeZip(join(place, 'tree.zip'), [{ name: 'deep/er/a', content: 'alpha\n' }]);
    const image = join(place, 'tree.sfs');
    const quiet = ['-quiet', '-no-progress', '-all-root'];
    execFileSync('mksquashfs', [tree, image, ...quiet]);
    const text = join(place, 'tree.b64');
    execFileSync('sh', ['-c', `base64 '${zip}' >'${text}'`]);
    return { zip, image, text };
  };
  const all = (who: Caller) => {
    const { zip, image, text } = archives();
    const trees = ['-s', `z:${zip}`, '-s', `i:${image}`, '-s', `t:${text}`, '-d', `d:${zip}`];
    const script = `cat "$FUSELAGE_STATIC"/*/deep/er/a "$FUSELAGE_DYNAMIC/d/deep/er/a"
      touch "$FUSELAGE_STATIC/i/x" 2>/dev/null || echo read-only; touch "$FUSELAGE_DYNAMIC/d/x"`;
    const words = [frontDoor, 'run', ...trees, '--', 'sh', '-c', script];
    return runFuselage({ ...who, program: behind('refused') }, words);
  };
  const good = { status: 0, stdout: `${'alpha\n'.repeat(4)}read-only\n`, stderr: '' };

  mountTest('an ordinary user’s run is as ever', () => {
    expect(all(caller())).toMatchObject(good);
  });

  rootMountTest('so is root’s, images mounted', () => {
    expect(all(caller(0))).toMatchObject(good);
  });

  mountTest('so are a run in a run, and one without a home', () => {
    const { zip } = archives();
    const inner = `exec '${frontDoor}' run -s 'z:${zip}' cat "$FUSELAGE_STATIC/z/deep/er/a"`;
    const words = [frontDoor, 'run', '-s', `z:${zip}`, '--', 'sh', '-c', inner];
    const nested = runFuselage({ ...caller(), program: behind('refused') }, words);
    expect(nested).toMatchObject({ status: 0, stdout: 'alpha\n', stderr: '' });
    const homeless = caller(undefined, { environment: { HOME: '/proc/no' } });
    const ended = runFuselage({ ...homeless, program: behind('refused') }, words);
    expect(ended).toMatchObject({ status: 0, stdout: 'alpha\n', stderr: '' });
  });
});

describe('Docker’s default profile in a container of Docker', () => {
  const inDocker = (list: CallList | null, words: string[]) => {
    const filtered = list === null ? '' : behind(list);
    // What is in `/` again, on a root directory that has Docker's mark.
    return inOwnMounts(
      caller(),
      `mount -t tmpfs -o mode=755 root "$HOME"; cd "$HOME"; touch .dockerenv
       for at in /*; do
         if [ -L "$at" ]; then cp -P "$at" .
         elif [ -d "$at" ]; then mkdir ".$at"; mount --rbind "$at" ".$at"; fi
       done
       mount --move . / && exec chroot . setpriv --reuid=${ordinaryUser} \
         --regid=${ordinaryUser} --clear-groups ${filtered} "$0" ${words.join(' ')}`,
    );
  };
  const cause =
    "A seccomp filter is active (Seccomp: 2 in /proc/self/status); Docker's default one forbids new";

  rootMountTest('a run says that it is that, and what to start Docker with', () => {
    const ended = inDocker('docker', ['run', 'echo', 'started']);
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toContain('[ERR_USERNS_DENIED]');
    expect(ended.stderr).toContain(cause);
    const fix = 'docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined';
    expect(ended.stderr).toContain(fix);
  });

  rootMountTest('and so does doctor', () => {
    const ended = inDocker('docker', ['doctor']);
    expect(ended.status).toBe(1);
    expect(ended.stdout).toMatch(/^FAIL +user-namespace .*\[ERR_USERNS_DENIED\]$/m);
    expect(ended.stdout).toContain(cause);
  });

  rootMountTest('with its answer the run works', () => {
    const ended = inDocker(null, ['run', 'echo', 'started']);
    expect(ended).toMatchObject({ status: 0, stdout: 'started\n', stderr: '' });
  });
});
