import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unequalCodes } from './error-codes.mjs';

const TYPE = 'packages/fuselage/src/errors.ts';
const DOCS = 'docs/errors.md';
const RUST = 'crates/fuselage-launch/src/error.rs';
const TEST = 'crates/fuselage-launch/tests/error.rs';

const FILES = {
  [TYPE]: "export type ErrorCode = | 'ERR_A' | 'ERR_B_C';",
  [DOCS]: '# Errors\n\n**ERR_A** One.\n\n**ERR_B_C** (126) As ERR_D is not listed.\n',
  [RUST]: 'Self::A => ("ERR_A", "ERR_B_C")',
  [TEST]: 'assert_eq!(code, "ERR_MADE_UP"); code.starts_with("ERR_")',
};

function broken(changed) {
  const files = { ...FILES, ...changed };
  return unequalCodes(Object.keys(files), (path) => files[path]);
}

test('the same codes in sources, type and documentation', () => {
  assert.deepEqual(broken({}), []);
});

test('each that one of them lacks is named', () => {
  assert.deepEqual(broken({ [RUST]: 'Self::A => ("ERR_A", "ERR_B_C", "ERR_NEW")' }), [
    `ERR_NEW is not in ${TYPE}, and ${RUST} has it`,
  ]);
  assert.deepEqual(broken({ [DOCS]: '**ERR_A** One.' }), [`ERR_B_C is not in ${DOCS}`]);
  assert.deepEqual(broken({ [RUST]: '"ERR_A"' }), ['ERR_B_C is not in any source']);
  assert.deepEqual(broken({ [DOCS]: `${FILES[DOCS]}\n**ERR_OLD** Gone.\n` }), [
    `ERR_OLD is not in ${TYPE}`,
  ]);
});
