/** Archives that are not there as they are: base64 text, and behind an ELF program. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { longMountTest, mountTest, rootMountTest } from '../support/must-mount.js';
import { freshDirectory } from '../support/places.js';
import {
  type Caller,
  caller,
  ordinaryUser,
  runFuselage,
  startFuselage,
} from '../support/run-fuselage.js';
import { writeZip } from '../support/zip-file.js';

let archives: string;
let words: string;

/** Bytes that do not compress, the same every time. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 0x5eed;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

beforeAll(() => {
  archives = freshDirectory();
  words = writeZip(join(archives, 'words.zip'), [
    { name: 'a.txt', content: 'alpha\n' },
    { name: 'noise', content: noise(60_000) },
    { name: 'run', content: '#!/bin/sh\necho ran\n', mode: 0o100755 },
  ]);
});

function put(name: string, content: string | Buffer): string {
  const path = join(archives, name);
  writeFileSync(path, content);
  return path;
}

/** base64 text in lines of `width`. */
function lines(bytes: Buffer, width: number, end = '\n'): string {
  const text = bytes.toString('base64');
  return (text.match(new RegExp(`.{1,${width}}`, 'g')) ?? []).map((line) => line + end).join('');
}

const sh = (script: string) => ['--', 'sh', '-c', script];
const read = 'cd "$FUSELAGE_STATIC"/* && cat a.txt && ./run && sha256sum <noise';

const callers: [string, number, typeof mountTest][] = [
  ['an ordinary user', ordinaryUser, mountTest],
  ['root', 0, rootMountTest],
];

describe.each(callers)('base64 text as %s', (_name, uid, test) => {
  let who: Caller;
  beforeEach(() => {
    who = caller(uid);
  });

  test('is seen as the archive that it stands for', () => {
    const plain = runFuselage(who, ['run', '-s', words, ...sh(read)]);
    expect(plain).toMatchObject({ status: 0, stderr: '' });
    const zip = readFileSync(words);
    for (const text of [
      lines(zip, 76),
      zip.toString('base64'),
      `\ufeff# words\r\n\r\n${lines(zip, 75, '\r\n')}# the end\r\n`,
      `${lines(zip, 64).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`,
    ]) {
      const ended = runFuselage(who, ['run', '-s', put('words.b64', text), ...sh(read)]);
      expect(ended).toEqual(plain);
    }
    const script = 'cd "$FUSELAGE_DYNAMIC/w" && echo more >>a.txt && cat a.txt';
    const dynamic = ['run', '-d', `w:${put('words.b64', lines(zip, 76))}`, ...sh(script)];
    expect(runFuselage(who, dynamic)).toMatchObject({ status: 0, stdout: 'alpha\nmore\n' });
  });

  test('leaves nothing of what was decoded to the command', () => {
    const text = put('words.b64', lines(readFileSync(words), 76));
    const script = `ls -l /proc/self/fd | grep -c deleted; stat -f -c %f "$FUSELAGE_TMPDIR"
      cd "$FUSELAGE_TMPDIR/.." && find . -type f | sort`;
    const run = (archive: string) =>
      runFuselage(who, ['run', '--tmpfs-size=64M', '-s', `w:${archive}`, ...sh(script)]);
    const plain = run(words);
    expect(plain.stdout).toMatch(/^0\n\d+\n\.\/static\/w\/a\.txt\n\.\/static\/w\/noise\n.*run\n$/);
    expect(run(text)).toEqual(plain);
  });
});

describe('what goes wrong', () => {
  let who: Caller;
  beforeEach(() => {
    who = caller();
  });
  const refusal = (...options: string[]) => {
    const ended = runFuselage(who, ['run', ...options, 'echo', 'started']);
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(readdirSync(join(who.home, '.fuselage/procdirs'))).toEqual([]);
    return ended.stderr;
  };

  mountTest('a damaged text is told by line and column', () => {
    const text = lines(readFileSync(words), 76);
    const damaged = `${text.slice(0, 77 * 700 + 20)}*${text.slice(77 * 700 + 21)}`;
    const told = refusal('-s', put('damaged.b64', damaged));
    expect(told).toMatch(/cannot decode .*damaged\.b64 \[ERR_ARCHIVE_DAMAGED\]/);
    expect(told).toContain('line 701, column 21: `*` is no character of base64');
    const cut = refusal('-s', put('cut.b64', text.slice(0, -77)));
    expect(cut).toContain('[ERR_ARCHIVE_DAMAGED]');
  });

  mountTest('what shows only when decoded that it is no archive', () => {
    const script = Buffer.from(`#!/bin/sh\n${'echo hello\n'.repeat(3000)}`);
    const told = refusal('-s', put('script.b64', lines(script, 76)));
    expect(told).toContain('[ERR_ARCHIVE_UNRECOGNISED]');
    expect(told).toContain('it looks like base64 text of a script');
    expect(told).toMatch(/accepted are: .*zip/);
  });

  mountTest('a text that does not fit names the option, and its twin fits', () => {
    const big = writeZip(join(archives, 'big.zip'), [{ name: 'n', content: noise(3_000_000) }]);
    const text = put('big.b64', lines(readFileSync(big), 76));
    const told = refusal('--tmpfs-size=1M', '-s', text);
    expect(told).toContain('[ERR_EXTRACT_NO_SPACE]');
    expect(told).toContain("the size of the run's tmpfs leaves");
    expect(told).toContain('--tmpfs-size');
    expect(runFuselage(who, ['run', '--tmpfs-size=8M', '-s', text, 'true']).status).toBe(0);
  });
});

