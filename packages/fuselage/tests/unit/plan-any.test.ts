/** What holds of every plan, whatever was asked for and found. */
import fc from 'fast-check';
import { readable } from '../../src/bytes.js';
import type { ExtractPolicy } from '../../src/config/extract.js';
import { FuselageError } from '../../src/errors.js';
import type { HomeFacts } from '../../src/native/index.js';
import type { MountPlan, Step } from '../../src/native/plan-types.js';
import type { FallbackFact, RunFacts } from '../../src/run/facts.js';
import { mayMount } from '../../src/run/namespaces.js';
import type { TreeRequest } from '../../src/run/request.js';
import { VERSION } from '../../src/version.js';
import { ROOT, USER, zip } from '../support/given.js';
import { plan, request } from '../support/planning.js';

/** What `validate` of `fuselage-plan` wants of the steps; the golden plans go through the real one. */
function checkSteps(steps: readonly Step[]): void {
  const made = new Map<string, Step['step']>();
  for (const step of steps) {
    expect(made.has(step.id)).toBe(false);
    if (step.step === 'extract') {
      const decoded = 'decoded' in step.source;
      if ('decoded' in step.source) expect(made.get(step.source.decoded)).toBe('decode');
      expect(step.format === null).toBe(decoded);
      if (decoded) expect(step.offset).toBe(0);
    }
    if (step.step === 'decode') expect([...made.values()]).toContain('procdir');
    if (step.step === 'readOnly') expect(made.get(step.tree)).toBe('extract');
    if (step.step === 'procdir' && typeof step.on === 'object') {
      expect(made.get(step.on.mountPoint)).toBe('mountPoint');
    }
    if ('at' in step) expect([...made.values()]).toContain('procdir');
    made.set(step.id, step.step);
  }
}

/** What holds of every plan of these trees. */
function check(made: MountPlan, wanted: readonly TreeRequest[]): void {
  checkSteps(made.steps);
  expect(made.version).toBe(VERSION);
  expect(made.steps.filter(({ step }) => step === 'procdir')).toHaveLength(1);
  const statics = wanted.filter(({ kind }) => kind === 'static').length;
  const readOnly = ['readOnly', 'image'];
  expect(made.steps.filter(({ step }) => readOnly.includes(step))).toHaveLength(statics);
  const mounts = made.steps.filter(
    (step) =>
      ['image', 'mountPoint'].includes(step.step) ||
      (step.step === 'readOnly' && step.how === 'mount') ||
      (step.step === 'procdir' && step.on !== 'extracted'),
  );
  expect(mounts.length > 0).toBe(made.namespaces !== 'none');
  const set = made.environment.set.map(({ name }) => name);
  expect(set.includes('FUSELAGE_STATIC')).toBe(statics > 0);
  expect(set.includes('FUSELAGE_DYNAMIC')).toBe(wanted.length > statics);
  const isExplained = ({ name }: TreeRequest) =>
    made.reasons.some(({ subject }) => subject.endsWith(` ${readable(name)}`));
  expect(wanted.filter((tree) => !isExplained(tree))).toEqual([]);
}

test('every cell: any request and any facts give a sound plan or an error of ours', () => {
  const name = fc.string({
    minLength: 1,
    maxLength: 4,
    unit: fc.constantFrom('a', 'b', ':', '\udcff'),
  });
  const tree: fc.Arbitrary<TreeRequest> = fc.oneof(
    fc.record({ kind: fc.constant('empty' as const), name }),
    fc.record({ kind: fc.constantFrom('static' as const, 'dynamic' as const), name, file: name }),
  );
  const trees = fc.uniqueArray(tree, { selector: ({ name }) => name, maxLength: 6 });
  const host = fc.record({
    host: fc.constantFrom(USER, ROOT),
    sysAdmin: fc.boolean(),
    inUserNamespace: fc.boolean(),
  });
  const STATES = ['usable', 'creatable', 'foreign', 'lockedOut', 'unusable'] as const;
  const home = fc.record({
    path: fc.constantFrom('/h', '/h\udcff'),
    isTold: fc.boolean(),
    state: fc.constantFrom<HomeFacts['state']>(...STATES),
    owner: fc.constantFrom(null, 0, 1000),
    why: fc.constant('why'),
  });
  const fallback = fc.record({
    kind: fc.constantFrom<FallbackFact['kind']>(null, 'directory', 'file', 'other'),
    refused: fc.constant(null),
    creatable: fc.boolean(),
    ancestor: fc.constantFrom('/', '/run'),
  });
  const format = fc.constantFrom('zip', 'zip', 'squashfs', null);
  const encoding = fc.constantFrom('plain' as const, 'base64' as const);
  const imageLength = fc.option(fc.nat());
  const found = fc.record({ format, encoding, offset: fc.nat(), imageLength });
  const policy = fc.constantFrom<ExtractPolicy>('deny', 'allow', 'prefer', 'force');
  fc.assert(
    fc.property(
      trees,
      host,
      home,
      fallback,
      found,
      policy,
      (wanted, who, at, below, known, extract) => {
        const archives = new Map(wanted.map(({ name }) => [name, { ...zip(name), ...known }]));
        const given: RunFacts = {
          host: { ...who.host, sysAdmin: who.sysAdmin, inUserNamespace: who.inUserNamespace },
          home: at,
          fallback: below,
          archives,
          isCi: false,
          whyNoImageMounts: who.sysAdmin && !who.inUserNamespace ? null : 'only root can',
        };
        const asked = request(wanted, { extract });
        const real = extract === 'force' || (extract === 'prefer' && !mayMount(given.host));
        let made: MountPlan;
        try {
          made = plan(asked, given);
        } catch (error) {
          expect(error).toBeInstanceOf(FuselageError);
          const expected =
            (known.format === null &&
              known.encoding === 'plain' &&
              wanted.some(({ kind }) => kind !== 'empty')) ||
            at.state === 'foreign' ||
            at.state === 'lockedOut' ||
            (at.state === 'unusable' && (real || at.isTold || below.kind !== null));
          expect(expected).toBe(true);
          return;
        }
        expect(made.namespaces === 'none').toBe(real);
        expect(made.otherwise !== null).toBe(extract === 'allow' && made.home !== null);
        check(made, wanted);
        if (made.otherwise !== null) {
          expect(made.otherwise.namespaces).toBe('none');
          check(made.otherwise, wanted);
        }
        expect(made).toEqual(plan(asked, given));
      },
    ),
    { numRuns: 1000 },
  );
});
