import fc from 'fast-check';

import { readable } from '../../src/bytes.js';
import { POLICY } from '../../src/config/policy.js';
import { FuselageError } from '../../src/errors.js';
import type { ArchiveFacts, HomeFacts, HostFacts } from '../../src/native/index.js';
import type { MountPlan, Step } from '../../src/native/plan-types.js';
import type { FallbackFact, RunFacts } from '../../src/run/facts.js';
import { planRun } from '../../src/run/plan.js';
import type { ProgramRequest, RunRequest, TreeRequest } from '../../src/run/request.js';
import { VERSION } from '../../src/version.js';
import { OWN_HOME, ROOT, squashfs, USER, zip, zipText } from '../support/given.js';

const COMMAND: ProgramRequest = { kind: 'command', index: 0, nearSubcommand: null };

function request(trees: TreeRequest[] = [], more: Partial<RunRequest> = {}): RunRequest {
  const program = COMMAND;
  const numbers = { jobs: null, tmpfsSize: null, limits: {} };
  return { trees, program, ...numbers, extract: 'deny', explain: false, ...more };
}

const FALLBACK: FallbackFact = { kind: null, refused: null, creatable: false, ancestor: '/run' };

function facts(more: Partial<RunFacts> = {}): RunFacts {
  return {
    host: USER,
    home: { path: '/home/u/.fuselage', isTold: false, ...OWN_HOME },
    fallback: FALLBACK,
    archives: new Map([
      ['s', zip('1')],
      ['d', zip('2')],
    ]),
    whyNoImageMounts: null,
    ...more,
  };
}

const plan = (wanted: RunRequest, given = facts()) => planRun(wanted, given, POLICY);
const ids = ({ steps }: MountPlan) => steps.map(({ id }) => id);
const STATIC: TreeRequest = { kind: 'static', name: 's', file: 's.zip' };
const DYNAMIC: TreeRequest = { kind: 'dynamic', name: 'd', file: 'd.zip' };
const EMPTY: TreeRequest = { kind: 'empty', name: 'e' };

