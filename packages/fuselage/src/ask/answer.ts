import { readable } from '../bytes.js';
import type { Answer } from '../native/plan-types.js';
import { frame } from './frame.js';

/**
 * The frame of `answer`. Text for people may quote bytes that are not UTF-8; as JSON they would be
 * lone surrogates, which Rust's reader refuses, so they become U+FFFD. Paths that matter are
 * base64 by then.
 */
export function encodeAnswer(answer: Answer): Buffer {
  const text = JSON.stringify(answer, (_key, value: unknown) =>
    typeof value === 'string' ? readable(value) : value,
  );
  return frame(Buffer.from(text));
}
