import { doctorJson, doctorText } from '../../src/commands/doctor.js';
import { type Check, hostChecks } from '../../src/host/capabilities.js';
import { Inputs, libraryCaller } from '../../src/inputs.js';
import { addon, platform } from '../../src/native/index.js';

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
