/** What is measured on: made once, kept in bench/.cache. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A zip of this checkout's own node_modules: thousands of small files, some large. */
export function nodeModulesZip(root, cache) {
  const zip = join(cache, 'node_modules.zip');
  if (!existsSync(zip)) {
    execFileSync('zip', ['-qry', zip, 'node_modules'], { cwd: root });
    chmodSync(zip, 0o644);
  }
  return zip;
}

/** The program that gives the launcher a ready plan. */
export function planStarter(root, cache) {
  const program = join(cache, 'start_with_plan');
  execFileSync('cc', ['-O2', '-o', program, join(root, 'bench/start_with_plan.c')]);
  return program;
}

/** The frame that the library would send for a plan (crates/fuselage-plan/src/frame.rs). */
export function writeFrame(path, plan) {
  const payload = Buffer.from(JSON.stringify({ answer: 'plan', plan, inputs: [] }));
  const header = Buffer.alloc(4);
  header.writeUInt32LE(payload.length);
  writeFileSync(path, Buffer.concat([header, payload]), { mode: 0o644 });
}

/** A directory that everybody may enter. */
export function openDirectory(path) {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o755);
  return path;
}