describe('trees', () => {
  test('none: there is a private directory with tmp all the same', () => {
    const made = plan(request());
    expect(ids(made)).toEqual(['procdir', 'tmp']);
    expect(made.environment).toEqual({
      cleared: ['FUSELAGE_TMPDIR', 'FUSELAGE_STATIC', 'FUSELAGE_DYNAMIC'],
      set: [{ name: 'FUSELAGE_TMPDIR', place: { procdir: 'tmp' } }],
    });
  });

  test('a static zip is extracted and made read-only', () => {
    const made = plan(request([STATIC]));
    expect(made.steps.slice(2)).toEqual([
      { step: 'directory', id: 'static', at: { procdir: 'static' } },
      {
        step: 'extract',
        id: 'tree-1',
        source: { path: 's.zip', identity: '1' },
        format: 'zip',
        offset: 0,
        at: { procdir: 'static/s' },
        limits: POLICY.limits,
        jobs: null,
      },
      { step: 'readOnly', id: 'tree-1-read-only', tree: 'tree-1', how: 'mount' },
    ]);
    expect(made.environment.set.map(({ name }) => name)).toEqual([
      'FUSELAGE_TMPDIR',
      'FUSELAGE_STATIC',
    ]);
  });

  test('an image behind an ELF program is extracted from where it begins', () => {
    const looksLike = 'a squashfs image at byte 4097 behind an ELF program';
    const image = { ...squashfs('1'), offset: 4097, looksLike };
    const whyNoImageMounts = 'only root can mount image files';
    const archives = new Map([['s', image]]);
    const made = plan(request([STATIC]), facts({ archives, whyNoImageMounts }));
    expect(made.steps[3]).toMatchObject({ step: 'extract', format: 'squashfs', offset: 4097 });
    const why = `\`s.zip\` is ${looksLike}; ${whyNoImageMounts}`;
    expect(made.reasons.at(-1)).toMatchObject({ strategy: 'extracted, then read-only', why });
  });

  test('base64 text is decoded first, and its format is left to who decodes it', () => {
    const text = (more: Partial<ArchiveFacts>) => new Map([['s', { ...zipText('1'), ...more }]]);
    for (const format of ['zip', null]) {
      const made = plan(request([STATIC]), facts({ archives: text({ format }) }));
      expect(made.steps.slice(3)).toEqual([
        { step: 'decode', id: 'tree-1-decoded', source: { path: 's.zip', identity: '1' } },
        {
          step: 'extract',
          id: 'tree-1',
          source: { decoded: 'tree-1-decoded' },
          format: null,
          offset: 0,
          at: { procdir: 'static/s' },
          limits: POLICY.limits,
          jobs: null,
        },
        { step: 'readOnly', id: 'tree-1-read-only', tree: 'tree-1', how: 'mount' },
      ]);
      expect(made.reasons.at(-1)).toMatchObject({
        strategy: 'decoded, extracted, then read-only',
        why: expect.stringContaining('`s.zip` is base64 text of a zip archive'),
      });
    }
    const dynamic = plan(request([DYNAMIC]), facts({ archives: new Map([['d', zipText('2')]]) }));
    expect(ids(dynamic)).toEqual(['procdir', 'tmp', 'dynamic', 'tree-1-decoded', 'tree-1']);
  });

  test('all text is decoded before anything is extracted', () => {
    const archives = new Map([
      ['s', zipText('1')],
      ['d', zipText('2')],
    ]);
    const made = plan(request([STATIC, DYNAMIC]), facts({ archives }));
    const extracting = ids(made).slice(ids(made).indexOf('tree-1'));
    expect(ids(made)).toEqual(expect.arrayContaining(['tree-1-decoded', 'tree-2-decoded']));
    expect(extracting).toEqual(['tree-1', 'tree-1-read-only', 'tree-2']);
  });

  test('a dynamic zip is extracted and left writable', () => {
    const made = plan(request([DYNAMIC]));
    expect(ids(made)).toEqual(['procdir', 'tmp', 'dynamic', 'tree-1']);
    expect(made.steps.some(({ step }) => step === 'readOnly')).toBe(false);
    expect(made.environment.set.map(({ name }) => name)).toEqual([
      'FUSELAGE_TMPDIR',
      'FUSELAGE_DYNAMIC',
    ]);
  });

  test('an empty tree is a directory among the dynamic ones', () => {
    const made = plan(request([EMPTY]));
    expect(made.steps.at(-1)).toEqual({
      step: 'directory',
      id: 'tree-1',
      at: { procdir: 'dynamic/e' },
    });
  });

  test('limits and jobs of the request reach the step', () => {
    const made = plan(request([STATIC], { limits: { depth: 3 }, jobs: 2, tmpfsSize: 4096 }));
    expect(made.steps.find(({ step }) => step === 'extract')).toMatchObject({
      limits: { ...POLICY.limits, depth: 3 },
      jobs: 2,
    });
    expect(made.steps[0]).toMatchObject({ step: 'procdir', size: 4096 });
  });

  test('what is no archive is refused with what it looks like and what is accepted', () => {
    const gzip = { ...zip('1'), format: null, looksLike: 'a gzip file', advice: 'unpack it' };
    const archives = new Map([['s', gzip]]);
    try {
      plan(request([STATIC]), facts({ archives }));
      throw new Error('it was taken');
    } catch (error) {
      expect((error as FuselageError).toReport()).toEqual({
        code: 'ERR_ARCHIVE_UNRECOGNISED',
        message: 'the archive `s.zip` is of no format that fuselage reads',
        causes: ['it looks like a gzip file'],
        hints: ['unpack it', 'accepted are: zip, base64 text of these'],
        exitCode: 125,
      });
    }
  });

  test('names that are not UTF-8 are bytes in places and paths', () => {
    const tree: TreeRequest = { kind: 'static', name: 's\udcff', file: '\udcff.zip' };
    const made = plan(request([tree]), facts({ archives: new Map([['s\udcff', zip('1')]]) }));
    const bytes = (...parts: (string | number)[]) => ({
      bytes: Buffer.concat(
        parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))),
      ).toString('base64'),
    });
    expect(made.steps[3]).toMatchObject({
      at: { procdir: bytes('static/s', 0xff) },
      source: { path: bytes(0xff, '.zip') },
    });
  });
});

describe('the program', () => {
  test('is words of the caller', () => {
    const program: ProgramRequest = { kind: 'command', index: 3, nearSubcommand: 'run' };
    expect(plan(request([], { program })).program).toEqual({
      program: 'command',
      commandIndex: 3,
      nearSubcommand: 'run',
    });
  });

  test('or is looked for in every tree', () => {
    const program: ProgramRequest = { kind: 'tree', path: 'bin/x', arguments: [4, 6] };
    expect(plan(request([DYNAMIC, EMPTY, STATIC], { program })).program).toEqual({
      program: 'tree',
      path: 'bin/x',
      trees: [
        { name: 'd', at: { procdir: 'dynamic/d' } },
        { name: 'e', at: { procdir: 'dynamic/e' } },
        { name: 's', at: { procdir: 'static/s' } },
      ],
      arguments: [4, 6],
    });
  });
});

