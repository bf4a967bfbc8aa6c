/** The directories of runs without namespaces: whose they are, and that none is left. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { rootMountTest, rootTest } from '../support/must-mount.js';
import { inOwnMounts } from '../support/own-mounts.js';
import { freshDirectory, frontDoor, give } from '../support/places.js';
import {
  callers,
  commandBelow,
  extracted,
  force,
  left,
  sh,
  writeArchives,
} from '../support/real-files.js';
import { type Caller, caller, runFuselage, startFuselage } from '../support/run-fuselage.js';
import { isAlive, until } from '../support/stand-in-node.js';
import { workerBelow } from '../support/worker.js';
import { namespacesDenied } from '../support/wrap.js';

let words: string;
let many: string;

beforeAll(() => {
  ({ words, many } = writeArchives());
});

describe.each(callers)('as $name', ({ uid, test, mount }) => {
  let who: Caller;
  beforeEach(() => {
    who = caller(uid, { environment: { TZ: 'UTC0' } });
  });

  test('the directories that are made are for this user alone, and gone in the end', () => {
    const script = `stat -c %a "$FUSELAGE_TMPDIR" "$FUSELAGE_TMPDIR/.." "$FUSELAGE_TMPDIR/../.." \
      "$FUSELAGE_DYNAMIC" "$FUSELAGE_STATIC"; umask; cd "$FUSELAGE_DYNAMIC/d" && rm -r sub &&
      touch ../x "$FUSELAGE_TMPDIR/y" && dirname "$FUSELAGE_TMPDIR"`;
    const ended = runFuselage(who, force('-d', `d:${words}`, '-s', words, ...sh(script)));
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    const [path, mask, ...modes] = ended.stdout.trim().split('\n').reverse();
    expect(modes).toEqual(['700', '700', '700', '700', '700']);
    expect(mask).toMatch(/^0?022$/);
    expect(path).toMatch(new RegExp(`^${extracted(who)}/\\d+$`));
    expect(left(who)).toEqual([]);
    expect(readdirSync(join(who.home, '.fuselage'))).toEqual(['extracted']);
  });

  describe('a supervisor that is killed', () => {
    const busy = 'mkdir -p "$FUSELAGE_TMPDIR/a/b" && touch "$FUSELAGE_TMPDIR/a/b/c"';

    async function killed(script: string): Promise<number> {
      const { child, written, ended } = startFuselage(
        who,
        force('-s', words, ...sh(`${script}; echo ready; while :; do sleep 0.05; done`)),
      );
      await until(() => written.stdout.includes('ready\n'));
      const command = commandBelow(child.pid as number);
      child.kill('SIGKILL');
      expect(await ended).toMatchObject({ signal: 'SIGKILL' });
      await until(() => !isAlive(command));
      return command;
    }

    test('takes the command with it, and the next run removes what it left', async () => {
      await killed(`${busy}; chmod 000 "$FUSELAGE_TMPDIR/a/b" "$FUSELAGE_TMPDIR/a"`);
      expect(left(who)).toHaveLength(1);
      expect(runFuselage(who, force('true')).status).toBe(0);
      expect(left(who)).toEqual([]);
    });

    mount('and so does the next run with namespaces', async () => {
      await killed(busy);
      await killed('chmod 000 "$FUSELAGE_TMPDIR/.."');
      expect(left(who)).toHaveLength(1);
      expect(runFuselage(who, ['run', 'true']).status).toBe(0);
      expect(left(who)).toEqual([]);
    });

    test('during the extraction takes all with it, and the next run removes the rest', async () => {
      const { child, ended } = startFuselage(who, force('--jobs=1', '-d', many, 'echo', 'started'));
      const worker = await workerBelow(child.pid as number);
      // A stopped one does not end by itself.
      process.kill(worker, 'SIGSTOP');
      child.kill('SIGKILL');
      expect(await ended).toMatchObject({ signal: 'SIGKILL', stdout: '', stderr: '' });
      await until(() => !isAlive(worker));
      expect(left(who)).toHaveLength(1);
      await until(() => {
        runFuselage(who, force('true'));
        return left(who).length === 0;
      });
    }, 60_000);

    test('leaves links, which are removed and not followed', async () => {
      const outside = freshDirectory(uid);
      writeFileSync(join(outside, 'file'), 'mine');
      give(join(outside, 'file'), uid);
      chmodSync(outside, 0o555);
      await killed(`cd "$FUSELAGE_TMPDIR" && ln -s '${outside}' d && ln -s '${outside}/file' f &&
        ln '${outside}/file' h 2>/dev/null; mkdir x && ln -s / x/root && chmod 500 x`);
      expect(runFuselage(who, force('true'))).toMatchObject({ status: 0, stderr: '' });
      expect(left(who)).toEqual([]);
      expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('mine');
      expect(statSync(outside).mode & 0o777).toBe(0o555);
      expect(statSync(join(outside, 'file')).mode & 0o777).toBe(0o644);
    });
  });

  test('a live run is never swept', async () => {
    const one = startFuselage(
      who,
      force(
        '-s',
        words,
        ...sh(`echo ready; until [ -e '${who.home}/go' ]; do sleep 0.02; done
      cat "$FUSELAGE_STATIC/words/a.txt"`),
      ),
    );
    await until(() => one.written.stdout.includes('ready\n'));
    for (let run = 0; run < 5; run++) expect(runFuselage(who, force('true')).status).toBe(0);
    expect(left(who)).toHaveLength(1);
    writeFileSync(join(who.home, 'go'), '');
    expect(await one.ended).toMatchObject({ status: 0, stdout: 'ready\nalpha\n', stderr: '' });
    expect(left(who)).toEqual([]);
  });

  test('many at once, each with its own', async () => {
    const runs = Array.from({ length: 12 }, (_, number) =>
      startFuselage(
        who,
        force(
          '-d',
          words,
          ...sh(`echo ${number} >"$FUSELAGE_TMPDIR/n"; sleep 0.1
          cat "$FUSELAGE_TMPDIR/n" "$FUSELAGE_DYNAMIC/words/a.txt"`),
        ),
      ),
    );
    for (const [number, { ended }] of runs.entries()) {
      expect(await ended).toMatchObject({ status: 0, stdout: `${number}\nalpha\n`, stderr: '' });
    }
    expect(left(who)).toEqual([]);
  });

  test('what is planted is neither used nor followed', () => {
    const outside = freshDirectory(uid);
    writeFileSync(join(outside, 'file'), 'mine');
    expect(runFuselage(who, force('true')).status).toBe(0);
    // The shell that becomes the launcher has the number that is planted.
    const plant = (how: string) => `${how}; exec '${frontDoor}' run --extract=force -- sh -c '
      dirname "$FUSELAGE_TMPDIR"; ls -A "$FUSELAGE_TMPDIR/.."'`;
    const run = (how: string) =>
      runFuselage({ ...who, program: 'sh' }, ['-c', `cd '${extracted(who)}'; ${plant(how)}`]);
    for (const how of [
      `ln -s '${outside}' $$`,
      'touch $$',
      'mkdir -p $$/tmp/x && touch $$/tmp/x/y',
    ]) {
      const ended = run(how);
      expect(ended).toMatchObject({ status: 0, stderr: '' });
      expect(ended.stdout).toMatch(/\/extracted\/\d+(\.1)?\n\.lock\ntmp\n$/);
    }
    // Not the directory, which was swept: only what is no directory of a run stays.
    expect(left(who).every((name) => !lstatSync(join(extracted(who), name)).isDirectory())).toBe(
      true,
    );
    expect(left(who)).toHaveLength(2);
    expect(readdirSync(outside)).toEqual(['file']);
  });

  test('`extracted` that is a link is refused', () => {
    const outside = freshDirectory(uid);
    mkdirSync(join(who.home, '.fuselage'), { mode: 0o700 });
    give(join(who.home, '.fuselage'), uid);
    symlinkSync(outside, extracted(who));
    const ended = runFuselage(who, force('-d', words, 'echo', 'started'));
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toContain('[ERR_HOME_UNUSABLE]');
    expect(readdirSync(outside)).toEqual([]);
  });

  test('files go with the command, also under a process that it leaves', async () => {
    const script = `(exec >/dev/null 2>&1; i=0; while [ -e '${who.home}/go' ]; do
      i=$((i+1)); echo x >"$FUSELAGE_TMPDIR/$i"; done) & echo started; sleep 0.3`;
    writeFileSync(join(who.home, 'go'), '');
    const { ended } = startFuselage(who, force(...sh(script)));
    const { status, stdout } = await ended;
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'started\n' });
    runFuselage({ ...who, program: 'rm' }, [join(who.home, 'go')]);
    await until(() => {
      runFuselage(who, force('true'));
      return left(who).length === 0;
    });
  });
});

rootTest('a live run of another pid namespace with the same home is never swept', async () => {
  const who = caller(0);
  const inNamespace = (...rest: string[]) => [
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    'sh',
    '-c',
    '"$0" "$@"; exit $?',
    ...rest,
  ];
  const unshare = { ...who, program: 'unshare' };
  const run = (script: string) => inNamespace(frontDoor, ...force('-s', words, ...sh(script)));
  const one = startFuselage(
    unshare,
    run('echo ready; sleep 1; cat "$FUSELAGE_STATIC/words/a.txt"; echo $PPID'),
  );
  await until(() => one.written.stdout.includes('ready\n'));
  const other = runFuselage(unshare, run('dirname "$FUSELAGE_TMPDIR"; echo $PPID'));
  expect(other).toMatchObject({ status: 0, stderr: '' });
  // The same number, so that the second has another name.
  const [path, pid] = other.stdout.trim().split('\n');
  expect(path).toBe(`${extracted(who)}/${pid}.1`);
  expect(await one.ended).toMatchObject({
    status: 0,
    stdout: `ready\nalpha\n${pid}\n`,
    stderr: '',
  });
  expect(left(who)).toEqual([]);
});

rootMountTest('what the command has mounted in its files is left alone', () => {
  const who = caller(0);
  const other = freshDirectory(0);
  writeFileSync(join(other, 'file'), 'mine');
  const ended = inOwnMounts(
    who,
    `"$0" run --extract=force sh -c 'mkdir "$FUSELAGE_TMPDIR/m" "$FUSELAGE_TMPDIR/x" &&
       mount --bind "${other}" "$FUSELAGE_TMPDIR/m"'`,
  );
  if (namespacesDenied) {
    // Nobody mounts there, so that nothing stays: mount(8) says that it failed.
    expect(ended.status).toBe(32);
    expect(left(who)).toEqual([]);
    return;
  }
  expect(ended.status).toBe(0);
  expect(ended.stderr).toMatch(
    /^fuselage: not all of .* could be removed: .*(EBUSY|EXDEV).*\n {2}fix: /,
  );
  expect(readdirSync(other)).toEqual(['file']);
  // The mount is gone with its namespace.
  expect(left(who)).toHaveLength(1);
  expect(runFuselage(who, force('true'))).toMatchObject({ status: 0, stderr: '' });
  expect(left(who)).toEqual([]);
});
