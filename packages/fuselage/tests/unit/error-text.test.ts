import { errorText } from '../../src/error-text.js';
import { FuselageError } from '../../src/errors.js';

test('an error says what, why and what to do, and no terminal obeys it', () => {
  // The same as in report.rs.
  const error = new FuselageError('ERR_INTERNAL', 'cannot open the archive a\u001b[2J\nb', {
    causes: ['it is \u0000 open'],
    hints: ['close it: \u009d\u202e'],
  });
  expect(errorText(error.toReport())).toBe(
    'fuselage: cannot open the archive a\\u{1b}[2J\\nb [ERR_INTERNAL]\n' +
      '  cause: it is \\u{0} open\n' +
      '  fix: close it: \\u{9d}\\u{202e}\n',
  );
});

test('what is not UTF-8 shows as U+FFFD, other text as it is', () => {
  const error = new FuselageError('ERR_INTERNAL', 'ä\udcff„', { hints: ['„'] });
  expect(errorText(error.toReport())).toBe('fuselage: ä\ufffd„ [ERR_INTERNAL]\n  fix: „\n');
});
