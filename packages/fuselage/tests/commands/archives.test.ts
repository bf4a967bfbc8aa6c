/** What the addon finds in real files, as a user is told it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { FuselageError, planRun } from '../../src/index.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'fuselage-archives-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** An empty zip archive: the record that ends every one (APPNOTE 4.3.16). */
const EMPTY_ZIP = Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)]);

function put(name: string, bytes: Buffer | string): string {
  writeFileSync(join(directory, name), bytes);
  return name;
}

function plan(spec: string) {
  const env = { FUSELAGE_HOME: join(directory, 'home') };
  return planRun({ static: [spec], command: 'true', cwd: directory, env });
}

function refusal(spec: string): FuselageError {
  try {
    plan(spec);
  } catch (error) {
    if (error instanceof FuselageError) return error;
    throw error;
  }
  throw new Error(`${spec} was taken`);
}

test.each(['a.zip', 'a:b.zip', 'n\n.zip'])('the zip %j is extracted', (name) => {
  const { steps } = plan(put(name, EMPTY_ZIP));
  expect(steps.find(({ step }) => step === 'extract')).toMatchObject({
    source: { path: name, identity: expect.stringMatching(/./) },
    at: { procdir: `static/${name.replace('.zip', '')}` },
  });
});

test('through a symlink it is the same file', () => {
  put('real.zip', EMPTY_ZIP);
  symlinkSync('real.zip', join(directory, 'link.zip'));
  const source = (spec: string) =>
    plan(spec).steps.flatMap((step) => (step.step === 'extract' ? [step.source.identity] : []));
  expect(source('link.zip')).toEqual(source('real.zip'));
});

test.each([
  ['gzip', gzipSync('x'), 'gzip'],
  ['page', '<!DOCTYPE html>\n<html></html>', 'HTML'],
  ['nothing', '', 'empty'],
])('%s is told from an archive by its content', (name, bytes, looks) => {
  put(`${name}.zip`, bytes);
  const error = refusal(`${name}.zip`);
  expect(error.code).toBe('ERR_ARCHIVE_UNRECOGNISED');
  expect(error.causes.join()).toContain(looks);
  expect(error.hints.join()).toContain('zip');
});

test('what is no file is refused by what it is', () => {
  execFileSync('mkfifo', [join(directory, 'fifo.zip')]);
  mkdirSync(join(directory, 'directory.zip'));
  for (const [name, code] of [
    ['fifo.zip', 'ERR_ARCHIVE_NOT_REGULAR'],
    ['directory.zip', 'ERR_ARCHIVE_NOT_REGULAR'],
    ['/dev/null', 'ERR_ARCHIVE_NOT_REGULAR'],
    ['/dev/fd/0', 'ERR_ARCHIVE_NOT_REGULAR'],
    ['missing.zip', 'ERR_ARCHIVE_MISSING'],
    ['directory.zip/x', 'ERR_ARCHIVE_MISSING'],
  ]) {
    expect(refusal(`x:${name}`).code).toBe(code);
  }
});

test('planning makes nothing', () => {
  plan(put('a.zip', EMPTY_ZIP));
  expect(() => rmSync(join(directory, 'home'))).toThrow('ENOENT');
});