describe('behind an ELF program', () => {
  const explained = (who: Caller, file: string, script: string) =>
    runFuselage(who, ['run', '--explain', '-s', `w:${file}`, ...sh(script)]);

  mountTest('a zip is found by its end, also as base64 text', () => {
    const who = caller();
    const program = Buffer.concat([readFileSync('/bin/true'), readFileSync(words)]);
    const script = 'cat "$FUSELAGE_STATIC/w/a.txt"';
    const plain = explained(who, put('program', program), script);
    expect(plain).toMatchObject({ status: 0, stdout: 'alpha\n' });
    expect(plain.stderr).toContain('is a zip archive behind an ELF program');
    const text = explained(who, put('program.b64', lines(program, 76)), script);
    expect(text).toMatchObject({ status: 0, stdout: 'alpha\n' });
    expect(text.stderr).toContain('is base64 text');
  });

  mountTest('a squashfs image is found at both places, also as base64 text', () => {
    const who = caller();
    const tree = freshDirectory();
    writeFileSync(join(tree, 'a.txt'), 'alpha\n');
    const image = join(archives, 'image.sfs');
    execFileSync('mksquashfs', [tree, image, '-noappend', '-quiet', '-no-progress']);
    const program = readFileSync('/bin/true');
    const readOnly = /^alpha\n.*Read-only file system\n$/;
    const script = 'cat "$FUSELAGE_STATIC/w/a.txt"; echo x 2>&1 >"$FUSELAGE_STATIC/w/b"';
    for (const offset of [program.length, Math.ceil(program.length / 4096) * 4096]) {
      const padding = Buffer.alloc(offset - program.length);
      const bytes = Buffer.concat([program, padding, readFileSync(image)]);
      const plain = explained(who, put('app', bytes), script);
      expect(plain.stdout).toMatch(readOnly);
      expect(plain.stderr).toContain(`a squashfs image at byte ${offset} behind an ELF program`);
      const text = explained(who, put('app.b64', lines(bytes, 76)), script);
      expect(text.stdout).toMatch(readOnly);
    }
    const text = explained(who, put('image.b64', lines(readFileSync(image), 76)), script);
    expect(text.stdout).toMatch(readOnly);
    expect(text.stderr).toContain('is base64 text of a squashfs image');
  });
});

/** The most memory that a launcher below this process has had, in KiB, tmpfs pages not counted. */
function launcherPeak(): number {
  const peaks = readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
        return /^Name:\s+fuselage-launch/m.test(status) ? Number(peak) : 0;
      } catch {
        return 0;
      }
    });
  return Math.max(...peaks);
}

longMountTest(
  'one line of a gigabyte takes little memory',
  async () => {
    const who = caller();
    const path = join(archives, 'line.b64');
    // A zip behind bytes of no meaning: the tree is small, the text is not.
    const chunk = Buffer.alloc(3 << 20, Buffer.from([0x81, 0x92, 0xa3]));
    writeFileSync(path, '');
    const text = chunk.toString('base64');
    for (let written = 0; written < 1e9; written += text.length) {
      writeFileSync(path, text, { flag: 'a' });
    }
    writeFileSync(path, readFileSync(words).toString('base64'), { flag: 'a' });
    const { ended } = startFuselage(who, [
      'run',
      '-s',
      `w:${path}`,
      ...sh('cat "$FUSELAGE_STATIC/w/a.txt"'),
    ]);
    let peak = 0;
    const timer = setInterval(() => {
      peak = Math.max(peak, launcherPeak());
    }, 20);
    const { status, stdout, stderr } = await ended;
    clearInterval(timer);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'alpha\n', stderr: '' });
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(64 * 1024);
  },
  300_000,
);
