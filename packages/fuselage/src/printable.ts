/**
 * Control characters, line ends, and what reorders text or is not seen; the two joiners, which words
 * and emoji are spelt with, are no danger. `crates/fuselage-launch/src/report.rs` has the same.
 */
const UNPRINTABLE =
  /[\p{Cc}\u{ad}\u{61c}\u{180e}\u{200b}\u{200e}\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{feff}\u{e0000}-\u{e007f}]/gu;

/** `text` for a terminal: names of files cannot end the line or send control sequences. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return SHORT.get(character) ?? `\\u{${code.toString(16)}}`;
  });
}

const SHORT = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);
