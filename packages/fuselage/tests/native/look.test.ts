import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { HomeFacts } from '../../src/native/addon.js';
import { addon, type Outcome } from '../../src/native/index.js';
import { VERSION } from '../../src/version.js';
import { inAnotherNode } from '../support/addon-elsewhere.js';
import { rootTest } from '../support/must-mount.js';
import { freshDirectory } from '../support/places.js';
import { ordinaryUser } from '../support/run-fuselage.js';
import { writeZip } from '../support/zip-file.js';

const bytes = (path: string) => Buffer.from(path);

test('the addon is of the version of the package', () => {
  expect(addon().version()).toBe(VERSION);
});

describe('inspectArchive', () => {
  const look = (path: string) => addon().inspectArchive(bytes(path));

  test('tells a zip, its length and its identity', () => {
    const path = writeZip(join(freshDirectory(), 'a.zip'), [{ name: 'a', content: 'alpha' }]);
    const before = look(path).value;
    expect(before).toMatchObject({ format: 'zip', length: statSync(path).size });
    expect(before?.looksLike).toMatch(/zip/);
    expect(look(path).value).toEqual(before);
    writeZip(path, [{ name: 'a', content: 'other' }]);
    expect(look(path).value?.identity).not.toBe(before?.identity);
  });

  test('says what else a file looks like', () => {
    const path = join(freshDirectory(), 'page.zip');
    writeFileSync(path, '<!DOCTYPE html><html><body>404</body></html>');
    expect(look(path)).toMatchObject({ value: { format: null } });
    expect(look(path).value?.looksLike).toMatch(/HTML/);
    writeFileSync(path, '');
    expect(look(path).value).toMatchObject({ format: null, length: 0 });
    expect(look(path).value?.looksLike).toMatch(/empty/);
  });

  test('takes paths that are no UTF-8', () => {
    const path = Buffer.concat([bytes(`${freshDirectory()}/`), Buffer.from([0xff, 0xfe])]);
    writeFileSync(path, 'x');
    expect(addon().inspectArchive(path)).toMatchObject({ value: { length: 1 } });
  });

  test('of nothing: it is missing', () => {
    const directory = freshDirectory();
    symlinkSync('nowhere', join(directory, 'link'));
    for (const [name, hint] of [
      ['none.zip', /path/],
      ['link', /symbolic link/],
    ] as const) {
      const { error } = look(join(directory, name));
      expect(error).toMatchObject({
        code: 'ERR_ARCHIVE_MISSING',
        message: `cannot open the archive ${directory}/${name}`,
        causes: ['No such file or directory (ENOENT)'],
        exitCode: 125,
      });
      expect(error?.hints[0]).toMatch(hint);
    }
  });

  test('of what is no regular file: it says what it is, and does not wait', async () => {
    const directory = freshDirectory();
    execFileSync('mkfifo', [join(directory, 'fifo')]);
    const server = createServer().listen(join(directory, 'socket'));
    await new Promise((resolve) => server.on('listening', resolve));
    try {
      for (const [path, what] of [
        [directory, 'a directory'],
        [join(directory, 'fifo'), 'a FIFO'],
        [join(directory, 'socket'), 'a socket'],
        ['/dev/null', 'a character device'],
      ] as const) {
        const { error } = look(path);
        expect(error).toMatchObject({
          code: 'ERR_ARCHIVE_NOT_REGULAR',
          message: `cannot use ${path} as an archive`,
          causes: [`it is ${what}, not a regular file`],
        });
        expect(error?.hints).toHaveLength(1);
      }
    } finally {
      server.close();
    }
  });

  rootTest('of what may not be read: the reason of the system', () => {
    const path = writeZip(join(freshDirectory(), 'a.zip'), [{ name: 'a' }]);
    const script = `answer(addon.inspectArchive(Buffer.from(${JSON.stringify(path)})))`;
    const user = { uid: ordinaryUser };
    expect(inAnotherNode(script, user)).toMatchObject({ value: { format: 'zip' } });
    chmodSync(path, 0o600);
    expect(inAnotherNode(script, user)).toMatchObject({
      error: {
        code: 'ERR_ARCHIVE_OPEN',
        causes: ['Permission denied (EACCES)'],
        hints: [expect.stringContaining('readable')],
      },
    });
  });
});

