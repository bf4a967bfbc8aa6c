/** Hosts with few devices or none: what `fuselage doctor` says of them, and what runs do. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiled } from '../support/compile.js';
import { loopTest, mountTest, otherUserTest, rootMountTest } from '../support/must-mount.js';
import { inOwnMounts } from '../support/own-mounts.js';
import { freshDirectory, frontDoor } from '../support/places.js';
import { check, report, type Start } from '../support/refusals.js';
import { caller, runFuselage } from '../support/run-fuselage.js';
import { tinySquashfs } from '../support/tiny-squashfs.js';

let image: string;

beforeAll(() => {
  image = join(freshDirectory(), 'i.sfs');
  writeFileSync(image, tinySquashfs('hello.txt', 'hello\n'));
});

/** A /dev of these nodes. */
const dev = (...nodes: string[]) =>
  ['mount -t tmpfs dev /dev', ...nodes.map((node) => `mknod -m 666 /dev/${node}`)].join('\n');
const NULL = 'null c 1 3';
const CONTROL = 'loop-control c 10 237';

function start(arrange: string, become: string, uid: number | undefined): Start {
  return (words) => {
    const quoted = words.map((word) => `'${word}'`).join(' ');
    return inOwnMounts(caller(uid), `${arrange}\n${become} "$0" ${quoted}`);
  };
}

/** A run that reads a file of the image, and how its tree was made. */
function readsImage(from: Start): string {
  const ended = from(['run', '--explain', '-s', image, 'sh', '-c', 'cat "$FUSELAGE_STATIC/i/"*']);
  expect(ended).toMatchObject({ status: 0, stdout: 'hello\n' });
  return ended.stderr.split('\n').find((line) => line.startsWith('fuselage: static i: ')) ?? '';
}

const EXTRACTED = { ok: false, needed: false, code: null };

for (const [name, uid, become, test] of [
  ['an ordinary user', undefined, 'as_user', otherUserTest],
  ['root', 0, '', rootMountTest],
] as const) {
  test(`without any device, for ${name}: runs work, and so does doctor`, () => {
    const from = start(dev(), become, uid);
    expect(readsImage(from)).toContain('extracted');
    const found = report(from);
    expect(found.ok).toBe(true);
    expect(check(found, 'loop')).toMatchObject(EXTRACTED);
    expect(check(found, 'fuse')).toMatchObject({ ok: false, needed: false });
  });
}

rootMountTest('without /dev/loop-control: doctor says that images are extracted, and why', () => {
  const from = start(dev(NULL), '', 0);
  expect(readsImage(from)).toContain('loop devices cannot be had: /dev/loop-control');
  const line = check(report(from), 'loop');
  expect(line).toMatchObject(EXTRACTED);
  expect(line.detail).toMatch(/^images are extracted and not mounted: .*\/dev\/loop-control/);
  expect(line.causes.join()).toContain('is not loaded, or /dev here has only some devices');
  expect(line.hints.join()).toContain('`sudo modprobe loop`');
});

loopTest('with /dev/loop-control and no devices: what a run with an image ends with', () => {
  const from = start(dev(NULL, CONTROL), '', 0);
  const ended = from(['run', '-s', image, 'echo', 'started']);
  expect(ended).toMatchObject({ status: 125, stdout: '' });
  expect(ended.stderr).toContain('[ERR_IMAGE_MOUNT]');
  const found = report(from);
  expect(found.ok).toBe(true);
  const line = check(found, 'loop');
  expect(line).toMatchObject({ ok: false, needed: false, code: 'ERR_IMAGE_MOUNT' });
  expect(line.causes.join()).toContain('no node for the loop device');
  expect(line.hints.join()).toContain('`sudo mknod /dev/loop0 b 7 0`');
});

loopTest('without a free device: the same', () => {
  const refused = compiled('refused');
  const from: Start = (words) =>
    runFuselage({ ...caller(0), program: refused }, ['seccomp', 'get-free', frontDoor, ...words]);
  const ended = from(['run', '-s', image, 'echo', 'started']);
  expect(ended).toMatchObject({ status: 125, stdout: '' });
  expect(ended.stderr).toContain('[ERR_IMAGE_MOUNT]');
  const line = check(report(from), 'loop');
  expect(line).toMatchObject({ ok: false, needed: false, code: 'ERR_IMAGE_MOUNT' });
  expect(line.causes.join()).toContain('Every loop device is in use');
});

mountTest('an ordinary user is told that images are for root', () => {
  const from: Start = (words) => runFuselage(caller(), words);
  const line = check(report(from), 'loop');
  expect(line).toMatchObject(EXTRACTED);
  expect(line.detail).toContain('only root can mount image files');
  expect(line.hints.join()).toContain('Nothing has to be done');
});

mountTest('root of a user namespace, that it must be outside', () => {
  const from: Start = (words) =>
    runFuselage({ ...caller(), program: 'unshare' }, ['--map-root-user', frontDoor, ...words]);
  const found = report(from);
  expect(found.ok).toBe(true);
  expect(check(found, 'loop')).toMatchObject(EXTRACTED);
  expect(check(found, 'loop').causes.join()).toContain('outside of user namespaces only');
  // Its overlays are made as those of a user.
  expect(check(found, 'overlay').ok).toBe(true);
  expect(readsImage(from)).toContain('root of a user namespace cannot mount image files');
});

loopTest('root with devices: nothing is amiss, and images are mounted', () => {
  const from: Start = (words) => runFuselage(caller(0), words);
  expect(check(report(from), 'loop')).toMatchObject({ ok: true, code: null });
  expect(readsImage(from)).toContain('mounted');
});
