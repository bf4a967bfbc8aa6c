import { spawnSync } from 'node:child_process';
import type { FuselageError } from '../../src/errors.js';
import { homeFact } from '../../src/run/home.js';
import { type ProgramRequest, runRequest, type TreeOptions } from '../../src/run/request.js';
import { type Given, inputs, zip } from '../support/given.js';
import { CACHE } from '../support/planning.js';

const COMMAND: ProgramRequest = { kind: 'command', index: 1, nearSubcommand: null };

function request(options: TreeOptions, program = COMMAND, given: Given = {}) {
  return runRequest(options, program, inputs(given));
}

function refusal(options: TreeOptions, program = COMMAND, given: Given = {}): FuselageError {
  try {
    request(options, program, given);
  } catch (error) {
    return error as FuselageError;
  }
  throw new Error('it was taken');
}

test('no trees at all is a request too', () => {
  expect(request({})).toEqual({
    trees: [],
    program: COMMAND,
    jobs: null,
    tmpfsSize: null,
    limits: {},
    extract: 'deny',
    cache: CACHE,
    writable: 'auto',
    explain: false,
  });
});

test('dynamic, empty and static trees, each in the order given', () => {
  const { trees } = request({
    static: ['b.zip', { file: 'd/c.zip' }, { name: 'x', file: 'c.zip' }],
    dynamic: ['n:a.zip'],
    dynamicEmpty: ['e:f'],
  });
  expect(trees).toEqual([
    { kind: 'dynamic', name: 'n', file: 'a.zip' },
    { kind: 'empty', name: 'e:f' },
    { kind: 'static', name: 'b', file: 'b.zip' },
    { kind: 'static', name: 'c', file: 'd/c.zip' },
    { kind: 'static', name: 'x', file: 'c.zip' },
  ]);
});

test('a file with a `:` in its path is looked for', () => {
  const given = { archives: { 'd/a:b.zip': zip('1') } };
  expect(request({ static: ['d/a:b.zip'] }, COMMAND, given).trees).toEqual([
    { kind: 'static', name: 'a:b', file: 'd/a:b.zip' },
  ]);
});

test.each<[TreeOptions, string]>([
  [{ static: ['a.zip', 'd/a.zip'] }, 'the static tree of `a.zip` and the static tree of `d/a.zip`'],
  [
    { static: ['a.zip'], dynamic: ['a:b'] },
    'the dynamic tree of `b` and the static tree of `a.zip`',
  ],
  [{ static: ['a.zip'], dynamicEmpty: ['a'] }, 'an empty tree and the static tree of `a.zip`'],
])('two trees of one name are refused: %j', (options, cause) => {
  const error = refusal(options);
  expect(error.code).toBe('ERR_TREE_DUPLICATE');
  expect(error.causes).toEqual([`they are ${cause}`]);
});

test('--run needs a tree and a path inside it', () => {
  const program: ProgramRequest = { kind: 'tree', path: './bin//x', arguments: [] };
  expect(refusal({}, program).message).toBe('`--run bin/x` needs a tree to look in');
  const taken = request({ dynamicEmpty: ['e'] }, program);
  expect(taken.program).toEqual({ kind: 'tree', path: 'bin/x', arguments: [] });
  expect(refusal({ dynamicEmpty: ['e'] }, { ...program, path: '../x' }).code).toBe(
    'ERR_RUN_ESCAPES',
  );
});

test('an option is stronger than its variable, and a wrong variable is named', () => {
  const environment = { FUSELAGE_JOBS: '3', FUSELAGE_TMPFS_SIZE: '1M' };
  expect(request({}, COMMAND, { environment })).toMatchObject({ jobs: 3, tmpfsSize: 1024 ** 2 });
  const options = { jobs: 4, tmpfsSize: '2M' };
  expect(request(options, COMMAND, { environment })).toMatchObject({
    jobs: 4,
    tmpfsSize: 2 * 1024 ** 2,
  });
  const wrong = refusal({}, COMMAND, { environment: { FUSELAGE_JOBS: 'many' } });
  expect(wrong.message).toBe('`FUSELAGE_JOBS` is `many`');
  expect(wrong.code).toBe('ERR_USAGE');
});

