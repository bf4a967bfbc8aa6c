/** `--extract=allow`: real files where the namespaces are refused, and nowhere else. */
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { compiled } from '../support/compile.js';
import { mountTest, rootMountTest } from '../support/must-mount.js';
import { frontDoor } from '../support/places.js';
import { left, sh, writeArchives } from '../support/real-files.js';
import { type Caller, caller, ordinaryUser, runFuselage } from '../support/run-fuselage.js';
import { namespacesDenied } from '../support/wrap.js';

let words: string;
let damaged: string;

beforeAll(() => {
  ({ words, damaged } = writeArchives());
});

describe('allow', () => {
  const inside = (who: Caller, how: string, rest: string[]) =>
    runFuselage({ ...who, program: compiled('refused') }, [...how.split(' '), frontDoor, ...rest]);
  const script = 'id -u; readlink /proc/self/ns/mnt; cat "$FUSELAGE_STATIC/words/a.txt"';

  for (const [how, cause] of [
    ['no-user-namespaces', /max_user_namespaces/],
    ['no-mount-namespaces', /max_mnt_namespaces/],
    ['seccomp unshare=EPERM', /seccomp/],
    ['seccomp mount=EPERM', /seccomp/],
  ] as const) {
    mountTest(`${how}: real files, one warning with the cause, the real uid`, () => {
      const who = caller();
      const allowed = inside(who, how, ['run', '--extract=allow', '-s', words, ...sh(script)]);
      expect(allowed.status).toBe(0);
      const [uid, namespace, content] = allowed.stdout.split('\n');
      expect([uid, content]).toEqual([String(ordinaryUser), 'alpha']);
      expect(namespace).toBe(readlinkSync('/proc/self/ns/mnt'));
      expect(allowed.stderr).toMatch(/^fuselage: real files are used instead of mounts: .*\n$/);
      // A filter around everything is met before what is arranged here.
      expect(allowed.stderr).toMatch(namespacesDenied ? /seccomp/ : cause);
      expect(left(who)).toEqual([]);

      const denied = inside(who, how, ['run', '-s', words, 'echo', 'started']);
      expect(denied).toMatchObject({ status: 125, stdout: '' });
      expect(denied.stderr).toContain('--extract=allow');
      const preferred = inside(who, how, ['run', '--extract=prefer', '-s', words, ...sh(script)]);
      expect(preferred).toMatchObject({ status: 0, stderr: '' });
    });
  }

  rootMountTest('root that may not enter a mount namespace falls back, too', () => {
    const who = caller(0);
    const run = (policy: string) =>
      inside(who, 'seccomp unshare=EPERM', [
        'run',
        `--extract=${policy}`,
        '-s',
        words,
        ...sh(script),
      ]);
    const allowed = run('allow');
    expect(allowed.status).toBe(0);
    expect(allowed.stdout).toBe(`0\n${readlinkSync('/proc/self/ns/mnt')}\nalpha\n`);
    expect(allowed.stderr).toMatch(/^fuselage: real files are used instead of mounts: .*\n$/);
    // Whoever may mount prefers that, and is not asked again.
    for (const policy of ['deny', 'prefer']) expect(run(policy).status).toBe(125);
    expect(left(who)).toEqual([]);
  });

  mountTest('namespaces where they are allowed, without a word', () => {
    const who = caller();
    const ended = runFuselage(who, ['run', '--extract=allow', '-s', words, ...sh(script)]);
    expect(ended.status).toBe(0);
    if (namespacesDenied) {
      expect(ended.stderr).toMatch(/^fuselage: real files are used instead .*seccomp filter.*\n$/);
      expect(ended.stdout).toContain(`${readlinkSync('/proc/self/ns/mnt')}\nalpha\n`);
      return;
    }
    expect(ended.stderr).toBe('');
    expect(ended.stdout).not.toContain(readlinkSync('/proc/self/ns/mnt'));
    expect(readdirSync(join(who.home, '.fuselage'))).toEqual(['procdirs']);
  });

  mountTest('the probe leaves no trace in the command', () => {
    const who = caller();
    const program = compiled('probe');
    const run = runFuselage({ ...who, program: compiled('starter') }, [
      ...[frontDoor, 'run', '--extract=allow', '--', program],
    ]);
    expect(run.stdout).toContain('children user 0.000000 system 0.000000');
  });

  mountTest('what fails later than the probe is an error', () => {
    const who = caller();
    const ended = runFuselage(who, ['run', '--extract=allow', '-s', damaged, 'echo', 'started']);
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toContain('[ERR_ARCHIVE_DAMAGED]');
    expect(left(who)).toEqual([]);
  });
});
