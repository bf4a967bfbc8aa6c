/**
 * Whole plans, which both test suites read: here `planRun` must give exactly them, and
 * `crates/fuselage-plan/tests/golden.rs` must understand, accept and rewrite them.
 * `UPDATE_GOLDEN=1 npx jest golden` writes them anew.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { POLICY } from '../../src/config/policy.js';
import type { HomeFacts } from '../../src/native/index.js';
import { gatherFacts } from '../../src/run/facts.js';
import { planRun } from '../../src/run/plan.js';
import { type ProgramRequest, runRequest, type TreeOptions } from '../../src/run/request.js';
import { entry, type Given, inputs, ROOT, squashfs, USER, zip, zipText } from '../support/given.js';

const DIRECTORY = join(__dirname, '../../../../crates/fuselage-plan/golden');

interface Golden {
  options: TreeOptions;
  program: ProgramRequest;
  given?: Given;
}

const COMMAND: ProgramRequest = { kind: 'command', index: 0, nearSubcommand: null };
/** Of the file of an archive: enough for an overlay. */
const LARGE = 2 * 1024 ** 2;

const READ_ONLY_HOME: HomeFacts = {
  state: 'unusable',
  owner: null,
  why: 'it is on a read-only file system',
};

const archives = {
  'sdk.zip': zip('f1'),
  '/srv/deps.zip': zip('f2'),
  'a\udcff.zip': zip('f3'),
  'sdk.b64': zipText('f4'),
  'big.zip': { ...zip('f7'), length: LARGE },
  'big.b64': { ...zipText('f8'), length: LARGE },
  'big.sfs': { ...squashfs('f9'), length: LARGE },
  'big-image.b64': { ...squashfs('f10'), encoding: 'base64' as const, length: LARGE },
  'image.b64': { ...squashfs('f6'), encoding: 'base64' as const },
  'app.AppImage': {
    ...squashfs('f5'),
    length: 944_632 + 8192,
    offset: 944_632,
    looksLike: 'a squashfs image at byte 944632 behind an ELF program',
  },
};

