import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { LoopDevice, LoopOptions } from '../../src/native/addon.js';
import { addon } from '../../src/native/index.js';
import { inAnotherNode } from '../support/addon-elsewhere.js';
import { loopTest, rootTest } from '../support/must-mount.js';
import { freshDirectory } from '../support/places.js';
import { ordinaryUser } from '../support/run-fuselage.js';
import { tinySquashfs } from '../support/tiny-squashfs.js';

const bytes = (path: string) => Buffer.from(path);
const sector = 512;
let attached: LoopDevice[] = [];

function attach(image: string, options?: LoopOptions): LoopDevice {
  const { value, error } = addon().attachLoop(bytes(image), options);
  if (value === undefined) throw new Error(JSON.stringify(error));
  attached.push(value);
  return value;
}

/** Where sysfs keeps what a loop device is attached to; gone when it is detached. */
const backing = (device: LoopDevice) => `/sys/block/${basename(device.path)}/loop/backing_file`;

function imageOf(content: Buffer): string {
  const path = join(freshDirectory(), 'image');
  writeFileSync(path, content);
  return path;
}

function freshTarget(): string {
  const target = join(freshDirectory(), 'target');
  mkdirSync(target);
  return target;
}

afterEach(() => {
  for (const device of attached) device.detach();
  attached = [];
});

describe('attachLoop', () => {
  loopTest('shows a file, or a part of it, for reading only', () => {
    const content = Buffer.concat(['a', 'b', 'c'].map((text) => Buffer.alloc(sector, text)));
    const image = imageOf(content);
    const whole = attach(image);
    expect(whole.path).toMatch(/^\/dev\/loop\d+$/);
    expect(readFileSync(backing(whole), 'utf8').trim()).toBe(image);
    expect(readFileSync(whole.path).equals(content)).toBe(true);
    expect(() => writeFileSync(whole.path, 'x')).toThrow();
    const part = attach(image, { offset: sector, length: sector });
    expect(readFileSync(part.path, 'latin1')).toBe('b'.repeat(sector));
    expect(part.path).not.toBe(whole.path);
  });

  loopTest('detached, nothing is left, and detaching again is no error', () => {
    const device = attach(imageOf(Buffer.alloc(sector)));
    expect(existsSync(backing(device))).toBe(true);
    expect(device.detach()).toEqual({ value: null });
    expect(existsSync(backing(device))).toBe(false);
    expect(device.detach()).toEqual({ value: null });
  });

  loopTest('of what cannot be attached: an error with its path', () => {
    expect(addon().attachLoop(bytes('/no/such/image')).error).toMatchObject({
      code: 'ERR_MOUNT_FAILED',
      message: 'cannot open /no/such/image',
    });
    const directory = freshDirectory();
    expect(addon().attachLoop(bytes(directory)).error).toMatchObject({
      code: 'ERR_MOUNT_FAILED',
      message: expect.stringContaining(directory),
    });
    const image = imageOf(Buffer.alloc(sector));
    expect(addon().attachLoop(bytes(image), { offset: -1 }).error).toBeDefined();
  });

  rootTest('as an ordinary user: it says that root is needed', () => {
    const image = JSON.stringify(imageOf(Buffer.alloc(sector)));
    const script = `answer(addon.attachLoop(Buffer.from(${image})))`;
    expect(inAnotherNode(script, { uid: ordinaryUser })).toMatchObject({
      error: { code: 'ERR_MOUNT_FAILED', hints: [expect.stringContaining('root')] },
    });
  });
});

describe('mountImage', () => {
  loopTest('mounts a squashfs image, also one behind other bytes; nothing is left of it', () => {
    const image = tinySquashfs('hello', 'from an image\n');
    const path = imageOf(Buffer.concat([Buffer.alloc(3 * sector, 'x'), image]));
    const device = attach(path, { offset: 3 * sector, length: image.length });
    const target = freshTarget();
    try {
      expect(addon().mountImage(device.path, 'squashfs', bytes(target))).toEqual({ value: null });
      expect(readdirSync(target)).toEqual(['hello']);
      expect(readFileSync(join(target, 'hello'), 'utf8')).toBe('from an image\n');
      expect(() => writeFileSync(join(target, 'hello'), 'x')).toThrow(/EROFS/);
      const line = readFileSync('/proc/self/mounts', 'utf8')
        .split('\n')
        .find((mount) => mount.startsWith(`${device.path} `));
      expect(line?.split(' ').slice(1, 3)).toEqual([target, 'squashfs']);
      expect(line?.split(' ')[3]?.split(',')).toEqual(
        expect.arrayContaining(['ro', 'nosuid', 'nodev']),
      );
      // Detached while it is mounted, it goes with the mount.
      expect(device.detach()).toEqual({ value: null });
      expect(existsSync(backing(device))).toBe(true);
    } finally {
      addon().unmount(bytes(target), { lazy: true });
    }
    expect(existsSync(backing(device))).toBe(false);
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(target);
  });

  loopTest('of garbage: an error that names the place', () => {
    const device = attach(imageOf(Buffer.alloc(64 * sector, 'garbage')));
    const target = freshTarget();
    for (const fileSystem of ['squashfs', 'erofs'] as const) {
      expect(addon().mountImage(device.path, fileSystem, bytes(target)).error).toMatchObject({
        code: 'ERR_MOUNT_FAILED',
        message: `cannot mount an image at ${target}`,
        causes: ['Invalid argument (EINVAL)'],
      });
    }
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(target);
  });

  loopTest('of another file system: refused before the kernel is asked', () => {
    const mount = addon().mountImage as (device: string, type: string, target: Buffer) => unknown;
    expect(() => mount('/dev/loop0', 'ext4', bytes('/'))).toThrow(/ext4/);
  });
});