describe('namespaces', () => {
  test.each<[string, HostFacts, string, string]>([
    ['a user', USER, 'user', 'you are uid 1000'],
    ['a user with the capability', { ...USER, sysAdmin: true }, 'user', 'you are uid 1000'],
    ['root', ROOT, 'mount', 'read-only is only advisory'],
    ['root of a namespace', { ...ROOT, inUserNamespace: true }, 'mount', 'of a user namespace'],
    ['root without it', { ...ROOT, sysAdmin: false }, 'user', 'root without CAP_SYS_ADMIN'],
    ['a user with euid 0', { ...ROOT, uid: 1000 }, 'mount', 'root'],
  ])('%s', (_who, host, namespaces, why) => {
    const made = plan(request(), facts({ host }));
    expect(made.namespaces).toBe(namespaces);
    expect(made.reasons[0]?.subject).toBe('namespaces');
    expect(made.reasons[0]?.why).toContain(why);
  });
});

describe('the home', () => {
  const home = (state: HomeFacts['state'], owner: number | null = null) => ({
    path: '/h',
    isTold: false,
    state,
    owner,
    why: 'the reason',
  });

  test.each(['usable', 'creatable'] as const)('%s: the private directory is there', (state) => {
    const made = plan(request(), facts({ home: home(state) }));
    expect(made.home).toBe('/h');
    expect(made.steps[0]).toEqual({ step: 'procdir', id: 'procdir', on: 'home', size: null });
  });

  test('unusable: a mirror of what is above /run/fuselage', () => {
    const made = plan(request(), facts({ home: home('unusable') }));
    expect(made.home).toBeNull();
    expect(made.steps.slice(0, 2)).toEqual([
      {
        step: 'mountPoint',
        id: 'fallback',
        path: '/run/fuselage',
        how: { way: 'mirror', ancestor: '/run' },
      },
      { step: 'procdir', id: 'procdir', on: { mountPoint: 'fallback' }, size: null },
    ]);
    expect(made.reasons[1]).toEqual({
      subject: 'home',
      strategy: 'not used',
      why: 'the reason',
      at: '/h',
    });
  });

  test('unusable, and /run/fuselage is there: on it', () => {
    const fallback: FallbackFact = { ...FALLBACK, kind: 'directory' };
    const made = plan(request(), facts({ home: home('unusable'), fallback }));
    expect(made.steps[0]).toMatchObject({ how: { way: 'directory' } });
  });

  test('unusable, and /run/fuselage may be made: it is', () => {
    const fallback: FallbackFact = { ...FALLBACK, creatable: true };
    const made = plan(request(), facts({ host: ROOT, home: home('unusable'), fallback }));
    expect(made.steps[0]).toMatchObject({ path: '/run/fuselage', how: { way: 'directory' } });
    expect(made.reasons[2]).toMatchObject({ strategy: 'on a directory that is made' });
  });

  test('one’s own whose mode keeps its owner out: an error with the fix', () => {
    const planned = () => plan(request(), facts({ home: home('lockedOut') }));
    expect(planned).toThrow('the home `/h` cannot be used');
    expect(planned).toThrow(
      expect.objectContaining({
        code: 'ERR_HOME_UNUSABLE',
        causes: ['the reason'],
        hints: ['give yourself all rights to it: chmod 0700 /h'],
      }),
    );
  });

  test('unusable, and /run/fuselage is a file: an error', () => {
    const fallback: FallbackFact = { ...FALLBACK, kind: 'file' };
    expect(() => plan(request(), facts({ home: home('unusable'), fallback }))).toThrow(
      'no place for the trees',
    );
  });

  test('unusable, and /run/fuselage cannot be relied on: the error that tells why', () => {
    const refused = new FuselageError('ERR_HOME_OWNER', 'cannot use it', {
      hints: ['h'],
    }).toReport();
    const fallback: FallbackFact = { ...FALLBACK, kind: 'directory', refused };
    const planned = (home: RunFacts['home']) => plan(request(), facts({ home, fallback }));
    expect(() => planned(home('unusable'))).toThrow(
      expect.objectContaining({ code: 'ERR_HOME_OWNER', message: 'cannot use it' }),
    );
    expect(planned(home('usable')).home).toBe('/h');
  });

  test("somebody else's: an error for a user", () => {
    expect(() => plan(request(), facts({ home: home('foreign', 7) }))).toThrow(
      'the home `/h` belongs to uid 7, you are uid 1000',
    );
  });

  test("somebody else's: root reads and writes nothing there", () => {
    const made = plan(request(), facts({ host: ROOT, home: home('foreign', 7) }));
    expect(made.home).toBeNull();
    expect(made.reasons[1]?.why).toContain('nothing is read or written there');
    expect(made.steps[0]?.step).toBe('mountPoint');
  });
});

