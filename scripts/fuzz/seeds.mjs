/**
 * The inputs that fuzzing starts from: the fixtures of the tests, and small archives that the tools
 * of this machine make of one small tree.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../host.mjs';

const FIXTURES = join(ROOT, 'crates/fuselage-archive/tests/archive/fixtures');
const PLANS = join(ROOT, 'crates/fuselage-plan/golden');

const COMPRESSORS = ['gzip', 'lz4', 'xz', 'zstd'];
const IMAGE_OPTIONS = {
  plain: [],
  stored: ['-noI', '-noD', '-noF', '-noX'],
  fragments: ['-always-use-fragments', '-no-exports'],
  blocks: ['-no-fragments', '-no-sparse'],
};
const ZIP_OPTIONS = {
  stored: ['-0'],
  deflated: ['-9', '-y'],
  bzip2: ['-Z', 'bzip2'],
  bare: ['-X', '-D'],
  zip64: ['-fz', '-y'],
};

function run(words, cwd) {
  const [program, ...rest] = words;
  const done = spawnSync(program, rest, { cwd, encoding: 'utf8' });
  if (done.status === 0) return;
  throw new Error(`${words.join(' ')}: ${done.error?.message ?? done.stderr}`);
}

/** Something of every kind that both formats can hold, of a few kilobytes packed. */
function makeTree(at) {
  mkdirSync(join(at, 'directory/below'), { recursive: true });
  writeFileSync(join(at, 'empty'), '');
  writeFileSync(join(at, 'directory/text'), 'words and words and words\n'.repeat(50));
  writeFileSync(join(at, 'directory/below/blocks'), Buffer.alloc(9000, 'abc'));
  writeFileSync(join(at, 'directory/holes'), Buffer.alloc(20000));
  writeFileSync(join(at, 'run'), '#!/bin/sh\n', { mode: 0o755 });
  symlinkSync('directory/text', join(at, 'link'));
  mkdirSync(join(at, 'locked'));
  writeFileSync(join(at, 'locked/file'), 'locked\n');
  chmodSync(join(at, 'locked'), 0o555);
  linkSync(join(at, 'run'), join(at, 'directory/same'));
}

function makeImages(tree, into) {
  for (const compressor of COMPRESSORS) {
    for (const [name, options] of Object.entries(IMAGE_OPTIONS)) {
      const image = join(into, `${compressor}-${name}.sfs`);
      const words = ['mksquashfs', tree, image, '-comp', compressor, '-b', '4096', '-nopad'];
      run([...words, '-quiet', '-no-progress', ...options]);
    }
  }
}

function makeZips(tree, into) {
  for (const [name, options] of Object.entries(ZIP_OPTIONS)) {
    run(['zip', '-q', '-r', ...options, join(into, `${name}.zip`), '.'], tree);
  }
  for (const name of readdirSync(FIXTURES).filter((file) => file.endsWith('.zip'))) {
    copyFileSync(join(FIXTURES, name), join(into, name));
  }
}

function makeTexts(zips, into) {
  const zip = readFileSync(join(zips, 'deflated.zip')).subarray(0, 600);
  const lines = (text, width, end) => text.match(new RegExp(`.{1,${width}}`, 'g')).join(end);
  const standard = zip.toString('base64');
  const texts = {
    one: standard,
    lines: lines(standard, 76, '\n'),
    windows: `\ufeff# a comment\r\n\r\n${lines(standard, 64, '\r\n')}\r\n`,
    odd: `  # a comment\n${lines(standard, 7, ' \n\t')}\n# the end`,
    url: zip.toString('base64url'),
  };
  // The first byte says how many the text is handed out in.
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(into, name), `\x11${text}`);
}

/** An ELF header without tables (elf(5)), alone and with an image right behind it and at 4096. */
function makePrograms(images, into) {
  const image = readFileSync(join(images, 'gzip-plain.sfs'));
  for (const [wide, length] of Object.entries({ 1: 52, 2: 64 })) {
    for (const order of [1, 2]) {
      const header = Buffer.alloc(length);
      header.set([0x7f, 0x45, 0x4c, 0x46, Number(wide), order, 1]);
      const gap = Buffer.alloc(4096 - length);
      const name = join(into, `${wide}-${order}`);
      writeFileSync(name, header);
      writeFileSync(`${name}-behind`, Buffer.concat([header, image]));
      writeFileSync(`${name}-aligned`, Buffer.concat([header, gap, image]));
    }
  }
}

function makeAnswers(into) {
  for (const name of readdirSync(PLANS)) {
    const plan = JSON.parse(readFileSync(join(PLANS, name), 'utf8'));
    const inputs = [
      { input: 'variable', name: 'HOME', value: { bytes: '/w==' } },
      { input: 'file', path: 'sdk.zip', identity: 'f1' },
      { input: 'absent', path: '/nowhere' },
      { input: 'fact', name: 'uid', value: '1' },
    ];
    writeFileSync(join(into, name), JSON.stringify({ answer: 'plan', plan, inputs }));
  }
  const error = { code: 'ERR_X', message: 'm', hints: ['h'], causes: ['c'], exitCode: 125 };
  const others = {
    error: { error },
    done: { exitCode: 0 },
    unsuitable: { reason: 'old' },
  };
  for (const [answer, rest] of Object.entries(others)) {
    writeFileSync(join(into, answer), JSON.stringify({ answer, ...rest }));
  }
}

/** What is in the tree of the target, and something that is not. */
function makeLists(into) {
  const digest = '0'.repeat(64);
  const file = `f 1 644 5.000000000 4 ${digest} - a`;
  const below = ['d 1 755 - b', 'd 2 755 - c', 'l 2 5.000000000 l/../a'];
  const records = [file, ...below, 'd 1 755 5.000000006 z', `f 2 600 5.000000000 9 ${digest} 0 f`];
  writeFileSync(join(into, 'records'), `${records.join('\0')}\0`);
}

/**
 * Writes them below `corpus`, a directory a target.
 *
 * @param {string} corpus path of the directory, which is made
 */
export function makeSeeds(corpus) {
  const into = Object.fromEntries(
    ['zip', 'squashfs', 'base64', 'elf', 'plan', 'list'].map((name) => [name, join(corpus, name)]),
  );
  for (const directory of Object.values(into)) mkdirSync(directory, { recursive: true });
  const tree = mkdtempSync(join(tmpdir(), 'fuselage-seeds-'));
  try {
    makeTree(tree);
    makeImages(tree, into.squashfs);
    makeZips(tree, into.zip);
  } finally {
    chmodSync(join(tree, 'locked'), 0o755);
    rmSync(tree, { recursive: true });
  }
  makeTexts(into.zip, into.base64);
  makePrograms(into.squashfs, into.elf);
  makeAnswers(into.plan);
  makeLists(into.list);
}
