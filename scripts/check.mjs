/**
 * Everything about the sources that a program can judge: formats, lints, types, generated files,
 * rules of this repository. Runs all of it, then says what failed; the exit status is the number
 * of checks that did.
 *
 *     node scripts/check.mjs
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { brokenRules } from './check/rules.mjs';
import { nodeProgram, runShown } from './command.mjs';
import { host, ROOT } from './host.mjs';

const target = ['--target', host().target];
const ownTests = readdirSync(join(ROOT, 'scripts'), { recursive: true })
  .filter((name) => name.endsWith('.test.mjs'))
  .map((name) => join('scripts', name));

const CHECKS = {
  rustfmt: ['cargo', 'fmt', '--all', '--check'],
  'rustfmt of fuzz': ['cargo', 'fmt', '--manifest-path', 'fuzz/Cargo.toml', '--check'],
  clippy: ['cargo', 'clippy', '--workspace', '--all-targets', ...target, '--', '-D', 'warnings'],
  biome: [...nodeProgram('@biomejs/biome/bin/biome'), 'ci', '--error-on-warnings', '.'],
  tsc: [...nodeProgram('@typescript/native/bin/tsc'), '--noEmit', '-p', '.'],
  generated: [process.execPath, 'scripts/generate.mjs', '--check'],
  scripts: [process.execPath, '--test', ...ownTests],
};

const failed = [];
for (const [name, words] of Object.entries(CHECKS)) {
  const done = await runShown(words, { quiet: true });
  if (!done.ok) {
    failed.push(`${name}: ${done.how}`);
    console.error(done.output);
  }
}
failed.push(...brokenRules().map((rule) => `rules: ${rule}`));

for (const failure of failed) console.error(`check: ${failure}`);
if (failed.length === 0) console.log(`check: ${Object.keys(CHECKS).length + 1} checks, all fine`);
process.exitCode = Math.min(failed.length, 100);
