import fc from 'fast-check';

import type { FuselageError } from '../../src/errors.js';
import { checkSource } from '../../src/run/archive-source.js';
import { archiveSpec, parseArchiveSpec, stem } from '../../src/run/archive-spec.js';
import { programPath } from '../../src/run/program-path.js';

const nothing = () => false;

function code(action: () => unknown): string | null {
  try {
    action();
    return null;
  } catch (error) {
    return (error as FuselageError).code;
  }
}

test.each([
  ['a.zip', 'a'],
  ['d/e/a.zip', 'a'],
  ['a.zip.b64', 'a.zip'],
  ['a.b64.zip', 'a'],
  ['a.b64.zip.sfs', 'a'],
  ['a.sfs.zip', 'a.sfs'],
  ['x.tar.gz', 'x.tar.gz'],
  ['x.AppImage', 'x.AppImage'],
  ['d/a:b.zip', 'a:b'],
  ['.zip', ''],
])('the NAME of %j is %j', (file, name) => {
  expect(stem(file)).toBe(name);
});

test.each([
  ['a.zip', { name: 'a', file: 'a.zip' }],
  ['n:a.zip', { name: 'n', file: 'a.zip' }],
  ['n:/d/a:b.zip', { name: 'n', file: '/d/a:b.zip' }],
  ['n::', { name: 'n', file: ':' }],
])('without such a file, %j is %j', (text, spec) => {
  expect(parseArchiveSpec(text, nothing)).toEqual(spec);
});

// F3 of the original: refused, or with a suffix in the NAME.
test.each([
  ['/tmp/a:b.zip', 'a:b'],
  ['d/a:b.zip', 'a:b'],
  ['a:b.zip', 'a:b'],
])('an existing file %j works bare and named', (file, name) => {
  const isFile = (path: string) => path === file;
  expect(parseArchiveSpec(file, isFile)).toEqual({ name, file });
  expect(parseArchiveSpec(`n:${file}`, isFile)).toEqual({ name: 'n', file });
});

test.each([
  ['', 'ERR_USAGE'],
  ['n:', 'ERR_USAGE'],
  [':a.zip', 'ERR_TREE_NAME'],
  ['.:a.zip', 'ERR_TREE_NAME'],
  ['..:a.zip', 'ERR_TREE_NAME'],
  ['.zip', 'ERR_TREE_NAME'],
  ['..', 'ERR_TREE_NAME'],
  ['a\0b:c', 'ERR_TREE_NAME'],
  [`${'x'.repeat(256)}:c`, 'ERR_TREE_NAME'],
  ['/opt/x:c', 'ERR_PATH_TARGET'],
  ['./x:c', 'ERR_PATH_TARGET'],
  ['/run/fuselage/x:c', 'ERR_PATH_TARGET'],
])('%j is refused: %s', (text, refusal) => {
  expect(code(() => parseArchiveSpec(text, nothing))).toBe(refusal);
});

test('the parts of a spec are held to the same rules', () => {
  expect(archiveSpec('d/a.zip', undefined)).toEqual({ name: 'a', file: 'd/a.zip' });
  expect(archiveSpec('d/a.zip', 'n:m')).toEqual({ name: 'n:m', file: 'd/a.zip' });
  expect(code(() => archiveSpec('a', 'b/c'))).toBe('ERR_PATH_TARGET');
  expect(code(() => archiveSpec('a', ''))).toBe('ERR_TREE_NAME');
});

const text = fc.string({ unit: fc.constantFrom('a', '.', '/', ':', ' ', '\n', 'é', '\udcff') });

test('whatever is taken has a usable name, and gives back what was written', () => {
  fc.assert(
    fc.property(text, fc.boolean(), (written, exists) => {
      let spec: ReturnType<typeof parseArchiveSpec>;
      try {
        spec = parseArchiveSpec(written, () => exists);
      } catch {
        return;
      }
      expect(spec.name).not.toMatch(/^\.{0,2}$|\//);
      expect(written).toBe(written === spec.file ? spec.file : `${spec.name}:${spec.file}`);
      if (exists) expect(spec.file).toBe(written);
    }),
  );
});

test.each(['/dev/stdin', '/dev/fd/63', '/dev//fd/0', '/x/../dev/stdin', '/proc/self/fd/3'])(
  '%j as a source is refused by name',
  (file) => {
    expect(code(() => checkSource(file))).toBe('ERR_ARCHIVE_NOT_REGULAR');
  },
);

test.each(['/dev/shm/a.zip', 'dev/stdin', '/srv/proc/self/a', '/proc/selfish', 'a.zip'])(
  '%j is a source',
  (file) => {
    expect(code(() => checkSource(file))).toBe(null);
  },
);

test.each([
  ['bin/x', 'bin/x'],
  ['./bin//x', 'bin/x'],
  ['x', 'x'],
  ['a..b/...', 'a..b/...'],
])('--run %j is %j', (path, plain) => {
  expect(programPath(path)).toBe(plain);
});

// F4 of the original: `a/../../../bin/sh` escapes.
test.each([
  ['a/../../../bin/sh', 'ERR_RUN_ESCAPES'],
  ['..', 'ERR_RUN_ESCAPES'],
  ['a/..', 'ERR_RUN_ESCAPES'],
  ['/bin/sh', 'ERR_RUN_ESCAPES'],
  ['/run/fuselage/x/y', 'ERR_RUN_ESCAPES'],
  ['', 'ERR_USAGE'],
  ['.', 'ERR_USAGE'],
])('--run %j is refused: %s', (path, refusal) => {
  expect(code(() => programPath(path))).toBe(refusal);
});
