import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { freshDirectory } from './places.js';

/** Compiles `programs/NAME.c` and returns the program, executable by everybody. */
export function compiled(name: string): string {
  const program = join(freshDirectory(), name);
  const source = join(__dirname, 'programs', `${name}.c`);
  execFileSync('cc', ['-Wall', '-Wextra', '-O1', '-o', program, source], { stdio: 'pipe' });
  return program;
}
