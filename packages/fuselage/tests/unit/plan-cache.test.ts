/** When trees come from the cache or are overlays, and what is said where they do not. */
import type { CacheUse } from '../../src/config/cache.js';
import { POLICY } from '../../src/config/policy.js';
import type { ArchiveFacts, HostFacts } from '../../src/native/index.js';
import type { MountPlan, Step } from '../../src/native/plan-types.js';
import type { RunFacts } from '../../src/run/facts.js';
import type { CacheRequest, RunRequest } from '../../src/run/request.js';
import { ROOT, squashfs, USER, zip } from '../support/given.js';
import { CACHE, DYNAMIC, facts, plan, request, STATIC } from '../support/planning.js';

const FROM = POLICY.overlayFrom;

const uses = (use: CacheUse, more: Partial<CacheRequest> = {}): CacheRequest => ({
  ...CACHE,
  use,
  ...more,
});

/** The plan of one dynamic tree. */
function dynamic(
  archive: ArchiveFacts,
  wanted: Partial<RunRequest> = { cache: uses('all') },
  more: Partial<RunFacts> = {},
): MountPlan {
  return plan(request([DYNAMIC], wanted), facts({ archives: new Map([['d', archive]]), ...more }));
}

const long = (archive: ArchiveFacts, length = FROM) => ({ ...archive, length });
const reason = ({ reasons }: MountPlan) => reasons.at(-1);

/** The first step of the name, wherever it stands. */
function find(steps: readonly Step[], name: Step['step']): Step | undefined {
  for (const step of steps) {
    if (step.step === name) return step;
    const inside =
      step.step === 'cache' ? find([...step.then, ...step.otherwise], name) : undefined;
    if (inside !== undefined) return inside;
  }
  return undefined;
}

const isOverlay = ({ steps }: MountPlan) => find(steps, 'overlay') !== undefined;

