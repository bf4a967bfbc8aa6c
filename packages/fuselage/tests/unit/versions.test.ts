import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { VERSION } from '../../src/version.js';

const ROOT = join(__dirname, '../../../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

test.each([
  'package.json',
  'packages/fuselage/package.json',
  'packages/linux-x64/package.json',
  'packages/linux-arm64/package.json',
])('%s has the one version', (path) => {
  expect(JSON.parse(read(path)).version).toBe(VERSION);
});

test('Cargo.toml has it too', () => {
  expect(read('Cargo.toml')).toContain(`version = "${VERSION}"`);
});

test.each(['x64', 'arm64'])(
  'the platform package of %s is declared for every installer',
  (arch) => {
    const launcher = `fuselage-launch-linux-${arch}`;
    expect(JSON.parse(read(`packages/linux-${arch}/package.json`))).toMatchObject({
      name: `@fuselage/linux-${arch}`,
      os: ['linux'],
      cpu: [arch],
      bin: { [launcher]: launcher },
      files: [launcher, `fuselage.linux-${arch}-gnu.node`],
      preferUnplugged: true,
      publishConfig: { executableFiles: [`./${launcher}`] },
    });
  },
);
