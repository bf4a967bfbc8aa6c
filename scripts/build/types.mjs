/** The type declarations of the API, by the TypeScript 7 compiler, when a source has changed. */
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nodeProgram, run } from '../command.mjs';
import { ROOT } from '../host.mjs';
import { digestOf, filesBelow } from './digest.mjs';
import { contentOf, place } from './place.mjs';

const PACKAGE = join(ROOT, 'packages/fuselage');
const TYPES = join(PACKAGE, 'dist/types');
const STAMP = join(ROOT, '.setup/types');

/** The words that start the compiler that only checks and declares (TypeScript 7). */
export const TSC = nodeProgram('@typescript/native/bin/tsc');

/** Writes packages/fuselage/dist/types. */
export function buildTypes() {
  const digest = digestOf([
    ...filesBelow(join(PACKAGE, 'src'), '.ts'),
    join(PACKAGE, 'tsconfig.types.json'),
    join(ROOT, 'tsconfig.json'),
    join(ROOT, 'package-lock.json'),
  ]);
  if (existsSync(join(TYPES, 'index.d.ts')) && contentOf(STAMP)?.toString() === digest) return;
  rmSync(TYPES, { recursive: true, force: true });
  run([...TSC, '-p', join(PACKAGE, 'tsconfig.types.json')]);
  openToAll(TYPES);
  place(STAMP, digest);
}

function openToAll(directory) {
  chmodSync(directory, 0o755);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) openToAll(path);
    else chmodSync(path, 0o644);
  }
}
