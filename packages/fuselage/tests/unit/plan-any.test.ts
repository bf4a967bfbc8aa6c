/** What holds of every plan, whatever was asked for and found. */
import fc from 'fast-check';
import { readable } from '../../src/bytes.js';
import type { CacheUse, Writable } from '../../src/config/cache.js';
import type { ExtractPolicy } from '../../src/config/extract.js';
import { POLICY } from '../../src/config/policy.js';
import { FuselageError } from '../../src/errors.js';
import type { HomeFacts } from '../../src/native/index.js';
import type { MountPlan, Step } from '../../src/native/plan-types.js';
import type { FallbackFact, RunFacts } from '../../src/run/facts.js';
import { mayMount } from '../../src/run/namespaces.js';
import type { RunRequest, TreeRequest } from '../../src/run/request.js';
import { VERSION } from '../../src/version.js';
import { ROOT, USER, zip } from '../support/given.js';
import { plan, request } from '../support/planning.js';

/** What was made so far: ids, and what kind of step made them. */
type Made = Map<string, Step['step']>;

/** What `validate` of `fuselage-plan` wants of the steps; the golden plans go through the real one. */
function checkSteps(steps: readonly Step[], made: Made): void {
  for (const step of steps) {
    expect(made.has(step.id)).toBe(false);
    if ('at' in step || step.step === 'decode') expect([...made.values()]).toContain('procdir');
    if (step.step === 'extract') {
      const decoded = 'decoded' in step.source;
      if ('decoded' in step.source) expect(made.get(step.source.decoded)).toBe('decode');
      expect('cached' in step.source).toBe(false);
      expect(step.format === null).toBe(decoded);
      if (decoded) expect(step.offset).toBe(0);
    }
    if (step.step === 'image') {
      const { source } = step;
      if ('decoded' in source) expect(made.get(source.decoded)).toBe('decode');
      if ('cached' in source) expect(made.get(source.cached)).toBe('cache');
    }
    if (step.step === 'bind') expect(made.get(step.cached)).toBe('cache');
    if (step.step === 'readOnly') expect(made.get(step.tree)).toBe('extract');
    if (step.step === 'procdir' && typeof step.on === 'object') {
      expect(made.get(step.on.mountPoint)).toBe('mountPoint');
    }
    if (step.step === 'cache') {
      const { archive, id } = step;
      expect(archive.format === null).toBe(archive.encoding === 'base64');
      if (archive.format === null) expect(archive.offset).toBe(0);
      checkChoice(made, [...step.then], [...step.otherwise], new Map([[id, 'cache']]));
    } else if (step.step === 'overlay') {
      expect(['bind', 'image']).toContain(made.get(step.lower));
      expect([...made.keys()]).toContain(`${step.id}-overlay`);
      checkChoice(made, [], [...step.otherwise], new Map());
      made.set(step.id, 'overlay');
    } else {
      made.set(step.id, step.step);
    }
  }
}

/** Both choices are sound, and what is known afterwards is what both have made. */
function checkChoice(made: Made, then: Step[], otherwise: Step[], known: Made): void {
  const one = new Map([...made, ...known]);
  checkSteps(then, one);
  const other = new Map(made);
  checkSteps(otherwise, other);
  for (const [id, step] of one) if (other.has(id)) made.set(id, step);
}

/** Every way that the steps can go: with the cache and without, with overlays and without. */
function ways(steps: readonly Step[], cache: boolean, overlays: boolean): Step[] {
  return steps.flatMap((step): Step[] => {
    if (step.step === 'cache') return ways(cache ? step.then : step.otherwise, cache, overlays);
    if (step.step === 'overlay' && !overlays) return ways(step.otherwise, cache, overlays);
    return [step];
  });
}

/** Whether every way makes each tree once, and no static one that can be written. */
function checkWays({ steps }: MountPlan, wanted: readonly TreeRequest[]): void {
  const made = (id: string, way: readonly Step[]) =>
    way.filter((step) => step.id === id).map(({ step }) => step);
  for (const cache of [true, false]) {
    for (const overlays of [true, false]) {
      const way = ways(steps, cache, overlays);
      expect(new Set(way.map(({ id }) => id)).size).toBe(way.length);
      wanted.forEach(({ kind }, index) => {
        const [step, ...more] = made(`tree-${index + 1}`, way);
        expect(more).toEqual([]);
        const isReadOnly = made(`tree-${index + 1}-read-only`, way).length === 1;
        if (kind === 'static') expect(step === 'extract').toBe(isReadOnly);
        const allowed = {
          static: ['image', 'bind', 'extract'],
          dynamic: overlays ? ['overlay', 'extract'] : ['extract'],
          empty: ['directory'],
        }[kind];
        expect(allowed).toContain(step);
      });
    }
  }
}

