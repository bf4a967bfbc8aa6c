import { readable } from './bytes.js';
import type { ErrorReport } from './native/plan-types.js';

/** What is no text: of a terminal it could be a command (Unicode, general category Cc). */
const CONTROL = /\p{Cc}/gu;
const SHORT: Record<string, string> = { '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function printable(text: string): string {
  const escaped = (character: string) =>
    SHORT[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  return readable(text).replace(CONTROL, escaped);
}

/**
 * `error` word by word as the launcher prints it (`fuselage-launch`, report.rs): for where there is
 * no launcher to do it.
 */
export function errorText(error: ErrorReport): string {
  const lines = [
    `fuselage: ${printable(error.message)} [${error.code}]`,
    ...error.causes.map((cause) => `  cause: ${printable(cause)}`),
    ...error.hints.map((hint) => `  fix: ${printable(hint)}`),
  ];
  return `${lines.join('\n')}\n`;
}
