import { printable } from '../../src/printable.js';

// The same cases as in crates/fuselage-launch/src/report.rs.
test('names neither end lines nor turn them around', () => {
  expect(printable('a\u202eb\u2028c\u009bd\ne\u007f\ufeff\u{e0041}')).toBe(
    'a\\u{202e}b\\u{2028}c\\u{9b}d\\ne\\u{7f}\\u{feff}\\u{e0041}',
  );
  const plain = "grün\u0301 \u{1f469}\u200d\u{1f4bb} می\u200cخواهم 文 \\ '";
  expect(printable(plain)).toBe(plain);
});