test('limits are checked', () => {
  expect(request({ limits: { entries: 5, nameLength: 9 } }).limits).toEqual({
    entries: 5,
    nameLength: 9,
  });
  expect(refusal({ limits: { depth: 0 } }).code).toBe('ERR_USAGE');
  expect(refusal({ limits: { ratio: 2 ** 32 } }).code).toBe('ERR_USAGE');
});

describe('the home', () => {
  const path = (environment: Record<string, string>) => homeFact(inputs({ environment })).path;

  test('is FUSELAGE_HOME, else .fuselage in HOME', () => {
    expect(path({ FUSELAGE_HOME: '/h', HOME: '/home/u' })).toBe('/h');
    expect(path({ FUSELAGE_HOME: '', HOME: '/home/u' })).toBe('/home/u/.fuselage');
    expect(path({ HOME: '/home/u/' })).toBe('/home/u/.fuselage');
    expect(path({ HOME: '/' })).toBe('/.fuselage');
  });

  test('is named by FUSELAGE_HOME or by nobody', () => {
    const isTold = (environment: Record<string, string>) =>
      homeFact(inputs({ environment })).isTold;
    expect(isTold({ FUSELAGE_HOME: '/h', HOME: '/home/u' })).toBe(true);
    expect(isTold({ FUSELAGE_HOME: '', HOME: '/home/u' })).toBe(false);
    expect(isTold({ HOME: 'u' })).toBe(false);
  });

  // C20 of the original: relative paths are exported.
  test('a relative one is refused', () => {
    expect(() => path({ FUSELAGE_HOME: 'h' })).toThrow('FUSELAGE_HOME is `h`');
    expect(homeFact(inputs({ environment: { HOME: 'u' } }))).toMatchObject({
      path: null,
      state: 'unusable',
    });
  });

  test('without HOME it is where the password database says, never a shared place', () => {
    const seen = inputs({ environment: {} });
    // getpwuid(3) by another program; no line where there is no such user.
    const line = spawnSync('getent', ['passwd', String(process.getuid?.())], { encoding: 'utf8' });
    const own = line.stdout.trim().split(':')[5] ?? null;
    expect(homeFact(seen)).toMatchObject(
      own === null
        ? { path: null, state: 'unusable' }
        : { path: `${own.replace(/\/+$/, '')}/.fuselage`, state: 'usable' },
    );
    const value = JSON.stringify(own);
    expect(seen.recorded()).toContainEqual({ input: 'fact', name: 'password home', value });
  });
});

describe('the record of what was looked at', () => {
  test('has each thing once', () => {
    const seen = inputs({ archives: { 'a.zip': zip('7') }, environment: { A: '\udcff' } });
    for (let i = 0; i < 2; i++) {
      seen.variable('A');
      seen.variable('B');
      seen.file('nothing');
      seen.archive('a.zip');
    }
    expect(seen.recorded()).toEqual([
      { input: 'variable', name: 'A', value: { bytes: '/w==' } },
      { input: 'variable', name: 'B', value: null },
      { input: 'absent', path: 'nothing' },
      { input: 'file', path: 'a.zip', identity: '7' },
    ]);
  });

  test('of a variable that comes twice the first counts, and an empty one is none', () => {
    const seen = inputs({ environment: { A: '' } });
    expect(seen.variable('A')).toBeUndefined();
  });

  test('relative paths start in the directory of the caller', () => {
    const seen = inputs({ archives: { '/w/a.zip': zip('7') }, directory: '/w' });
    expect(seen.archive('a.zip').value?.identity).toBe('7');
    expect(seen.archive('/w/a.zip').value?.identity).toBe('7');
  });
});
