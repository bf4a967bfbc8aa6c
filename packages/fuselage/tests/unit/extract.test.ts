/** Which plan each policy of `--extract` gives, and what is refused. */
import { POLICY } from '../../src/config/policy.js';
import { FuselageError } from '../../src/errors.js';
import type { HostFacts } from '../../src/native/index.js';
import type { MountPlan } from '../../src/native/plan-types.js';
import { gatherFacts } from '../../src/run/facts.js';
import { planRun } from '../../src/run/plan.js';
import { runRequest, type TreeOptions } from '../../src/run/request.js';
import { entry, type Given, inputs, ROOT, USER, zip } from '../support/given.js';

const ROOT_OF_NAMESPACE: HostFacts = { ...ROOT, inUserNamespace: true };
const ROOT_WITHOUT: HostFacts = { ...ROOT, sysAdmin: false };

function plan(options: TreeOptions, given: Given = {}): MountPlan {
  const seen = inputs({
    archives: { 's.zip': zip('1') },
    files: { '/run': entry('d1', 'directory') },
    ...given,
  });
  const request = runRequest(
    { static: ['s.zip'], ...options },
    { kind: 'command', index: 0, nearSubcommand: null },
    seen,
  );
  return planRun(request, gatherFacts(request, seen, POLICY), POLICY);
}

function refusal(make: () => unknown): FuselageError {
  try {
    make();
  } catch (error) {
    if (error instanceof FuselageError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const strategy = ({ reasons }: MountPlan, subject: string) =>
  reasons.find((reason) => reason.subject === subject)?.strategy;

describe.each([
  ['deny', USER, 'user', null],
  ['deny', ROOT, 'mount', null],
  ['allow', USER, 'user', 'none'],
  ['allow', ROOT, 'mount', 'none'],
  ['allow', ROOT_WITHOUT, 'user', 'none'],
  ['prefer', USER, 'none', null],
  ['prefer', ROOT, 'mount', null],
  ['prefer', ROOT_OF_NAMESPACE, 'mount', null],
  ['prefer', ROOT_WITHOUT, 'none', null],
  ['force', USER, 'none', null],
  ['force', ROOT, 'none', null],
] as const)('%s as %j', (extract, host, namespaces, otherwise) => {
  const made = plan({ extract }, { host });

  test(`namespaces ${namespaces}, otherwise ${otherwise}`, () => {
    expect(made.namespaces).toBe(namespaces);
    expect(made.otherwise?.namespaces ?? null).toBe(otherwise);
    expect(made.otherwise?.otherwise ?? null).toBeNull();
  });

  test('only real files are read-only by permissions, and only they are in `extracted`', () => {
    for (const one of [made, ...(made.otherwise === null ? [] : [made.otherwise])]) {
      const real = one.namespaces === 'none';
      const how = real ? 'permissions' : 'mount';
      const on = real ? 'extracted' : 'home';
      expect(one.steps).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ step: 'readOnly', how }),
          expect.objectContaining({ step: 'procdir', on }),
        ]),
      );
      expect(/without write permission/.test(strategy(one, 'static s') ?? '')).toBe(real);
    }
  });
});

test('the policy is told by the option, else by the variable, else it is deny', () => {
  const environment = { HOME: '/home/u', FUSELAGE_EXTRACT: 'force' };
  expect(plan({}).namespaces).toBe('user');
  expect(plan({}, { environment }).namespaces).toBe('none');
  expect(plan({ extract: 'deny' }, { environment }).namespaces).toBe('user');
});

test('another word is refused with the four that there are', () => {
  const wrong = refusal(() => plan({ extract: 'always' as 'allow' }));
  expect(wrong).toMatchObject({ code: 'ERR_USAGE', message: '`--extract` is `always`' });
  expect(wrong.hints.join()).toContain('deny, allow, prefer, force');
  const environment = { HOME: '/home/u', FUSELAGE_EXTRACT: 'Force' };
  expect(refusal(() => plan({}, { environment })).message).toBe('`FUSELAGE_EXTRACT` is `Force`');
});

test('the size of a tmpfs is of no meaning to real files', () => {
  const options = { tmpfsSize: '1M' } as const;
  const size = (made: MountPlan) => made.steps.find(({ step }) => step === 'procdir');
  expect(size(plan({ ...options, extract: 'deny' }))).toMatchObject({ size: 1 << 20 });
  expect(size(plan({ ...options, extract: 'force' }))).toMatchObject({ size: null });
});

describe('without a usable home', () => {
  const READ_ONLY = { state: 'unusable', owner: null, why: 'it is read-only' } as const;
  const FOREIGN = { state: 'foreign', owner: 1000, why: 'it is of uid 1000' } as const;

  test('real files have no place: an error with the fix', () => {
    for (const [home, host, code] of [
      [READ_ONLY, USER, 'ERR_HOME_UNUSABLE'],
      [READ_ONLY, ROOT, 'ERR_HOME_UNUSABLE'],
      [FOREIGN, ROOT, 'ERR_HOME_OWNER'],
      [{ ...FOREIGN, owner: 5 }, USER, 'ERR_HOME_OWNER'],
    ] as const) {
      const refused = refusal(() => plan({ extract: 'force' }, { home, host }));
      expect(refused.code).toBe(code);
      expect(refused.hints.join()).toContain('FUSELAGE_HOME');
    }
  });

  test('one that is named is never replaced', () => {
    const environment = { HOME: '/home/u', FUSELAGE_HOME: '/srv/h' };
    const refused = refusal(() => plan({ extract: 'force' }, { home: READ_ONLY, environment }));
    expect(refused).toMatchObject({ code: 'ERR_HOME_UNUSABLE' });
    expect(refused.message).toContain('/srv/h');
  });

  test('namespaces that may be refused are tried, and nothing takes their place', () => {
    const made = plan({ extract: 'allow' }, { home: READ_ONLY });
    expect(made).toMatchObject({ namespaces: 'user', otherwise: null });
    expect(strategy(made, 'extract')).toBe('not possible');
    expect(strategy(plan({ extract: 'allow' }), 'extract')).toBe('allowed');
  });
});
