import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mountTest, rootMountTest } from '../support/must-mount.js';
import { freshDirectory } from '../support/places.js';
import { caller, ordinaryUser, runFuselage } from '../support/run-fuselage.js';
import { tinySquashfs } from '../support/tiny-squashfs.js';

describe.each([
  ['an ordinary user', ordinaryUser, mountTest, 'deny'],
  ['an ordinary user without namespaces', ordinaryUser, test, 'force'],
  ['root', 0, rootMountTest, 'deny'],
] as const)('as %s', (_name, uid, test, extract) => {
  const who = () => caller(uid, { environment: { FUSELAGE_EXTRACT: extract } });

  test('a squashfs image is a tree, read-only and as a copy', () => {
    const image = join(freshDirectory(), 'image.sfs');
    writeFileSync(image, tinySquashfs('hello.txt', 'hello\n'));
    const script = `cd "$FUSELAGE_STATIC/image" && cat hello.txt && ! echo x 2>/dev/null >new
      cd "$FUSELAGE_DYNAMIC/copy" && echo more >>hello.txt && cat hello.txt`;
    const options = ['run', '--static', image, '--dynamic', `copy:${image}`];
    const ended = runFuselage(who(), [...options, '--', 'sh', '-c', script]);
    const stdout = 'hello\nhello\nmore\n';
    expect(ended).toEqual({ status: 0, signal: null, stdout, stderr: '' });
  });

  test('a squashfs image of another kind is an error that says which', () => {
    const image = join(freshDirectory(), 'image.sfs');
    const bytes = tinySquashfs('hello.txt', 'hello\n');
    for (const [change, word, code] of [
      [() => bytes.write('sqsh', 0, 'latin1'), 'big-endian', 'UNRECOGNISED'],
      [
        () => bytes.write('hsqs', 0, 'latin1') && bytes.writeUInt16LE(3, 28),
        'version 3.0',
        'UNSUPPORTED',
      ],
      [() => bytes.writeUInt16LE(4, 28) && bytes.writeUInt16LE(3, 20), 'lzo', 'UNSUPPORTED'],
    ] as const) {
      change();
      writeFileSync(image, bytes);
      // A static image is root's kernel's to read.
      const ended = runFuselage(who(), ['run', '-d', image, '--', 'true']);
      expect(ended).toMatchObject({ status: 125, stdout: '' });
      expect(ended.stderr).toContain(word);
      expect(ended.stderr).toContain(`ERR_ARCHIVE_${code}`);
    }
  });
});
