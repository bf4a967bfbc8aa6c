import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readElf } from './elf.mjs';

/** What the C compiler makes of an empty program. */
function linked(...flags) {
  const directory = mkdtempSync(join(tmpdir(), 'fuselage-elf-'));
  try {
    const program = join(directory, 'program');
    execFileSync('cc', [...flags, '-x', 'c', '-o', program, '-'], {
      input: 'int main(void) { return 0; }',
    });
    return readElf(readFileSync(program));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('a program without a loader is static, wherever it lies', () => {
  assert.deepEqual(linked('-static-pie'), { static: true, anywhere: true });
  assert.deepEqual(linked('-static'), { static: true, anywhere: false });
});

test('a program that names its loader is not', () => {
  assert.deepEqual(linked('-pie', '-fPIE'), { static: false, anywhere: true });
});

test('what is no ELF file is refused', () => {
  assert.throws(() => readElf(Buffer.from('#!/bin/sh\n')), /not a 64-bit/);
});
