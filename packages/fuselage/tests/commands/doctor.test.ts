import { doctorJson, doctorText } from '../../src/commands/doctor.js';
import { type Check, hostChecks } from '../../src/host/capabilities.js';
import { Inputs, libraryCaller } from '../../src/inputs.js';
import { addon, type HomeFacts, platform } from '../../src/native/index.js';
import { entry, type Given, inputs, OWN_HOME, USER } from '../support/given.js';

const FINE: Check = {
  name: 'node',
  ok: true,
  needed: true,
  detail: 'v20',
  code: null,
  hints: [],
  causes: [],
};
const BAD: Check = {
  name: 'user-namespace',
  ok: false,
  needed: true,
  detail: 'refused',
  code: 'ERR_USERNS_DENIED',
  causes: ['a sysctl forbids it'],
  hints: ['set it'],
};
const UNNEEDED: Check = { ...BAD, name: 'overlay', needed: false, code: null };

test('for people: ok, or cause and fix', () => {
  expect(doctorText([FINE, BAD, UNNEEDED], false)).toBe(`\
ok    node            v20
FAIL  user-namespace  refused [ERR_USERNS_DENIED]
        cause: a sysctl forbids it
        fix: set it
-     overlay         refused
        cause: a sysctl forbids it
        fix: set it

Runs do not work here; the lines marked FAIL say why.
`);
});

test('what is not needed is no failure', () => {
  expect(doctorText([FINE, UNNEEDED], false)).toContain('\nRuns work here.\n');
});

test('names are printed, and never sent to the terminal as they are', () => {
  const detail = '/h\u001b[2Jx is not used';
  const check = { ...BAD, detail, causes: ['a\nok b'], hints: ['\u009bm'] };
  expect(doctorText([check], false)).toContain(`\
/h\\u{1b}[2Jx is not used [ERR_USERNS_DENIED]
        cause: a\\nok b
        fix: \\u{9b}m
`);
});

test('colour is only about the mark', () => {
  expect(doctorText([FINE], true)).toContain('\u001b[32mok  \u001b[0m  node  v20\n');
});

test('for programs: the keys that are documented', () => {
  expect(JSON.parse(doctorJson([FINE, BAD]))).toEqual({
    ok: false,
    version: expect.any(String),
    checks: [FINE, BAD],
  });
});

test('without a usable home: where the private directory goes, or the error of a run', () => {
  const unusable: HomeFacts = { state: 'unusable', owner: null, why: 'it is read-only' };
  const check = (given: Given) =>
    hostChecks(inputs({ home: unusable, ...given }), platform).find(({ name }) => name === 'home');
  const run = entry('d1', 'directory');
  expect(check({ files: { '/run': run } })).toMatchObject({
    ok: true,
    detail:
      '/home/u/.fuselage is not used: it is read-only; runs work without it, on a mirror of /run',
  });
  const files = { '/run': run, '/run/fuselage': entry('f', 'file') };
  expect(check({ files })).toMatchObject({
    ok: false,
    needed: true,
    code: 'ERR_HOME_UNUSABLE',
    causes: ['the home cannot be used: it is read-only', '`/run/fuselage` is no directory'],
  });
  const refused = {
    code: 'ERR_HOME_OWNER',
    message: 'm',
    causes: ['c'],
    hints: ['h'],
    exitCode: 125,
  };
  const directory = { '/run': run, '/run/fuselage': entry('d2', 'directory') };
  expect(check({ files: directory })).toMatchObject({ ok: true });
  expect(check({ files: directory, refused })).toMatchObject({
    ok: false,
    code: 'ERR_HOME_OWNER',
    detail: 'm',
  });
  expect(check({ files, home: OWN_HOME })).toMatchObject({ ok: true });
});

test('where the ids have no mapping, no word of the home but why', () => {
  const refused = {
    code: 'ERR_USERNS_DENIED',
    message: 'm',
    causes: ['c'],
    hints: ['h'],
    exitCode: 125,
  };
  const host = { ...USER, refused };
  const checks = hostChecks(inputs({ home: OWN_HOME, host }), platform);
  expect(checks.find(({ name }) => name === 'home')).toMatchObject({
    ok: false,
    code: 'ERR_USERNS_DENIED',
    causes: ['c'],
  });
});

describe('on this host', () => {
  const checks = hostChecks(new Inputs(libraryCaller(), addon), platform);

  test('everything is looked at, in this order', () => {
    expect(checks.map(({ name }) => name)).toEqual([
      ...['node', 'addon', 'launcher'],
      ...['kernel', 'user-namespace', 'tmpfs', 'overlay', 'loop', 'fuse', 'apparmor', 'seccomp'],
      'home',
    ]);
  });

  test('what is not well has a cause and a way out', () => {
    for (const { ok, causes, hints } of checks) {
      expect(causes.length > 0).toBe(!ok);
      expect(hints.length > 0).toBe(!ok);
    }
  });

  test('the parts that were built together are of one version', () => {
    for (const name of ['addon', 'launcher']) {
      expect(checks.find((check) => check.name === name)).toMatchObject({ ok: true, needed: true });
    }
  });
});
