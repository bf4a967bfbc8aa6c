/** Images that root's kernel mounts by loop devices. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mountTest, rootMountTest } from '../support/must-mount.js';
import { inOwnMounts } from '../support/own-mounts.js';
import { freshDirectory } from '../support/places.js';
import { caller, runFuselage, startFuselage } from '../support/run-fuselage.js';
import { tinySquashfs } from '../support/tiny-squashfs.js';

const AT_ONCE = 64;
const READ = 'cat "$FUSELAGE_STATIC/i/hello.txt"';

let directory: string;
let image: string;

beforeAll(() => {
  directory = freshDirectory();
  chmodSync(directory, 0o755);
  image = write('image.sfs', tinySquashfs('hello.txt', 'hello\n'));
});

function write(name: string, content: string | Buffer): string {
  const file = join(directory, name);
  writeFileSync(file, content);
  return file;
}

/** The files of this test that a loop device of the host shows. */
function attached(): string[] {
  return readdirSync('/sys/block').flatMap((device) => {
    try {
      const file = readFileSync(`/sys/block/${device}/loop/backing_file`, 'utf8').trim();
      return file.startsWith(directory) ? [file] : [];
    } catch {
      return [];
    }
  });
}

/** The kernel lets go of a device a moment after its last mount. */
async function noneIsAttached() {
  for (let tries = 0; tries < 100 && attached().length > 0; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(attached()).toEqual([]);
}

describe('an image as a static tree of root', () => {
  const text = () => tinySquashfs('hello.txt', 'hello\n').toString('base64');

  for (const [name, file] of [
    ['a file', () => image],
    [
      'behind a program',
      () => write('app', Buffer.concat([readFileSync('/bin/true'), readFileSync(image)])),
    ],
    ['base64 text', () => write('image.b64', `${text()}\n`)],
  ] as const) {
    rootMountTest(`${name} is mounted read-only, without set-user-ID and devices`, async () => {
      const script = `${READ}; ! echo x 2>/dev/null >"$FUSELAGE_STATIC/i/new"
        grep " $FUSELAGE_STATIC/i " /proc/self/mountinfo`;
      const words = ['run', '--static', `i:${file()}`, '--', 'sh', '-c', script];
      const { stdout, ...rest } = runFuselage(caller(0), words);
      expect(rest).toEqual({ status: 0, signal: null, stderr: '' });
      const [content, mounted = ''] = stdout.split('\n');
      expect(content).toBe('hello');
      expect(mounted).toMatch(/ ro,nosuid,nodev\S* - squashfs \/dev\/loop\d+ ro/);
      await noneIsAttached();
    });
  }

  rootMountTest('devices and set-user-ID of an image have no effect', () => {
    const file = join(directory, 'nodes.sfs');
    const nodes = ['-p', 'null c 666 0 0 1 3', '-p', `id f 4755 ${12345} 0 cat /usr/bin/id`];
    const quiet = ['-quiet', '-no-progress', '-noappend'];
    execFileSync('mksquashfs', [freshDirectory(), file, ...quiet, ...nodes], { stdio: 'pipe' });
    const script =
      'cd "$FUSELAGE_STATIC/i" && ! echo x 2>/dev/null >null && stat -c %a id && ./id -u';
    const ended = runFuselage(caller(0), ['run', '-s', `i:${file}`, '--', 'sh', '-c', script]);
    expect(ended).toEqual({ status: 0, signal: null, stdout: '4755\n0\n', stderr: '' });
  });

  rootMountTest(
    `all of ${AT_ONCE} starts at once get a device`,
    async () => {
      const words = ['run', '--static', `i:${image}`, '--', 'sh', '-c', READ];
      const who = caller(0);
      const runs = Array.from({ length: AT_ONCE }, () => startFuselage(who, words).ended);
      const well = { status: 0, signal: null, stdout: 'hello\n', stderr: '' };
      expect(await Promise.all(runs)).toEqual(runs.map(() => well));
      await noneIsAttached();
    },
    120_000,
  );

  rootMountTest('one that the kernel does not take is an error with its reason', async () => {
    const bytes = tinySquashfs('hello.txt', 'hello\n');
    bytes.writeUInt16LE(3, 28);
    const damaged = write('damaged.sfs', bytes);
    const cut = write('cut.sfs', tinySquashfs('hello.txt', 'hello\n').subarray(0, 100));
    for (const [file, cause] of [
      [damaged, 'Invalid argument (EINVAL)'],
      [cut, 'the image is cut off: it has 100 of its'],
    ] as const) {
      const ended = runFuselage(caller(0), ['run', '-s', file, '--', 'echo', 'started']);
      expect(ended).toMatchObject({ status: 125, stdout: '' });
      expect([file, ended.stderr]).toEqual([file, expect.stringContaining(cause)]);
    }
    await noneIsAttached();
  });

  rootMountTest('without the nodes of loop devices the error names them', () => {
    const script = `mount -t tmpfs none /mnt && mknod /mnt/null c 1 3 && mknod -m 666 /mnt/loop-control c 10 237
      mount --move /mnt /dev
      exec "$0" run -s "i:${image}" -- echo started`;
    const ended = inOwnMounts(caller(0), script);
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toContain(`cannot mount the image ${image} at `);
    expect(ended.stderr).toContain('[ERR_IMAGE_MOUNT]');
    expect(ended.stderr).toContain('cause: No such file or directory (ENOENT)');
    expect(ended.stderr).toContain('fix: let /dev have the nodes of loop devices');
    expect(ended.stderr).toContain('fix: or give it as --dynamic');
    const twin = inOwnMounts(caller(0), `exec "$0" run -s "i:${image}" -- echo started`);
    expect(twin).toMatchObject({ status: 0, stdout: 'started\n', stderr: '' });
  });
});

describe('where the kernel may not mount it', () => {
  const explained = (ended: { stderr: string }) =>
    ended.stderr.split('\n').find((line) => line.startsWith('fuselage: static i: '));

  rootMountTest('without loop devices an image is extracted, and --explain says why', () => {
    const script = `mount -t tmpfs none /mnt && mknod -m 666 /mnt/null c 1 3 && mount --move /mnt /dev
      exec "$0" run --explain -s "i:${image}" -- sh -c '${READ}'`;
    const ended = inOwnMounts(caller(0), script);
    expect(ended).toMatchObject({ status: 0, stdout: 'hello\n' });
    expect(explained(ended)).toContain('extracted, then read-only');
    expect(explained(ended)).toContain('loop devices cannot be had: /dev/loop-control: No such');
  });

  mountTest('for an ordinary user it is extracted', () => {
    const words = ['run', '--explain', '-s', `i:${image}`, '--', 'sh', '-c', READ];
    const ended = runFuselage(caller(), words);
    expect(ended).toMatchObject({ status: 0, stdout: 'hello\n' });
    expect(explained(ended)).toContain('only root can mount image files');
  });
});
