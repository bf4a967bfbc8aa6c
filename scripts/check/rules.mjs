/** Rules of this repository that no linter knows. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../host.mjs';
import { unequalCodes } from './error-codes.mjs';
import { wrongImports } from './rooms.mjs';

const read = (path) => readFileSync(join(ROOT, path), 'utf8');
const json = (path) => JSON.parse(read(path));

/** The rules that do not hold, a sentence each. */
export function brokenRules() {
  const tracked = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' })
    .split('\n')
    .filter(Boolean);
  return [
    ...versions(),
    ...unsafeCode(tracked),
    ...wrongImports(tracked, read),
    ...unequalCodes(tracked, read),
  ];
}

function versions() {
  const wanted = /^version = "(.*)"$/m.exec(read('Cargo.toml'))?.[1];
  return [
    'package.json',
    ...['fuselage', 'linux-x64', 'linux-arm64'].map((name) => `packages/${name}/package.json`),
  ]
    .filter((path) => json(path).version !== wanted)
    .map((path) => `${path} is of another version than Cargo.toml (${wanted})`);
}

/** DESIGN: unsafe stands in fuselage-linux alone, but for the launcher's entry point. */
function unsafeCode(tracked) {
  const allowed = ['crates/fuselage-linux/', 'crates/fuselage-launch/src/main.rs'];
  return tracked
    .filter((path) => path.endsWith('.rs') && !allowed.some((place) => path.startsWith(place)))
    .filter((path) => /^[^/]*\bunsafe (fn|impl|extern|\{)/m.test(read(path)))
    .map((path) => `${path} has unsafe code`);
}
