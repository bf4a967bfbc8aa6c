import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseLibc } from './libc.mjs';

const GNU = 'aarch64-unknown-linux-gnu';
const MUSL = 'aarch64-unknown-linux-musl';
const all = { standardLibrary: true, compiler: true };

test('musl, and its C compiler, where all of it is there', () => {
  const link = chooseLibc(GNU, all);
  assert.equal(link.target, MUSL);
  assert.deepEqual(link.env, { CC_aarch64_unknown_linux_musl: 'musl-gcc' });
  assert.deepEqual(link.flags, [], 'rustc links statically for musl by itself');
  assert.equal(link.lacking, undefined);
});

test('else glibc, statically, and what to type', () => {
  for (const [missing, advice] of [
    [{ standardLibrary: false }, `rustup target add ${MUSL}`],
    [{ compiler: false }, 'apt-get install -y musl-tools'],
  ]) {
    const link = chooseLibc(GNU, { ...all, ...missing });
    assert.equal(link.target, GNU);
    assert.deepEqual(link.flags, ['-C', 'target-feature=+crt-static']);
    assert.match(link.lacking, new RegExp(`${advice}$`));
  }
});

test('a build for development wants none and lacks nothing', () => {
  const link = chooseLibc(GNU, undefined);
  assert.equal(link.target, GNU);
  assert.equal(link.lacking, undefined);
});
