import { compiled } from './compile.js';
import { caller, type Ended, runFuselage } from './run-fuselage.js';

/** Plays `script` (`support/programs/terminal.c`) to `command` of `who` on a new terminal. */
export function atTerminal(
  script: string[],
  command: string[],
  environment: Record<string, string> = {},
  who = caller(),
): Ended {
  const person = { ...who, program: compiled('terminal'), environment };
  return runFuselage(person, [...script, '--', ...command]);
}

/** Plays `script` to an interactive bash that survives Ctrl-C; its status is that of `exit 5`. */
export function atShell(script: string[], environment: Record<string, string> = {}): Ended {
  const words = ['+trap : INT\\n', ...script, '+exit 5\\n'];
  return atTerminal(words, ['bash', '--norc', '-i'], environment);
}
