/**
 * Words, paths and environment variables are bytes; here they are strings by "surrogateescape":
 * what is UTF-8 stands as it is, every other byte 0x80..0xFF as the lone surrogate U+DC80..U+DCFF,
 * which no UTF-8 text can contain. So every byte string has exactly one string and back.
 */
import { isUtf8 } from 'node:buffer';

import type { PlanPath } from './native/plan-types.js';

const ESCAPE = 0xdc00;
const LONE_ESCAPE = /[\udc80-\udcff]/u;
const LONE_SURROGATES = /[\ud800-\udfff]/gu;

/** The length of the UTF-8 character at `at`, or 0 where there is none (RFC 3629, section 4). */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (first > 0xf4 || at + length > bytes.length) return 0;
  return length > 0 && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}

/** The string of `bytes`. */
export function fromBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    text +=
      length > 0
        ? bytes.toString('utf8', at, at + length)
        : String.fromCharCode(ESCAPE + (bytes[at] ?? 0));
    at += Math.max(length, 1);
  }
  return text;
}

/** The bytes of `text`. A lone surrogate that stands for no byte becomes U+FFFD. */
export function toBytes(text: string): Buffer {
  if (!LONE_ESCAPE.test(text)) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const escaped = code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff;
    parts.push(escaped ? Buffer.of(code - ESCAPE) : Buffer.from(character, 'utf8'));
  }
  return Buffer.concat(parts);
}

/** `text` as it stands in a plan. */
export function toPlanPath(text: string): PlanPath {
  return LONE_ESCAPE.test(text) ? { bytes: toBytes(text).toString('base64') } : text;
}

/** `text` for a reader: what is not UTF-8 shows as U+FFFD. JSON of it is well formed. */
export function readable(text: string): string {
  return text.replace(LONE_SURROGATES, '\ufffd');
}
