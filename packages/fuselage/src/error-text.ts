import { readable } from './bytes.js';
import type { ErrorReport } from './native/plan-types.js';
import { printable } from './printable.js';

const line = (text: string) => printable(readable(text));

/**
 * `error` word by word as the launcher prints it (`fuselage-launch`, report.rs): for where there is
 * no launcher to do it.
 */
export function errorText(error: ErrorReport): string {
  const lines = [
    `fuselage: ${line(error.message)} [${error.code}]`,
    ...error.causes.map((cause) => `  cause: ${line(cause)}`),
    ...error.hints.map((hint) => `  fix: ${line(hint)}`),
  ];
  return `${lines.join('\n')}\n`;
}