describe('the home that FUSELAGE_HOME names', () => {
  const told = (state: HomeFacts['state'], owner: number | null = null) => ({
    path: '/h',
    isTold: true,
    state,
    owner,
    why: 'the reason',
  });

  test.each(['usable', 'creatable'] as const)('%s: is used', (state) => {
    expect(plan(request(), facts({ home: told(state) })).home).toBe('/h');
  });

  test('unusable: an error, and nothing takes its place', () => {
    for (const host of [USER, ROOT]) {
      const planned = () => plan(request(), facts({ host, home: told('unusable') }));
      expect(planned).toThrow(
        expect.objectContaining({
          code: 'ERR_HOME_UNUSABLE',
          message: 'the home `/h` cannot be used',
          causes: ['the reason', 'FUSELAGE_HOME names it, so nothing takes its place'],
        }),
      );
    }
  });

  test('that nobody can be told to own: the refusal that says why, and no word of the home', () => {
    const refused = new FuselageError('ERR_USERNS_DENIED', 'cannot make one', {
      causes: ['the ids have no mapping'],
      hints: ['map them'],
    }).toReport();
    const host = { ...USER, refused };
    for (const home of [told('foreign', 7), told('usable')]) {
      expect(() => plan(request(), facts({ host, home }))).toThrow(
        expect.objectContaining({ code: 'ERR_USERNS_DENIED', causes: refused.causes }),
      );
    }
    // Of a group without a mapping alone, real files know nothing.
    const allowed = request([], { extract: 'allow' });
    expect(plan(allowed, facts({ host, home: told('usable') })).otherwise).not.toBe(null);
    expect(() => plan(allowed, facts({ host, home: told('foreign', 7) }))).toThrow(
      expect.objectContaining({ code: 'ERR_USERNS_DENIED' }),
    );
  });

  test("somebody else's: an error for root, too", () => {
    for (const host of [USER, ROOT]) {
      const planned = () => plan(request(), facts({ host, home: told('foreign', 7) }));
      expect(planned).toThrow(
        expect.objectContaining({
          code: 'ERR_HOME_OWNER',
          hints: ['set FUSELAGE_HOME to a directory of your own, or unset it'],
        }),
      );
    }
  });
});

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
  fc.assert(
    fc.property(trees, host, home, fallback, found, (wanted, who, at, below, known) => {
      const archives = new Map(wanted.map(({ name }) => [name, { ...zip(name), ...known }]));
      const given: RunFacts = {
        host: { ...who.host, sysAdmin: who.sysAdmin, inUserNamespace: who.inUserNamespace },
        home: at,
        fallback: below,
        archives,
        whyNoImageMounts: who.sysAdmin && !who.inUserNamespace ? null : 'only root can',
      };
      let made: MountPlan;
      try {
        made = plan(request(wanted), given);
      } catch (error) {
        expect(error).toBeInstanceOf(FuselageError);
        const expected =
          (known.format === null &&
            known.encoding === 'plain' &&
            wanted.some(({ kind }) => kind !== 'empty')) ||
          at.state === 'foreign' ||
          at.state === 'lockedOut' ||
          (at.state === 'unusable' && (at.isTold || below.kind !== null));
        expect(expected).toBe(true);
        return;
      }
      checkSteps(made.steps);
      expect(made.version).toBe(VERSION);
      expect(made.steps.filter(({ step }) => step === 'procdir')).toHaveLength(1);
      const statics = wanted.filter(({ kind }) => kind === 'static').length;
      const readOnly = ['readOnly', 'image'];
      expect(made.steps.filter(({ step }) => readOnly.includes(step))).toHaveLength(statics);
      const set = made.environment.set.map(({ name }) => name);
      expect(set.includes('FUSELAGE_STATIC')).toBe(statics > 0);
      expect(set.includes('FUSELAGE_DYNAMIC')).toBe(wanted.length > statics);
      for (const { name } of wanted) {
        expect(made.reasons.some(({ subject }) => subject.endsWith(` ${readable(name)}`))).toBe(
          true,
        );
      }
      expect(made).toEqual(plan(request(wanted), given));
    }),
    { numRuns: 500 },
  );
});
