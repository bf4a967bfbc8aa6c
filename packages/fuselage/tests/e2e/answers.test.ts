/** Answers of node that the launcher refuses, and what it finds in the trees itself. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MountPlan } from '../../src/native/plan-types.js';
import { VERSION } from '../../src/version.js';
import { mountTest } from '../support/must-mount.js';
import { freshDirectory, launcher, root } from '../support/places.js';
import { type Caller, caller, type Ended, runFuselage } from '../support/run-fuselage.js';
import { standInNode } from '../support/stand-in-node.js';
import { writeZip } from '../support/zip-file.js';

let words: string;
beforeAll(() => {
  words = writeZip(join(freshDirectory(), 'words.zip'), [
    { name: 'bin/hello', content: '#!/bin/sh\necho hello\n', mode: 0o100755 },
  ]);
});

/** Runs `command` by a node that answers `plan` whatever it is asked. */
function answered(who: Caller, plan: unknown, command: string[]): Ended {
  const script = join(freshDirectory(), 'answer.js');
  const answer = JSON.stringify({ answer: 'plan', plan, inputs: [] });
  writeFileSync(
    script,
    `const payload = Buffer.from(${JSON.stringify(answer)});
     const header = Buffer.alloc(4);
     header.writeUInt32LE(payload.length);
     require('fs').writeSync(3, Buffer.concat([header, payload]));
     setInterval(() => {}, 1000);`,
  );
  const environment = { FUSELAGE_NODE: standInNode(`exec "$node" '${script}'`).path };
  return runFuselage({ ...who, environment }, command);
}

describe('a plan', () => {
  const command = ['run', '--static', '', 'echo', 'started'];
  let who: Caller;
  let plan: MountPlan;

  beforeEach(() => {
    who = caller();
    command[2] = words;
    const dry = runFuselage(who, ['run', '--dry-run', '--static', words, 'echo', 'started']);
    plan = JSON.parse(dry.stdout);
    // The words are one less without --dry-run.
    plan.program = { program: 'command', commandIndex: 3, nearSubcommand: null };
  });

  mountTest('that is right is executed', () => {
    expect(answered(who, plan, command)).toMatchObject({ status: 0, stdout: 'started\n' });
  });

  test.each<[string, (plan: MountPlan) => unknown, string]>([
    [
      'of another version',
      (plan) => ({ ...plan, version: '0.0.9' }),
      'of version 0.0.9, the launcher of version',
    ],
    [
      'that refers to no step',
      (plan) => ({ ...plan, steps: plan.steps.slice(1) }),
      'an earlier step',
    ],
    [
      'whose command is no word',
      (plan) => ({ ...plan, program: { ...plan.program, commandIndex: 99 } }),
      'word 99 of 5',
    ],
  ])('%s is not executed', (_name, change, cause) => {
    const ended = answered(who, change(plan), command);
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toContain('[ERR_PLAN_INVALID]');
    expect(ended.stderr).toMatch(new RegExp(`\\n {2}cause: .*${cause}.*\\n {2}fix: .*install`));
  });
});

test('a package of another version than the launcher says so', () => {
  const other = join(freshDirectory(), 'fuselage');
  for (const part of ['dist', 'package.json']) {
    cpSync(join(root, 'packages/fuselage', part), join(other, part), { recursive: true });
  }
  const ask = (version: string) => {
    const bundle = readFileSync(join(root, 'packages/fuselage/dist/cli.cjs'), 'utf8');
    expect(bundle).toContain(`"${VERSION}"`);
    writeFileSync(join(other, 'dist/cli.cjs'), bundle.replaceAll(`"${VERSION}"`, `"${version}"`));
    const who = caller(undefined, { program: launcher });
    return runFuselage(who, [`--fuselage-ask=${other}`, 'run', '--version']);
  };
  const ended = ask('0.0.9');
  expect(ended).toMatchObject({ status: 125, stdout: '' });
  expect(ended.stderr).toContain('[ERR_VERSION_MISMATCH]');
  expect(ended.stderr).toContain(`version 0.0.9, the launcher of ${VERSION}`);
  expect(ended.stderr).toMatch(/\n {2}fix: /);
  // The twin: the same copy of the right version.
  expect(ask(VERSION)).toMatchObject({ status: 0, stdout: `fuselage ${VERSION}\n`, stderr: '' });
});

mountTest('--run of what is in no tree ends with 127 and names the trees', () => {
  const run = (path: string) => runFuselage(caller(), ['run', '-s', words, '--run', path]);
  const ended = run('bin/nothing');
  expect(ended).toMatchObject({ status: 127, stdout: '' });
  expect(ended.stderr).toContain('[ERR_RUN_NOT_FOUND]');
  expect(ended.stderr).toContain('`bin/nothing`');
  expect(ended.stderr).toMatch(/cause: .*\bwords\b/);
  expect(ended.stderr).toMatch(/\n {2}fix: .*NAME\/PATH/);
  expect(run('bin/hello')).toMatchObject({ status: 0, stdout: 'hello\n' });
});
