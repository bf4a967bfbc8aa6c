import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A list of `call-lists/`, which each says what it stands for. */
export type CallList = 'old' | 'refused' | 'docker';

/** What each answers its calls with, in C; 0: they alone are let through. */
const ANSWERS: Record<CallList, string> = { old: 'ENOSYS', refused: 'EPERM', docker: '0' };

/** The calls of a list. */
export function callsOf(list: CallList): string[] {
  const text = readFileSync(join(__dirname, 'call-lists', `${list}.txt`), 'utf8');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/**
 * Compiles `programs/filtered.c` with a list into `directory`, executable by everybody, and returns
 * it: it executes its words behind the filter, or `program` with them. Calls that the headers of
 * this machine do not know are not in it.
 */
export function compileFiltered(
  directory: string,
  list: CallList,
  name = 'filtered',
  program?: string,
): string {
  const header = join(directory, `${name}.h`);
  const numbers = callsOf(list).map((call) => `#ifdef SYS_${call}\n\tSYS_${call},\n#endif\n`);
  writeFileSync(
    header,
    `#include <sys/syscall.h>\n#define LISTED_ERRNO ${ANSWERS[list]}\n` +
      `${list === 'docker' ? '#define DOCKER\n' : ''}` +
      `${program === undefined ? '' : `#define PROGRAM ${JSON.stringify(program)}\n`}` +
      `static const unsigned LISTED[] = {\n${numbers.join('')}};\n`,
  );
  const path = join(directory, name);
  const source = join(__dirname, 'programs/filtered.c');
  const flags = ['-Wall', '-Wextra', '-O1', '-include', header];
  execFileSync('cc', [...flags, '-o', path, source], { stdio: 'pipe' });
  return path;
}