/** What comes first, in this order. */
const RANKS: readonly Step['step'][] = ['decode', 'image', 'cache'];

/** What holds of every plan of these trees. */
function check(made: MountPlan, wanted: readonly TreeRequest[]): void {
  checkSteps(made.steps, new Map());
  checkWays(made, wanted);
  expect(made.version).toBe(VERSION);
  expect(made.steps.filter(({ step }) => step === 'procdir')).toHaveLength(1);
  const statics = wanted.filter(({ kind }) => kind === 'static').length;
  const ranks = made.steps.flatMap(({ step }) => (RANKS.includes(step) ? [step] : []));
  expect(ranks).toEqual([...ranks].sort((a, b) => RANKS.indexOf(a) - RANKS.indexOf(b)));
  const mounts = made.steps.filter(
    (step) =>
      ['image', 'cache', 'overlay', 'mountPoint'].includes(step.step) ||
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

/** What holds of the cache in every plan. */
function checkCache(made: MountPlan, { cache }: RunRequest, { isCi }: RunFacts): void {
  const steps = made.steps.filter(({ step }) => step === 'cache');
  const isUsed = steps.length > 0;
  const isAskedFor = cache.use === 'static' || cache.use === 'all';
  if (!isAskedFor || made.namespaces === 'none') expect(isUsed).toBe(false);
  // A place to keep something, or to find it.
  if (isUsed) expect(made.home !== null || cache.others.paths.length > 0).toBe(true);
  expect(made.cache.others).toHaveLength(isUsed ? cache.others.paths.length : 0);
  expect(made.cache.background).toBe(!isCi);
  const { maxAgeDays, maxSize } = cache.limits;
  const mayPrune =
    made.home !== null && cache.use !== 'off' && (maxAgeDays > 0 || maxSize !== null);
  expect(made.cache.prune).toBe(mayPrune && !isCi);
  expect(made.notices.length > 0 && (isUsed || !isAskedFor)).toBe(false);
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
  const length = fc.constantFrom(1000, POLICY.overlayFrom - 1, POLICY.overlayFrom, 2 ** 40);
  const found = fc.record({ format, encoding, offset: fc.nat(), imageLength, length });
  const cached = fc.record({
    use: fc.constantFrom<CacheUse>('off', 'unset', 'static', 'all'),
    paths: fc.constantFrom<string[]>([], ['/c', '/\udcff']),
    maxAgeDays: fc.constantFrom(0, 30),
    maxSize: fc.constantFrom(null, 1),
    isCi: fc.boolean(),
    writable: fc.constantFrom<Writable>('copy', 'overlay', 'auto'),
    kernelRelease: fc.constantFrom('4.18.0-553.el8', '5.10.1', '5.11', '6.18.0'),
  });
  const policy = fc.constantFrom<ExtractPolicy>('deny', 'allow', 'prefer', 'force');
  fc.assert(
    fc.property(
      trees,
      host,
      home,
      fallback,
      found,
      policy,
      cached,
      (wanted, who, at, below, known, extract, kept) => {
        const archives = new Map(wanted.map(({ name }) => [name, { ...zip(name), ...known }]));
        const given: RunFacts = {
          host: {
            ...who.host,
            sysAdmin: who.sysAdmin,
            inUserNamespace: who.inUserNamespace,
            kernelRelease: kept.kernelRelease,
          },
          home: at,
          fallback: below,
          archives,
          isCi: kept.isCi,
          whyNoImageMounts: who.sysAdmin && !who.inUserNamespace ? null : 'only root can',
        };
        const { use, paths, maxAgeDays, maxSize, writable } = kept;
        const others = { paths, notices: [] };
        const cache = { use, others, limits: { maxAgeDays, maxSize, notices: [] } };
        const asked = request(wanted, { extract, cache, writable });
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
        checkCache(made, asked, given);
        if (made.otherwise !== null) {
          expect(made.otherwise.namespaces).toBe('none');
          check(made.otherwise, wanted);
          checkCache(made.otherwise, asked, given);
        }
        expect(made).toEqual(plan(asked, given));
      },
    ),
    { numRuns: 2000 },
  );
});