describe('inspectFile', () => {
  const look = (path: string) => addon().inspectFile(bytes(path));

  test('tells kinds, mode, owner and length, through links', () => {
    const directory = freshDirectory();
    const path = join(directory, 'file');
    writeFileSync(path, 'four');
    chmodSync(path, 0o4750);
    symlinkSync('file', join(directory, 'link'));
    const owner = process.getuid?.();
    const file = { kind: 'file', mode: 0o4750, length: 4, owner };
    expect(look(path).value).toMatchObject(file);
    expect(look(join(directory, 'link')).value).toEqual(look(path).value);
    expect(look(path).value?.identity).toBe(addon().inspectArchive(bytes(path)).value?.identity);
    expect(look(directory)).toMatchObject({ value: { kind: 'directory', mode: 0o755 } });
    expect(look('/dev/null')).toMatchObject({ value: { kind: 'other' } });
  });

  test('nothing is null, and what cannot be looked at an error', () => {
    const directory = freshDirectory();
    expect(look(join(directory, 'none'))).toEqual({ value: null });
    symlinkSync('loop', join(directory, 'loop'));
    expect(look(join(directory, 'loop')).error?.causes).toEqual([
      'Too many symbolic links encountered (ELOOP)',
    ]);
  });
});

test('inspectFallback takes a directory, and no link to one', () => {
  const directory = freshDirectory();
  const link = join(freshDirectory(), 'link');
  symlinkSync(directory, link);
  expect(addon().inspectFallback(bytes(directory))).toEqual({ value: null });
  expect(addon().inspectFallback(bytes(link)).error).toMatchObject({
    code: 'ERR_HOME_UNUSABLE',
    causes: [`${link} is a symbolic link, and none is followed there`],
    hints: [`remove the link: rm ${link}`],
  });
});

describe('inspectHome', () => {
  const look = (path: string) => addon().inspectHome(bytes(path));

  test('makes and changes nothing', () => {
    const directory = freshDirectory();
    const home = join(directory, 'home');
    expect(look(home)).toEqual({ value: { state: 'creatable', owner: null, why: '' } });
    expect(readdirSync(directory)).toEqual([]);
    mkdirSync(home, { mode: 0o755 });
    expect(look(home)).toEqual({ value: { state: 'usable', owner: null, why: '' } });
    expect(statSync(home).mode & 0o777).toBe(0o755);
    expect(readdirSync(home)).toEqual([]);
  });

  test('says why a file or a relative path is none', () => {
    const path = join(freshDirectory(), 'file');
    writeFileSync(path, '');
    expect(look(path).value).toEqual({
      state: 'unusable',
      owner: null,
      why: `${path} is not a directory`,
    });
    expect(look('relative').value).toMatchObject({ state: 'unusable' });
  });

  rootTest('of somebody else: foreign, both ways', () => {
    const theirs = freshDirectory(ordinaryUser);
    expect(look(theirs).value).toMatchObject({ state: 'foreign', owner: ordinaryUser });
    const script = (path: string) =>
      `answer(addon.inspectHome(Buffer.from(${JSON.stringify(path)})))`;
    const user = { uid: ordinaryUser };
    const seen = (path: string) => inAnotherNode<Outcome<HomeFacts>>(script(path), user).value;
    expect(seen(theirs)).toMatchObject({ state: 'usable' });
    expect(seen(freshDirectory())).toMatchObject({ state: 'foreign', owner: 0 });
    const shut = freshDirectory(ordinaryUser);
    chmodSync(shut, 0);
    expect(seen(shut)).toEqual({
      state: 'lockedOut',
      owner: null,
      why: `the mode 0000 of ${shut} gives not even its owner all rights`,
    });
    chmodSync(theirs, 0o777);
    expect(seen(join(theirs, 'home'))).toEqual({
      state: 'unusable',
      owner: null,
      why: `${theirs} may be written by everybody, who could replace what is below it`,
    });
    expect(seen('/none/home')?.why).toMatch(/cannot make files in \/: Permission denied/);
  });
});
