import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { FuselageError } from '../../src/errors.js';
import { loadAddon } from '../../src/native/load.js';
import {
  findPlatform,
  platformName,
  platformOfLauncher,
  whyMissing,
} from '../../src/native/platform.js';
import { VERSION } from '../../src/version.js';

const NAME = '@fuselage/linux-x64';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'fuselage-platform-')));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function put(path: string, text: string): string {
  const file = join(root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
}

test('there are platform packages for Linux on two architectures', () => {
  expect(platformName('linux', 'x64')).toBe('@fuselage/linux-x64');
  expect(platformName('linux', 'arm64')).toBe('@fuselage/linux-arm64');
  expect(platformName('linux', 'ia32')).toBeNull();
  expect(platformName('darwin', 'arm64')).toBeNull();
});

test.each([
  ['inside the package', 'p/node_modules/fuselage/node_modules'],
  ['beside it', 'p/node_modules'],
  ['above', 'node_modules'],
])('it is found %s', (_where, directory) => {
  const from = put('p/node_modules/fuselage/dist/cli.cjs', '');
  expect(findPlatform(NAME, from)).toBeNull();
  put(`${directory}/${NAME}/package.json`, JSON.stringify({ name: NAME }));
  expect(findPlatform(NAME, from)).toEqual({
    name: NAME,
    launcher: join(root, directory, NAME, 'fuselage-launch-linux-x64'),
    addon: join(root, directory, NAME, 'fuselage.linux-x64-gnu.node'),
  });
});

test('where the launcher is it is taken from there, if the addon is too', () => {
  const directory = join(root, 'unplugged/linux-x64');
  expect(platformOfLauncher(directory, NAME)).toBeNull();
  const addon = put('unplugged/linux-x64/fuselage.linux-x64-gnu.node', '');
  const launcher = join(directory, 'fuselage-launch-linux-x64');
  expect(platformOfLauncher(directory, NAME)).toEqual({ name: NAME, launcher, addon });
  expect(platformOfLauncher('', NAME)).toBeNull();
});

test('what is missing is said with the way out', () => {
  expect(whyMissing(NAME).hints.join()).toContain('--include=optional');
  expect(whyMissing(null).causes.join()).toContain('Linux');
});

describe('loading', () => {
  const load = (text: string) => {
    const addon = put('addon.cjs', text);
    return () => loadAddon({ name: NAME, launcher: '', addon });
  };
  const refusal = (action: () => unknown): FuselageError => {
    try {
      action();
    } catch (error) {
      return error as FuselageError;
    }
    throw new Error('it was loaded');
  };

  test('the addon of this version', () => {
    expect(load(`exports.version = () => '${VERSION}';`)().version()).toBe(VERSION);
  });

  test('another version is refused, naming both', () => {
    const error = refusal(load(`exports.version = () => '9.9.9';`));
    expect(error.code).toBe('ERR_VERSION_MISMATCH');
    expect(error.message).toContain(`${VERSION}, its part for this machine of 9.9.9`);
  });

  test('one that cannot be loaded is an error with the reason', () => {
    const error = refusal(load(`throw new Error('libc.musl: cannot open\\nmore');`));
    expect(error.code).toBe('ERR_PLATFORM_MISSING');
    expect(error.causes).toEqual(['libc.musl: cannot open']);
    expect(error.hints).toHaveLength(1);
  });
});
