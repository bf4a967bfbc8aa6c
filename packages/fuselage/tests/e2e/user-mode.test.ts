import {
  chmodSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { mountTest, otherUserTest, rootMountTest } from '../support/must-mount.js';
import { inOwnMounts } from '../support/own-mounts.js';
import { freshDirectory, freshHome, frontDoor, give } from '../support/places.js';
import {
  type Caller,
  caller,
  ordinaryGroup,
  ordinaryUser,
  passwordDatabase,
  runFuselage,
  startFuselage,
} from '../support/run-fuselage.js';
import { writeZip } from '../support/zip-file.js';

const sh = (script: string) => ['--', 'sh', '-c', script];
let words: string;

beforeAll(() => {
  words = writeZip(join(freshDirectory(), 'words.zip'), [{ name: 'a.txt', content: 'alpha\n' }]);
});

describe('namespaces', () => {
  mountTest('the id maps are the identity, of this user and group alone', () => {
    const script = `cd /proc/self; cat uid_map gid_map | tr -s ' '; cat setgroups; id -u; id -g`;
    const ended = runFuselage(caller(), ['run', ...sh(script)]);
    expect(ended.stdout).toBe(
      ` ${ordinaryUser} ${ordinaryUser} 1\n ${ordinaryGroup} ${ordinaryGroup} 1\n` +
        `deny\n${ordinaryUser}\n${ordinaryGroup}\n`,
    );
  });

  for (const [name, become, test] of [
    ['an ordinary user', 'as_user', otherUserTest],
    ['root', '', rootMountTest],
  ] as const) {
    test(`of ${name}: later mounts of the host arrive, those of the run do not leave`, () => {
      const who = caller(become === '' ? 0 : ordinaryUser);
      // The home is on a shared mount: what a run mounts there would arrive at the host.
      const ended = inOwnMounts(
        who,
        `mount -t tmpfs -o mode=755 shared "$HOME"; mount --make-shared "$HOME"; cd "$HOME"
       mkdir -m 755 later own; chown ${who.uid}:${who.uid} own
       export FUSELAGE_HOME="$HOME/own/home"
       ${become} timeout 20 "$0" run -s '${words}' -- sh -c '
         echo ready >own/ready
         until [ -e later/file ]; do sleep 0.02; done; cat later/file "$FUSELAGE_STATIC/words/a.txt"
       ' &
       until [ -e own/ready ]; do kill -0 $!; sleep 0.02; done
       grep -c procdirs /proc/self/mountinfo || true
       mount -t tmpfs later later; echo arrived >later/new; mv later/new later/file
       wait $!`,
      );
      expect(ended).toMatchObject({ status: 0, stderr: '', stdout: '0\narrived\nalpha\n' });
    });
  }

  mountTest('the mounts are the documented ones', () => {
    const who = caller();
    const ended = runFuselage(who, ['run', '-s', words, 'cat', '/proc/self/mountinfo']);
    const ours = ended.stdout
      .split('\n')
      .filter((line) => line.includes('/.fuselage/'))
      .map((line) => {
        const [, , , , target, flags, ...rest] = line.split(' ');
        const name = rest.slice(rest.indexOf('-') + 1, rest.indexOf('-') + 3).join(' ');
        const below = target
          ?.slice(target.indexOf('/.fuselage'))
          .replace(/procdirs\/\d+/, 'procdirs/PID');
        return `${below} ${flags
          ?.split(',')
          .filter((flag) => flag !== 'relatime')
          .join(',')} ${name}`;
      });
    expect(ours).toEqual([
      '/.fuselage/procdirs rw,nosuid,nodev tmpfs fuselage-procdirs',
      '/.fuselage/procdirs/PID rw,nosuid,nodev tmpfs fuselage',
      '/.fuselage/procdirs/PID/static/words ro,nosuid,nodev tmpfs fuselage',
    ]);
  });
});

describe('nested runs', () => {
  mountTest('three, each exec’ed by the one before under one pid, see all trees', () => {
    const who = caller();
    const run = (name: string) => [frontDoor, 'run', '-s', `${name}:${words}`];
    const script = `
      dirname "$FUSELAGE_STATIC"; ls "$FUSELAGE_STATIC"; echo "d=$FUSELAGE_DYNAMIC"
      cd "$HOME/.fuselage/procdirs" && cat */*/*/a.txt; ls | wc -l`;
    const ended = runFuselage(who, [
      'run',
      '-d',
      `zero:${words}`,
      ...run('one'),
      ...run('two'),
      ...sh(script),
    ]);
    expect(ended.stderr).toBe('');
    const [procdir, ...rest] = ended.stdout.trim().split('\n');
    expect(procdir).toMatch(/\/procdirs\/\d+\.2$/);
    // The outermost one had a dynamic tree alone; its variable is cleared.
    expect(rest).toEqual(['two', 'd=', 'alpha', 'alpha', 'alpha', '3']);
    expect(readdirSync(join(who.home, '.fuselage/procdirs'))).toEqual([]);
  });

  mountTest('a directory of the same pid that is there already is not used', () => {
    const who = caller();
    const script = `cd "$FUSELAGE_TMPDIR/../.."
      sh -c 'mkdir $$; exec "$0" run -s "$1" sh -c "$2"' '${frontDoor}' '${words}' '
        echo "$FUSELAGE_STATIC"; cat "$FUSELAGE_STATIC"/*/*'`;
    const ended = runFuselage(who, ['run', ...sh(script)]);
    expect(ended.stdout).toMatch(/\/procdirs\/\d+\.1\/static\nalpha\n$/);
  });
});

describe('home', () => {
  mountTest('is made 0700 and a wider one is tightened', () => {
    const who = caller();
    expect(runFuselage(who, ['run', 'true']).status).toBe(0);
    const home = join(who.home, '.fuselage');
    const mode = () => statSync(home).mode & 0o7777;
    expect(mode()).toBe(0o700);
    chmodSync(home, 0o777);
    expect(runFuselage(who, ['run', 'true']).status).toBe(0);
    expect(mode()).toBe(0o700);
  });

  const at = (who: Caller, home: string) =>
    runFuselage({ ...who, environment: { FUSELAGE_HOME: home } }, [
      'run',
      ...sh('echo "$FUSELAGE_TMPDIR"'),
    ]);

  mountTest('FUSELAGE_HOME takes its place and must be absolute', () => {
    const who = caller();
    const own = join(freshDirectory(who.uid), 'deep', 'own');
    expect(at(who, own).stdout).toMatch(new RegExp(`^${own}/procdirs/\\d+/tmp\n$`));
    expect(at(who, 'relative/home')).toMatchObject({ status: 125, stdout: '' });
    expect(at(who, 'relative/home').stderr).toContain('ERR_HOME_RELATIVE');
  });

  otherUserTest('one of somebody else is refused and left alone', () => {
    const foreign = freshDirectory(4321);
    expect(at(caller(), foreign).stderr).toContain('ERR_HOME_OWNER');
    expect(statSync(foreign).uid).toBe(4321);
    // The twin: whose it is may use it.
    expect(at(caller(4321), foreign)).toMatchObject({ status: 0, stderr: '' });
  });

  mountTest('no usable one: the trees are at /run/fuselage, and nothing is made there', () => {
    const who = caller();
    const before = readdirSync('/run').includes('fuselage');
    const ended = runFuselage({ ...who, environment: { HOME: '/proc/no' } }, [
      'run',
      '-s',
      words,
      ...sh('echo "$FUSELAGE_STATIC"; cat "$FUSELAGE_STATIC/words/a.txt"'),
    ]);
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toMatch(/^\/run\/fuselage\/\d+\/static\nalpha\n$/);
    expect(readdirSync('/run').includes('fuselage')).toBe(before);
  });

  mountTest('FUSELAGE_HOME that cannot be used: an error, and nothing takes its place', () => {
    const ended = at(caller(), '/proc/no/home');
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toContain('[ERR_HOME_UNUSABLE]');
    expect(ended.stderr).toMatch(/\n {2}cause: .*\/proc/);
    expect(ended.stderr).toMatch(/\n {2}fix: set FUSELAGE_HOME to a directory of your own/);
  });

  otherUserTest('no usable one, and /run/fuselage is there: it is mounted on', () => {
    const script = (make: string) =>
      `mount -t tmpfs run /run; ${make}
       export HOME=/proc/no
       as_user "$0" run -s '${words}' -- sh -c 'echo "$FUSELAGE_STATIC"; cat "$FUSELAGE_STATIC"/*/*'`;
    const make = 'mkdir -m 755 /run/fuselage; echo kept >/run/fuselage/kept';
    const ended = inOwnMounts(
      caller(),
      `${script(make)}; ls /run/fuselage; cat /run/fuselage/kept`,
    );
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    expect(ended.stdout).toMatch(/^\/run\/fuselage\/\d+\/static\nalpha\nkept\nkept\n$/);
    for (const [wrong, words] of [
      ['echo >/run/fuselage', 'no directory'],
      ['ln -s /tmp /run/fuselage', 'is a symbolic link, and none is followed there'],
    ] as const) {
      const refused = inOwnMounts(caller(), script(wrong));
      expect(refused).toMatchObject({ status: 125, stdout: '' });
      expect(refused.stderr).toContain('[ERR_HOME_UNUSABLE]');
      expect(refused.stderr).toContain(words);
    }
  });

  otherUserTest('doctor says of /run/fuselage what a run says', () => {
    const inRun = (make: string, words: string) =>
      inOwnMounts(
        caller(),
        `mount -t tmpfs -o mode=0755 run /run; ${make}
         export HOME=/proc/no; as_user "$0" ${words}`,
      );
    const checked = (make: string) =>
      JSON.parse(inRun(`${make}; set +e`, 'doctor --json').stdout).checks.at(-1);
    expect(checked('mkdir -m 755 /run/fuselage')).toMatchObject({
      name: 'home',
      ok: true,
      detail: expect.stringContaining('on the existing directory'),
    });
    expect(checked('true').detail).toContain('on a mirror of /run');
    for (const wrong of [
      'echo >/run/fuselage',
      'ln -s /tmp /run/fuselage',
      'mkdir /run/fuselage; chown 4321 /run/fuselage',
    ]) {
      const check = checked(wrong);
      expect(check).toMatchObject({ name: 'home', ok: false, needed: true });
      const refused = inRun(wrong, 'run echo started');
      const lines = [
        `fuselage: ${check.detail} [${check.code}]`,
        ...check.causes.map((cause: string) => `  cause: ${cause}`),
        ...check.hints.map((hint: string) => `  fix: ${hint}`),
      ];
      expect(refused).toMatchObject({ status: 125, stderr: `${lines.join('\n')}\n` });
    }
  });

  rootMountTest('root with somebody else’s home reads and writes nothing there', () => {
    const home = freshHome(ordinaryUser);
    mkdirSync(join(home, '.fuselage'), { mode: 0o700 });
    give(join(home, '.fuselage'), ordinaryUser);
    const who = { uid: 0, home };
    const ended = runFuselage(who, [
      'run',
      '-s',
      words,
      ...sh('cat "$FUSELAGE_STATIC/words/a.txt"'),
    ]);
    expect(ended).toMatchObject({ status: 0, stdout: 'alpha\n' });
    expect(readdirSync(join(home, '.fuselage'))).toEqual([]);
  });

  const withoutHome = (who: Caller) =>
    runFuselage({ ...who, program: '/usr/bin/env' }, [
      ...['-u', 'HOME', frontDoor, 'run', '-s', words],
      ...sh('cat "$FUSELAGE_STATIC/words/a.txt"; echo "$FUSELAGE_STATIC"'),
    ]);

  otherUserTest('HOME is not set: that of the password database', () => {
    const who = caller();
    const ended = withoutHome({ ...who, passwordDatabase: passwordDatabase(who.uid, who.home) });
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    const [content, place] = ended.stdout.trim().split('\n');
    expect(content).toBe('alpha');
    expect(place?.startsWith(`${who.home}/.fuselage/procdirs/`)).toBe(true);
  });

  otherUserTest('HOME is not set and the password database knows no such user: none', () => {
    const ended = withoutHome(caller());
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    expect(ended.stdout).toMatch(/^alpha\n\/run\/fuselage\/\d+\/static\n$/);
  });
});

describe('the working directory', () => {
  mountTest('is the same, by path', () => {
    const who = caller();
    expect(runFuselage(who, ['run', 'pwd']).stdout).toBe(`${who.home}\n`);
  });

  mountTest('that was removed keeps working', () => {
    const who = caller();
    const gone = join(freshDirectory(who.uid), 'gone');
    mkdirSync(gone);
    give(gone, who.uid);
    const script = `cd '${gone}' && rmdir '${gone}' && exec '${frontDoor}' run sh -c 'echo on; ls -a'`;
    const ended = runFuselage({ ...who, program: '/bin/sh' }, ['-c', script]);
    expect(ended.stdout).toContain('on\n');
    expect(ended.status).toBe(0);
  });

  mountTest('a relative archive is found from it', () => {
    const who = caller();
    const place = freshDirectory(who.uid);
    symlinkSync(words, join(place, 'here:too.zip'));
    const ended = runFuselage({ ...who, directory: place }, [
      'run',
      '-s',
      'here:too.zip',
      '-s',
      'named:here:too.zip',
      ...sh('ls "$FUSELAGE_STATIC"'),
    ]);
    expect(ended).toMatchObject({ status: 0, stdout: 'here:too\nnamed\n', stderr: '' });
  });
});

mountTest(
  '64 starts at once: none fails, nothing is left',
  async () => {
    const who = caller();
    const runs = Array.from({ length: 64 }, () =>
      startFuselage(who, ['run', '-s', words, ...sh('cat "$FUSELAGE_STATIC/words/a.txt"')]),
    );
    for (const run of runs) {
      expect(await run.ended).toMatchObject({ status: 0, stdout: 'alpha\n', stderr: '' });
    }
    expect(readdirSync(join(who.home, '.fuselage'))).toEqual(['procdirs']);
    expect(readdirSync(join(who.home, '.fuselage/procdirs'))).toEqual([]);
  },
  120_000,
);

mountTest('an archive that is replaced while we start is noticed', () => {
  const who = caller();
  const place = freshDirectory(who.uid);
  const archive = writeZip(join(place, 'x.zip'), [{ name: 'a', content: 'first' }]);
  const node = join(place, 'node');
  // Node answers on the old file; before the launcher goes on, the file is another one.
  const preload = join(place, 'late.js');
  writeFileSync(
    preload,
    `const fs = require('fs'); const write = fs.writeSync;
     fs.writeSync = (fd, ...rest) => {
       if (fd === 3) fs.utimesSync('${archive}', 1, 1);
       return write(fd, ...rest);
     };`,
  );
  writeFileSync(node, `#!/bin/sh\nexec '${process.execPath}' --require '${preload}' "$@"\n`);
  chmodSync(node, 0o755);
  give(archive, who.uid);
  const ended = runFuselage({ ...who, environment: { FUSELAGE_NODE: node } }, [
    'run',
    '-s',
    archive,
    'echo',
    'started',
  ]);
  expect(ended).toMatchObject({ status: 125, stdout: '' });
  expect(ended.stderr).toContain('ERR_ARCHIVE_CHANGED');
  rmSync(node);
});
