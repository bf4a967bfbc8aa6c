/** The lints of packages/fuselage/src fire where they should: what nothing shows may have stopped. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { nodeProgram } from '../command.mjs';
import { ROOT } from '../host.mjs';

const PLUGIN = 'plugin';
const ENVIRONMENT = 'lint/style/noProcessEnv';
const IMPORTS = 'lint/style/noRestrictedImports';
const CONSOLE = 'lint/suspicious/noConsole';

/** Files of `run/`, each with one thing that no file there may do, and the lint that says so. */
const WRONG = [
  ['process.stdout.write("");', PLUGIN],
  ['process["stdout"].write("");', PLUGIN],
  ['process?.stdout.write("");', PLUGIN],
  ['const { stdout } = process; stdout.write("");', PLUGIN],
  ['let out; ({ stdout: out } = process); out.write("");', PLUGIN],
  ['const all = process; all.stdout.write("");', PLUGIN],
  ['export const all = { process };', PLUGIN],
  ['globalThis.process.stdout.write("");', PLUGIN],
  ['global.process.stdout.write("");', PLUGIN],
  ['const { process: all } = globalThis; all.stdout.write("");', PLUGIN],
  ['export const here = process.cwd();', PLUGIN],
  ['const { cwd } = process; cwd();', PLUGIN],
  ['const { env } = process; export const home = env.HOME;', PLUGIN],
  ['export const home = process["env"].HOME;', PLUGIN],
  ['export const home = process.env.HOME;', ENVIRONMENT],
  ['import { env } from "node:process"; export const home = env.HOME;', IMPORTS],
  ['import { stdout } from "process"; stdout.write("");', IMPORTS],
  ['import all from "node:process"; all.stdout.write("");', IMPORTS],
  ['export { stdout } from "node:process";', IMPORTS],
  ['const { stdout } = require("node:process"); stdout.write("");', IMPORTS],
  ['const { stdout } = await import("node:process"); stdout.write("");', IMPORTS],
  ['import { readFileSync } from "node:fs"; readFileSync("a");', IMPORTS],
  ['import { readFile } from "node:fs/promises"; readFile("a");', IMPORTS],
  ['import { log } from "node:console"; log("a");', IMPORTS],
  ['console.log("a");', CONSOLE],
];

/** The same where files may be read: printing may not be there either. */
const WRONG_AT_THE_EDGE = [
  ['import { stdout } from "node:process"; stdout.write("");', IMPORTS],
  ['process.stdout.write("");', PLUGIN],
];

const RIGHT = [
  ['run', 'export const node = process.version + process.execPath + process.platform;'],
  ['run', 'process.exitCode = 3;'],
  ['run', 'export const it = (cli: { process(): void }) => cli.process();'],
  ['ask', 'import { readFileSync } from "node:fs"; export const read = readFileSync;'],
  ['ask', 'export const home = process.env.HOME;'],
];

const directory = mkdtempSync(join(tmpdir(), 'fuselage-lints-'));
/** What each file was said of, by its path. */
let said;

function path(room, kind, index) {
  return `packages/fuselage/src/${room}/${kind}-${index}.ts`;
}

function write(file, text) {
  mkdirSync(dirname(join(directory, file)), { recursive: true });
  writeFileSync(join(directory, file), `${text}\n`);
}

before(() => {
  for (const name of ['biome.json', 'packages/fuselage/lint']) {
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  }
  // biome.json asks for one, and an empty one is none.
  writeFileSync(join(directory, '.gitignore'), 'node_modules\n');
  WRONG.forEach(([text], index) => {
    write(path('run', 'wrong', index), text);
  });
  WRONG_AT_THE_EDGE.forEach(([text], index) => {
    write(path('ask', 'wrong', index), text);
  });
  RIGHT.forEach(([room, text], index) => {
    write(path(room, 'right', index), text);
  });
  const words = ['lint', '--reporter=json', '--max-diagnostics=none', 'packages'];
  const [program, ...rest] = [...nodeProgram('@biomejs/biome/bin/biome'), ...words];
  const done = spawnSync(program, rest, { cwd: directory, encoding: 'utf8' });
  const { diagnostics } = JSON.parse(done.stdout);
  said = new Map();
  for (const { category, location } of diagnostics) {
    const file = location.path.file ?? location.path;
    said.set(file, [...(said.get(file) ?? []), category]);
  }
});

after(() => rmSync(directory, { recursive: true }));

function expectWrong(room, list) {
  list.forEach(([text, lint], index) => {
    const lints = said.get(path(room, 'wrong', index)) ?? [];
    assert.ok(lints.includes(lint), `${text}: ${lints.join(', ') || 'nothing'}`);
  });
}

test('every way to streams, directory, environment and files is seen', () => {
  expectWrong('run', WRONG);
});

test('streams are not reached where files may be read either', () => {
  expectWrong('ask', WRONG_AT_THE_EDGE);
});

test('what is allowed is let alone', () => {
  const ours = [PLUGIN, ENVIRONMENT, IMPORTS, CONSOLE];
  RIGHT.forEach(([room, text], index) => {
    const lints = said.get(path(room, 'right', index)) ?? [];
    assert.deepEqual(
      lints.filter((lint) => ours.includes(lint)),
      [],
      text,
    );
  });
});
