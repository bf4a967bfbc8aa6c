import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addon, type Outcome } from '../../src/native/index.js';
import { inAnotherNode } from '../support/addon-elsewhere.js';
import { rootMountTest, rootTest } from '../support/must-mount.js';
import { freshDirectory } from '../support/places.js';
import { ordinaryUser } from '../support/run-fuselage.js';

const bytes = (path: string) => Buffer.from(path);
const mounted: string[] = [];

/** The flags and options of the topmost mount at `target`, as /proc/self/mounts shows them. */
function optionsOf(target: string): string[] | undefined {
  const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n').reverse();
  return lines
    .find((line) => line.split(' ')[1] === target)
    ?.split(' ')[3]
    ?.split(',');
}

function freshTarget(): string {
  const target = join(freshDirectory(), 'target');
  mkdirSync(target);
  mounted.push(target);
  return target;
}

afterEach(() => {
  for (const target of mounted.splice(0)) {
    while (optionsOf(target) !== undefined) {
      if (addon().unmount(bytes(target), { lazy: true }).error !== undefined) break;
    }
  }
});

describe('mountTmpfs', () => {
  rootMountTest('mounts one of the size and mode, nosuid and nodev', () => {
    const target = freshTarget();
    const options = { size: 1 << 20, mode: 0o751 };
    expect(addon().mountTmpfs(bytes(target), options)).toEqual({ value: null });
    expect(statSync(target).mode & 0o7777).toBe(0o751);
    expect(optionsOf(target)).toEqual(
      expect.arrayContaining(['rw', 'nosuid', 'nodev', 'size=1024k', 'mode=751']),
    );
    writeFileSync(join(target, 'fits'), Buffer.alloc(1 << 19));
    const tooBig = () => writeFileSync(join(target, 'does not'), Buffer.alloc(1 << 20));
    expect(tooBig).toThrow(/ENOSPC/);
  });

  rootMountTest('has limits of its own when none are given', () => {
    const target = freshTarget();
    expect(addon().mountTmpfs(bytes(target), {})).toEqual({ value: null });
    expect(statSync(target).mode & 0o7777).toBe(0o700);
  });

  rootMountTest('of what is no directory: an error with its path', () => {
    const path = join(freshDirectory(), 'none');
    expect(addon().mountTmpfs(bytes(path), {}).error).toMatchObject({
      code: 'ERR_MOUNT_FAILED',
      message: `cannot open ${path}`,
      causes: ['No such file or directory (ENOENT)'],
    });
    writeFileSync(path, '');
    expect(addon().mountTmpfs(bytes(path), {}).error?.causes).toEqual([
      'Not a directory (ENOTDIR)',
    ]);
  });

  rootMountTest('with a size that is none: refused', () => {
    const target = freshTarget();
    const { error } = addon().mountTmpfs(bytes(target), { size: -1 });
    expect(error).toMatchObject({
      code: 'ERR_MOUNT_FAILED',
      message: `cannot mount a tmpfs at ${target}`,
    });
    expect(optionsOf(target)).toBeUndefined();
  });

  rootTest('as an ordinary user: it says that root is needed', () => {
    const target = JSON.stringify(freshDirectory(ordinaryUser));
    const outcome = inAnotherNode<Outcome<null>>(
      `answer(addon.mountTmpfs(Buffer.from(${target}), {}))`,
      { uid: ordinaryUser },
    );
    expect(outcome.error).toMatchObject({
      causes: ['Operation not permitted (EPERM)'],
      hints: [expect.stringContaining('root')],
    });
  });
});

describe('bindReadOnly', () => {
  rootMountTest('shows a directory and what is mounted below it, for reading only', () => {
    const source = freshDirectory();
    const below = join(source, 'below');
    mkdirSync(below);
    mounted.push(below);
    addon().mountTmpfs(bytes(below), {});
    for (const path of [source, below]) writeFileSync(join(path, 'file'), 'before');
    const target = freshTarget();
    // The twin: it can be written until it is a read-only mount.
    writeFileSync(join(target, 'file'), '');
    expect(addon().bindReadOnly(bytes(source), bytes(target))).toEqual({ value: null });
    expect(readdirSync(target).sort()).toEqual(['below', 'file']);
    for (const path of [target, join(target, 'below')]) {
      expect(readFileSync(join(path, 'file'), 'utf8')).toBe('before');
      expect(() => writeFileSync(join(path, 'file'), 'after')).toThrow(/EROFS/);
      expect(optionsOf(path)).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev']));
    }
    writeFileSync(join(source, 'file'), 'after');
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('after');
  });

  rootMountTest('of nothing: an error with its path', () => {
    const target = freshTarget();
    const { error } = addon().bindReadOnly(bytes('/no/such/tree'), bytes(target));
    expect(error?.message).toBe('cannot open /no/such/tree');
    expect(optionsOf(target)).toBeUndefined();
  });
});

describe('unmount', () => {
  rootMountTest('takes the topmost mount away, one that is in use only lazily', () => {
    const target = freshTarget();
    writeFileSync(join(target, 'file'), 'lowest');
    addon().mountTmpfs(bytes(target), {});
    writeFileSync(join(target, 'file'), 'middle');
    addon().mountTmpfs(bytes(target), {});
    expect(addon().unmount(bytes(target))).toEqual({ value: null });
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('middle');
    const before = process.cwd();
    process.chdir(target);
    try {
      expect(addon().unmount(bytes(target)).error).toMatchObject({
        code: 'ERR_MOUNT_FAILED',
        causes: ['Device or resource busy (EBUSY)'],
      });
      expect(addon().unmount(bytes(target), { lazy: true })).toEqual({ value: null });
    } finally {
      process.chdir(before);
    }
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('lowest');
  });

  rootMountTest('of what is no mount point: an error', () => {
    const { error } = addon().unmount(bytes(freshDirectory()));
    expect(error?.causes).toEqual(['Invalid argument (EINVAL)']);
  });
});