const GOLDEN: Record<string, Golden> = {
  'no-trees': { options: {}, program: { ...COMMAND, index: 2, nearSubcommand: 'run' } },
  'static-zip': { options: { static: ['sdk.zip'] }, program: COMMAND },
  'dynamic-zip': { options: { dynamic: ['node_modules:/srv/deps.zip'] }, program: COMMAND },
  'base64-text': {
    options: { static: ['sdk.b64'], dynamic: ['copy:sdk.b64'] },
    program: COMMAND,
  },
  'behind-elf': { options: { static: ['app.AppImage'] }, program: COMMAND },
  'all-kinds': {
    options: {
      static: ['sdk.zip'],
      dynamic: ['/srv/deps.zip'],
      dynamicEmpty: ['out'],
      jobs: 4,
      tmpfsSize: '512M',
      limits: { entries: 10_000_000 },
      explain: true,
    },
    program: { ...COMMAND, index: 9 },
  },
  'run-program': {
    options: { static: ['sdk.zip'], dynamicEmpty: ['out'] },
    program: { kind: 'tree', path: 'sdk/bin/tool', arguments: [4, 6, 7] },
  },
  'not-utf8': {
    options: { static: ['a\udcff.zip'] },
    program: COMMAND,
    given: { environment: { HOME: '/home/\udce9' } },
  },
  root: { options: { static: ['sdk.zip'] }, program: COMMAND, given: { host: ROOT } },
  'root-images': {
    options: { static: ['app.AppImage', 'sdk.zip', 'text:image.b64'] },
    program: COMMAND,
    given: { host: ROOT },
  },
  'cache-static': {
    options: { static: ['sdk.zip', 'text:sdk.b64'], dynamic: ['big.zip'], cache: 'static' },
    program: COMMAND,
  },
  'cache-all': {
    options: { dynamic: ['big.zip', 'text:big.b64', 'small:/srv/deps.zip'], cache: true, jobs: 2 },
    program: COMMAND,
  },
  'cache-environment': {
    options: { static: ['sdk.zip'] },
    program: COMMAND,
    given: {
      environment: {
        HOME: '/home/u',
        CI: 'true',
        FUSELAGE_CACHE: '1',
        FUSELAGE_CACHE_PATH: '/opt/cache::nearby:/srv/\udce9',
        FUSELAGE_CACHE_MAX_AGE_DAYS: 'a month',
        FUSELAGE_CACHE_MAX_SIZE: 'much',
      },
    },
  },
  'cache-not-wanted': {
    options: { static: ['sdk.zip'], dynamic: ['big.zip'], cache: false },
    program: COMMAND,
    given: { environment: { HOME: '/home/u', FUSELAGE_CACHE: '1' } },
  },
  'cache-root': {
    options: {
      static: ['app.AppImage', 'text:image.b64'],
      dynamic: ['big.zip', 'image:big.sfs', 'image-text:big-image.b64', 'copy:app.AppImage'],
      cache: true,
    },
    program: COMMAND,
    given: { host: ROOT },
  },
  'cache-root-of-namespace': {
    options: { static: ['app.AppImage'], dynamic: ['big.zip'], cache: true },
    program: COMMAND,
    given: { host: { ...ROOT, inUserNamespace: true, loopControl: false } },
  },
  'cache-old-kernel': {
    options: { static: ['sdk.zip'], dynamic: ['big.zip'], cache: true },
    program: COMMAND,
    given: { host: { ...USER, kernelRelease: '5.10.0-9-amd64' } },
  },
  'cache-no-home': {
    options: { static: ['sdk.zip'], dynamic: ['big.zip'], cache: true },
    program: COMMAND,
    given: { home: READ_ONLY_HOME, files: { '/run': entry('d1', 'directory') } },
  },
  'cache-no-home-others': {
    options: { static: ['sdk.zip'], dynamic: ['big.zip'], cache: true },
    program: COMMAND,
    given: {
      home: READ_ONLY_HOME,
      files: { '/run': entry('d1', 'directory') },
      environment: { HOME: '/home/u', FUSELAGE_CACHE_PATH: '/opt/cache' },
    },
  },
  'cache-extract-allow': {
    options: { static: ['sdk.zip'], dynamic: ['big.zip'], cache: true, extract: 'allow' },
    program: COMMAND,
  },
  'root-overlay': {
    options: { dynamic: ['image:big.sfs', 'text:big-image.b64'] },
    program: COMMAND,
    given: { host: ROOT },
  },
  'writable-copy': {
    options: { dynamic: ['big.zip', 'image:big.sfs'], cache: true, writable: 'copy' },
    program: COMMAND,
    given: { host: ROOT },
  },
  'writable-overlay': {
    options: { dynamic: ['sdk.zip'], cache: true, writable: 'overlay' },
    program: COMMAND,
  },
  'writable-overlay-no-cache': {
    options: { dynamic: ['sdk.zip'], writable: 'overlay' },
    program: COMMAND,
  },
  'extract-force': {
    options: { static: ['sdk.zip', 'text:sdk.b64'], dynamicEmpty: ['out'], extract: 'force' },
    program: COMMAND,
  },
  'extract-allow': {
    options: { static: ['sdk.zip'], tmpfsSize: '512M', extract: 'allow' },
    program: COMMAND,
  },
  'extract-allow-no-home': {
    options: { static: ['sdk.zip'], extract: 'allow' },
    program: COMMAND,
    given: {
      home: READ_ONLY_HOME,
      files: { '/run': entry('d1', 'directory') },
    },
  },
  'extract-prefer': { options: { static: ['sdk.zip'], extract: 'prefer' }, program: COMMAND },
  'extract-prefer-root': {
    options: { static: ['sdk.zip'], extract: 'prefer' },
    program: COMMAND,
    given: { host: ROOT },
  },
  'no-home-mirror': {
    options: { static: ['sdk.zip'] },
    program: COMMAND,
    given: {
      home: READ_ONLY_HOME,
      files: { '/run': entry('d1', 'directory') },
    },
  },
  'no-home-no-run': {
    options: { static: ['sdk.zip'] },
    program: COMMAND,
    given: {
      host: ROOT,
      home: READ_ONLY_HOME,
      files: { '/': entry('d0', 'directory') },
      fallback: { state: 'creatable', owner: null, why: '' },
    },
  },
  'no-home-made': {
    options: { static: ['sdk.zip'] },
    program: COMMAND,
    given: {
      host: ROOT,
      home: { state: 'foreign', owner: USER.uid, why: '/home/u belongs to uid 1000' },
      files: { '/run': entry('d1', 'directory') },
      fallback: { state: 'creatable', owner: null, why: '' },
    },
  },
  'no-home-directory': {
    options: { dynamicEmpty: ['out'] },
    program: COMMAND,
    given: {
      host: { ...ROOT, uid: 0 },
      home: { state: 'foreign', owner: USER.uid, why: 'it belongs to uid 1000' },
      files: { '/run': entry('d1', 'directory'), '/run/fuselage': entry('d2', 'directory') },
    },
  },
};

function plan({ options, program, given }: Golden): string {
  const seen = inputs({ archives, ...given });
  const request = runRequest(options, program, seen);
  return `${JSON.stringify(planRun(request, gatherFacts(request, seen, POLICY), POLICY), null, 2)}\n`;
}

test.each(Object.entries(GOLDEN))('%s', (name, golden) => {
  const file = join(DIRECTORY, `${name}.json`);
  const planned = plan(golden);
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, planned);
  expect(planned).toBe(readFileSync(file, 'utf8'));
});

test('every golden plan has a request here', () => {
  const files = readdirSync(DIRECTORY).filter((file) => file.endsWith('.json'));
  expect(files.sort()).toEqual(
    Object.keys(GOLDEN)
      .map((name) => `${name}.json`)
      .sort(),
  );
});
