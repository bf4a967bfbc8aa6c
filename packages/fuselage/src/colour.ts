import { isatty } from 'node:tty';

import type { Inputs } from './inputs.js';

const STANDARD_OUTPUT = 1;

/** Whether standard output may be coloured: a terminal, and no wish against it (no-color.org). */
export function wantsColour(inputs: Inputs): boolean {
  return inputs.variable('NO_COLOR') === undefined && isatty(STANDARD_OUTPUT);
}

const CODES = { green: 32, red: 31, dim: 2 } as const;

/** `text` in a colour (ECMA-48, SGR). Node's styleText would look at `process.stdout`. */
export function paint(colour: keyof typeof CODES, text: string): string {
  return `\u001b[${CODES[colour]}m${text}\u001b[0m`;
}