describe('a dynamic tree', () => {
  test.each([
    [FROM - 1, false],
    [FROM, true],
  ])('of %d bytes: an overlay is %p', (length, overlay) => {
    expect(isOverlay(dynamic(long(zip('2'), length)))).toBe(overlay);
  });

  test('the constant is what the help says', () => {
    expect(FROM).toBe(1024 ** 2);
  });

  test('that is small is a copy, and --cache says so in the reason', () => {
    expect(reason(dynamic(zip('2')))).toMatchObject({
      strategy: 'extracted',
      why:
        "`d.zip` is a zip archive; the copy is this run's own, not an overlay: the file has 1000 " +
        `bytes, and is copied below ${FROM}`,
    });
    expect(reason(dynamic(zip('2'), {}))?.why).toBe(
      "`d.zip` is a zip archive; the copy is this run's own",
    );
  });

  test('as told is an overlay or a copy, whatever its length', () => {
    const cache = uses('all');
    expect(isOverlay(dynamic(zip('2'), { cache, writable: 'overlay' }))).toBe(true);
    const copy = dynamic(long(zip('2')), { cache, writable: 'copy' });
    expect(isOverlay(copy)).toBe(false);
    expect(reason(copy)?.why).toContain('not an overlay: --writable=copy');
  });

  test('without anything below is a copy: said where an overlay was asked for', () => {
    for (const use of ['off', 'unset', 'static'] as const) {
      const asked = dynamic(long(zip('2')), { cache: uses(use), writable: 'overlay' });
      expect(isOverlay(asked)).toBe(false);
      expect(reason(asked)?.why).toContain('there is no tree to put it over');
      const auto = dynamic(long(zip('2')), { cache: uses(use) });
      expect(reason(auto)?.why).toMatch(/the copy is this run's own$/);
    }
  });

  test('of an image is over the mounted one where the kernel mounts it, without any cache', () => {
    const image = long(squashfs('2'));
    const asRoot = dynamic(image, {}, { host: ROOT });
    expect(asRoot.steps.slice(-2)).toMatchObject([
      { step: 'image', id: 'tree-1-lower', at: { procdir: 'overlay/d/lower' }, length: 5000 },
      { step: 'overlay', id: 'tree-1', lower: 'tree-1-lower', attributes: 'trusted' },
    ]);
    expect(reason(asRoot)?.strategy).toBe('an overlay over the mounted image');
    const asUser = dynamic(image, {}, { whyNoImageMounts: 'only root can mount image files' });
    expect(isOverlay(asUser)).toBe(false);
  });
});

describe('the notes of an overlay', () => {
  const NAMESPACE_ROOT = { ...ROOT, inUserNamespace: true };
  test.each<[string, HostFacts, string, string | null]>([
    ['a user', USER, '6.18.0', 'user'],
    ['a user', USER, '5.11.0-rc1', 'user'],
    ['a user', USER, '5.11', 'user'],
    ['a user', USER, '5.10.99', null],
    ['a user', USER, '4.18.0-553.el8', null],
    ['root', ROOT, '4.18.0-553.el8', 'trusted'],
    ['root of a namespace', NAMESPACE_ROOT, '6.18.0', 'user'],
    ['root of a namespace', NAMESPACE_ROOT, '5.4.0', null],
  ])('%s %j on %s: %s', (_who, host, kernelRelease, attributes) => {
    const made = dynamic(long(zip('2')), undefined, { host: { ...host, kernelRelease } });
    const step = find(made.steps, 'overlay');
    expect(step?.step === 'overlay' ? step.attributes : null).toBe(attributes);
    if (attributes === null) expect(reason(made)?.why).toContain(`Linux ${kernelRelease} mounts`);
  });
});

describe('without a usable home', () => {
  const home: RunFacts['home'] = {
    path: '/h',
    isTold: false,
    state: 'unusable',
    owner: null,
    why: 'it is full',
  };
  const notices = (trees: RunRequest['trees'], cache: CacheRequest, more: Partial<RunFacts> = {}) =>
    plan(request(trees, { cache }), facts({ home, ...more })).notices;

  test('the cache is not used, which is said if a tree would be from it', () => {
    const said = ['the cache is not used: there is no usable home (it is full)'];
    expect(notices([STATIC], uses('static'))).toEqual(said);
    expect(notices([STATIC], uses('all'))).toEqual(said);
    expect(notices([STATIC], uses('off'))).toEqual([]);
    expect(notices([STATIC], uses('unset'))).toEqual([]);
    expect(notices([], uses('all'))).toEqual([]);
    expect(notices([DYNAMIC], uses('static'))).toEqual([]);
    const mounted = { host: ROOT, archives: new Map([['s', squashfs('1')]]) };
    expect(notices([STATIC], uses('all'), mounted)).toEqual([]);
  });

  test('further caches are', () => {
    const others = { paths: ['/c'], notices: [] };
    const made = plan(request([STATIC], { cache: uses('all', { others }) }), facts({ home }));
    expect(made.notices).toEqual([]);
    expect(made.cache).toEqual({ others: ['/c'], background: true, prune: false });
    expect(made.steps.at(-1)?.step).toBe('cache');
    expect(reason(made)?.why).toContain('further caches alone');
  });
});

describe('settings that are none', () => {
  const others = { paths: [], notices: ['other'] };
  const limits = { maxAgeDays: 30, maxSize: null, notices: ['limit'] };

  test.each<[CacheUse, string[]]>([
    ['all', ['other', 'limit']],
    ['unset', ['limit']],
    ['off', []],
  ])('are said where they count: %s', (use, said) => {
    const cache = { use, others, limits };
    expect(plan(request([STATIC], { cache })).notices).toEqual(said);
  });
});

describe('real files', () => {
  test('use no cache, and the reasons say so', () => {
    const wanted = request([STATIC, DYNAMIC], { extract: 'force', cache: uses('all') });
    const made = plan(
      wanted,
      facts({
        archives: new Map([
          ['s', zip('1')],
          ['d', long(zip('2'))],
        ]),
      }),
    );
    expect(find(made.steps, 'cache')).toBeUndefined();
    expect(made.notices).toEqual([]);
    const [ofStatic, ofDynamic] = made.reasons.slice(-2);
    expect(ofStatic?.why).toContain('not from the cache: real files');
    expect(ofDynamic?.why).toContain('not an overlay: without namespaces');
  });
});

test('layers have one directory, each tree one in it, before all trees', () => {
  const trees = ['a', 'b'].map((name) => ({ ...DYNAMIC, name }));
  const archives = new Map(trees.map(({ name }) => [name, long(zip(name))]));
  const made = plan(request(trees, { cache: uses('all') }), facts({ archives }));
  expect(made.steps.slice(3).map(({ id }) => id)).toEqual([
    'overlay',
    'tree-1-overlay',
    'tree-2-overlay',
    'tree-1-cached',
    'tree-2-cached',
  ]);
});

test('nothing goes on in the background where CI is set, and nothing is evicted without limits', () => {
  expect(plan(request(), facts({ isCi: true })).cache).toMatchObject({
    background: false,
    prune: false,
  });
  const limits = (maxAgeDays: number, maxSize: number | null) =>
    plan(request([], { cache: uses('unset', { limits: { maxAgeDays, maxSize, notices: [] } }) }));
  expect(limits(30, null).cache.prune).toBe(true);
  expect(limits(0, 1).cache.prune).toBe(true);
  expect(limits(0, null).cache).toMatchObject({ background: true, prune: false });
});
