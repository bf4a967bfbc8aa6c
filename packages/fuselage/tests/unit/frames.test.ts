import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';

import { encodeAnswer } from '../../src/ask/answer.js';
import { FRAME_LIMIT, frame, readFrame } from '../../src/ask/frame.js';
import { decodeQuestion, type Question } from '../../src/ask/question.js';
import { toBytes } from '../../src/bytes.js';

/** The encoding of `crates/fuselage-plan/src/question.rs`. */
function encode(question: Question): Buffer {
  const number = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const string = (text: string) => Buffer.concat([number(toBytes(text).length), toBytes(text)]);
  const list = (texts: string[]) => [number(texts.length), ...texts.map(string)];
  const { ids, groups } = question;
  return Buffer.concat([
    string(question.version),
    string(question.platformPackage),
    string(question.workingDirectory),
    ...list(question.arguments),
    ...list(question.environment),
    ...[ids.uid, ids.euid, ids.gid, ids.egid].map(number),
    number(groups.length),
    ...groups.map(number),
  ]);
}

const word = fc
  .array(fc.oneof(fc.constant('a'), fc.constant('é'), fc.constant('\udcff')), { maxLength: 8 })
  .map((parts) => parts.join(''))
  // An escape that completes a UTF-8 character would be read as that character.
  .filter((text) => !text.includes('\udcc3\udca9'));
const id = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const question: fc.Arbitrary<Question> = fc.record({
  version: fc.constant('0.1.0'),
  platformPackage: word,
  workingDirectory: word,
  arguments: fc.array(word),
  environment: fc.array(word),
  ids: fc.record({ uid: id, euid: id, gid: id, egid: id }),
  groups: fc.array(id),
});

test('every question is read as it was asked', () => {
  fc.assert(
    fc.property(question, (asked) => {
      expect(decodeQuestion(encode(asked))).toEqual(asked);
    }),
  );
});

test('a question cut short is a RangeError', () => {
  fc.assert(
    fc.property(question, fc.nat(), (asked, cut) => {
      const bytes = encode(asked);
      const shorter = bytes.subarray(0, cut % bytes.length);
      expect(() => decodeQuestion(shorter)).toThrow(RangeError);
    }),
  );
});

describe('reading frames', () => {
  const file = join(tmpdir(), `fuselage-frame-${process.pid}`);
  const read = (bytes: Buffer) => {
    writeFileSync(file, bytes);
    const fd = openSync(file, 'r');
    try {
      return readFrame(fd);
    } finally {
      closeSync(fd);
      unlinkSync(file);
    }
  };

  test('the payload comes back', () => {
    expect(read(frame(Buffer.from('abc'))).toString()).toBe('abc');
  });

  test('one that ends early or is too long is refused', () => {
    expect(() => read(frame(Buffer.from('abc')).subarray(0, 6))).toThrow('ends after 2 of 3');
    expect(() => read(Buffer.of(1, 0))).toThrow('ends after 2 of 4');
    const header = Buffer.alloc(4);
    header.writeUInt32LE(FRAME_LIMIT + 1);
    expect(() => read(header)).toThrow('too long');
  });
});

test('an answer quotes bytes that are no text as U+FFFD, which Rust can read', () => {
  const error = { code: 'ERR_USAGE', message: 'x\udcffy', hints: [], causes: [], exitCode: 125 };
  const bytes = encodeAnswer({ answer: 'error', error });
  expect(bytes.readUInt32LE()).toBe(bytes.length - 4);
  expect(JSON.parse(bytes.subarray(4).toString()).error.message).toBe('x\ufffdy');
  expect(bytes.toString()).not.toContain('\\ud');
});
