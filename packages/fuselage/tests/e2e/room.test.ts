/** What does not fit is refused before anything is written, with the fix that helps. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { ControlGroup } from '../support/control-group.js';
import { controlGroupTest, mountTest } from '../support/must-mount.js';
import { freshDirectory, frontDoor } from '../support/places.js';
import { caller, runFuselage } from '../support/run-fuselage.js';
import { writeZip } from '../support/zip-file.js';

const MEBIBYTE = 1 << 20;

let one: string;
let other: string;
let large: string;

beforeAll(() => {
  const directory = freshDirectory();
  const archive = (name: string, bytes: number) =>
    writeZip(join(directory, name), [{ name: 'zeros', content: Buffer.alloc(bytes) }]);
  one = archive('one.zip', 3 * MEBIBYTE);
  other = join(directory, 'other.zip');
  copyFileSync(one, other);
  large = archive('large.zip', 160 * MEBIBYTE);
});

const trees = ['-s', 'one', '-d', 'other'];
const both = () => trees.map((word) => ({ one, other })[word] ?? word);

describe('the size of the tmpfs', () => {
  const limited = (size: string, words: string[]) =>
    runFuselage(caller(), ['run', `--tmpfs-size=${size}`, ...words, 'echo', 'started']);

  mountTest('is compared with all archives together', () => {
    expect(limited('5M', ['-s', one])).toMatchObject({ status: 0, stdout: 'started\n' });
    const refused = limited('5M', both());
    expect(refused).toMatchObject({ status: 125, stdout: '' });
    expect(refused.stderr).toContain(`cannot extract ${other}, ${one} [ERR_EXTRACT_NO_SPACE]`);
    expect(refused.stderr).toContain(`the trees need ${6 * MEBIBYTE} bytes, and the size of`);
    expect(refused.stderr).toContain('--tmpfs-size=7M');
    expect(limited('7M', both())).toMatchObject({ status: 0, stdout: 'started\n', stderr: '' });
  });

  mountTest('a damaged list of the last archive stops the first one, too', () => {
    const damaged = writeZip(join(freshDirectory(), 'damaged.zip'), [
      { name: 'a' },
      { name: './a' },
    ]);
    const ended = limited('7M', ['-s', one, '-s', damaged]);
    expect(ended.stderr).toContain(`cannot extract ${damaged} [ERR_ARCHIVE_HOSTILE]`);
  });
});

describe('a limit', () => {
  const limited = (limit: string) =>
    runFuselage(caller(), ['run', '--limit', limit, '-s', one, 'echo', 'started']);

  mountTest('is told with the entry and the option', () => {
    for (const [limit, what] of [
      [`bytes=${3 * MEBIBYTE - 1}`, `with the entry \`zeros\` the archive unpacks to`],
      ['name-length=4', 'the entry `zeros` has a name of 5 bytes'],
      ['ratio=100', 'with the entry `zeros` the archive unpacks to'],
    ] as const) {
      const refused = limited(limit);
      expect(refused).toMatchObject({ status: 125, stdout: '' });
      expect(refused.stderr).toContain('[ERR_ARCHIVE_LIMIT]');
      expect(refused.stderr).toContain(what);
      expect(refused.stderr).toContain(`--limit ${limit.split('=')[0]}=NUMBER`);
    }
    expect(limited('name-length=5')).toMatchObject({ status: 0, stdout: 'started\n' });
  });
});

describe('the memory of the control group', () => {
  async function within(name: string, limit: number) {
    const group = new ControlGroup(name, 'memory', limit);
    try {
      const [program, ...words] = group.words;
      // Only root may enter the group, and it is in there before it is fuselage.
      const who = caller(0, { program });
      return runFuselage(who, [...words, frontDoor, 'run', '-s', large, 'echo', 'started']);
    } finally {
      await group.remove();
    }
  }

  controlGroupTest('memory')('is compared, and no option of ours is named against it', async () => {
    const refused = await within('small', 144 * MEBIBYTE);
    expect(refused).toMatchObject({ status: 125, signal: null, stdout: '' });
    expect(refused.stderr).toContain('[ERR_EXTRACT_NO_SPACE]');
    expect(refused.stderr).toContain('the memory limit of the control group leaves');
    expect(refused.stderr).not.toContain('--tmpfs-size');
  });

  controlGroupTest('memory')('leaves what fits alone', async () => {
    const ended = await within('large', 512 * MEBIBYTE);
    expect(ended).toMatchObject({ status: 0, stdout: 'started\n', stderr: '' });
  });
});
