import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mainManifest } from './manifest.mjs';

const main = { name: 'fuselage', version: '1.2.3', napi: {}, files: ['bin'] };

test('the platform packages are pinned, and our own fields are gone', () => {
  assert.deepEqual(mainManifest(main, [{ name: '@fuselage/linux-x64', version: '1.2.3' }]), {
    name: 'fuselage',
    version: '1.2.3',
    files: ['bin'],
    optionalDependencies: { '@fuselage/linux-x64': '1.2.3' },
  });
});

test('a platform package of another version is refused', () => {
  const other = [{ name: '@fuselage/linux-x64', version: '1.2.2' }];
  assert.throws(() => mainManifest(main, other), /linux-x64 is 1\.2\.2, fuselage is 1\.2\.3/);
});
