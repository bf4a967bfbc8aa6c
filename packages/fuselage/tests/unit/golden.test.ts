/**
 * Whole plans, which both test suites read: here `planRun` must give exactly them, and
 * `crates/fuselage-plan/tests/golden.rs` must understand, accept and rewrite them.
 * `UPDATE_GOLDEN=1 npx jest golden` writes them anew.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { POLICY } from '../../src/config/policy.js';
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
const archives = {
  'sdk.zip': zip('f1'),
  '/srv/deps.zip': zip('f2'),
  'a\udcff.zip': zip('f3'),
  'sdk.b64': zipText('f4'),
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
      home: { state: 'unusable', owner: null, why: 'it is on a read-only file system' },
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
      home: { state: 'unusable', owner: null, why: 'it is on a read-only file system' },
      files: { '/run': entry('d1', 'directory') },
    },
  },
  'no-home-no-run': {
    options: { static: ['sdk.zip'] },
    program: COMMAND,
    given: {
      host: ROOT,
      home: { state: 'unusable', owner: null, why: 'it is on a read-only file system' },
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
