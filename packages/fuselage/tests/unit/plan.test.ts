/** How trees are made, the program is found and namespaces are chosen. */
import { POLICY } from '../../src/config/policy.js';
import type { FuselageError } from '../../src/errors.js';
import type { ArchiveFacts, HostFacts } from '../../src/native/index.js';
import type { ProgramRequest, TreeRequest } from '../../src/run/request.js';
import { ROOT, squashfs, USER, zip, zipText } from '../support/given.js';
import { DYNAMIC, EMPTY, facts, ids, plan, request, STATIC } from '../support/planning.js';

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
