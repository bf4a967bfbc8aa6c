/** What the addon finds in real files, as a user is told it. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
    plan(spec).steps.flatMap((step) => (step.step === 'extract' ? [step.source] : []))[0];
  expect(source('link.zip')).toEqual({ ...source('real.zip'), path: 'link.zip' });
});

test.each([
  ['gzip', gzipSync('x'), 'a gzip file, perhaps a tar.gz', 'mksquashfs'],
  ['page', '\n<!doctype HTML>\n<html></html>', 'an HTML page', 'download'],
  ['pointer', 'version https://git-lfs.github.com/spec/v1\n', 'Git LFS', 'git lfs pull'],
  ['program', readFileSync(process.execPath), 'an ELF program without', 'right behind'],
  ['nothing', '', 'an empty file', 'again'],
  ['text', gzipSync(randomBytes(90)).toString('base64'), 'base64 text of a gzip file', 'tar -xf'],
])('%s is told from an archive by its content', (name, bytes, looks, helps) => {
  put(`${name}.zip`, bytes);
  const error = refusal(`${name}.zip`);
  expect(error.code).toBe('ERR_ARCHIVE_UNRECOGNISED');
  expect(error.causes.join()).toContain(looks);
  expect(error.hints[0]).toContain(helps);
  expect(error.hints.at(-1)).toMatch(/^accepted are: .*zip, .*base64 text of these$/);
});

test.each([
  ['one-line', (text: string) => text],
  ['lines', (text: string) => `# a.zip\n\n${text.replace(/.{9}/g, '$&\r\n')}`],
])('base64 text of a zip is decoded first: %s', (name, written) => {
  const { steps, reasons } = plan(put(`${name}.b64`, written(EMPTY_ZIP.toString('base64'))));
  expect(steps.slice(-3)).toMatchObject([
    { step: 'decode', source: { path: `${name}.b64`, identity: expect.stringMatching(/./) } },
    { step: 'extract', source: { decoded: 'tree-1-decoded' }, format: null },
    { step: 'readOnly' },
  ]);
  expect(reasons.at(-1)?.why).toContain('is base64 text of an empty zip archive');
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
