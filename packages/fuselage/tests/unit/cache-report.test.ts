import { agoText, counted, json, sizeText, table, timeJson } from '../../src/cache/report.js';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [1024 ** 2 - 1, '1.0 MiB'],
  [3.25 * 1024 ** 3, '3.3 GiB'],
  [5000 * 1024 ** 4, '5000.0 TiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});

test.each([
  [-1e9, 'just now'],
  [59_999, 'just now'],
  [60_000, '1 minute ago'],
  [2 * 3_600_000, '2 hours ago'],
  [47 * 3_600_000, '1 day ago'],
])('%d ms are %s', (milliseconds, text) => {
  expect(agoText(0, milliseconds)).toBe(text);
});

test('one and many', () => {
  expect([0, 1, 2].map((count) => counted(count, 'entry', 'entries'))).toEqual([
    '0 entries',
    '1 entry',
    '2 entries',
  ]);
});

test('a time that is none is null', () => {
  expect(timeJson(0)).toBe('1970-01-01T00:00:00.000Z');
  expect([timeJson(null), timeJson(Number.NaN), timeJson(1e20)]).toEqual([null, null, null]);
});

test('JSON is well formed although a name is not UTF-8', () => {
  expect(json({ name: 'a\udcff' })).toBe('{\n  "name": "a\ufffd"\n}\n');
});

test('columns are as wide as their widest cell, and names cannot end a line', () => {
  const rows = [
    ['a\nb', '1'],
    ['c', '22'],
  ];
  expect(table(['name', 'n'], rows, [1])).toBe('name   n\na\\nb   1\nc     22\n');
});
