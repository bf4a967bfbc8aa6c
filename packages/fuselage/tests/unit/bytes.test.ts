import fc from 'fast-check';

import { fromBytes, readable, toBytes, toPlanPath } from '../../src/bytes.js';

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));

test('every byte string survives', () => {
  fc.assert(
    fc.property(bytes, (original) => {
      expect(toBytes(fromBytes(original)).equals(original)).toBe(true);
    }),
  );
});

test('text is as it is, other bytes are lone surrogates', () => {
  expect(fromBytes(Buffer.from('aé€😀'))).toBe('aé€😀');
  expect(fromBytes(Buffer.of(0x61, 0xff, 0xf0, 0x9f, 0x98, 0x80, 0x80))).toBe('a\udcff😀\udc80');
  // Overlong, a surrogate's UTF-8, and beyond Unicode are no UTF-8.
  expect(fromBytes(Buffer.of(0xc0, 0x80))).toBe('\udcc0\udc80');
  expect(fromBytes(Buffer.of(0xed, 0xb2, 0x80))).toBe('\udced\udcb2\udc80');
  expect(fromBytes(Buffer.of(0xf5, 0x80, 0x80, 0x80))).toHaveLength(4);
});

test('a plan has text where it is text, and base64 elsewhere', () => {
  expect(toPlanPath('/é')).toBe('/é');
  expect(toPlanPath('/\udcff')).toEqual({ bytes: Buffer.of(0x2f, 0xff).toString('base64') });
});

test('what is shown is well formed', () => {
  expect(readable('a\udcff😀')).toBe('a\ufffd😀');
});
