import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseLibc } from './libc.mjs';

const GNU = 'aarch64-unknown-linux-gnu';
const MUSL = 'aarch64-unknown-linux-musl';
const all = { standardLibrary: true, compiler: true, rustc: [1, 95] };

test('musl, and its C compiler, where all of it is there', () => {
  const link = chooseLibc(GNU, all);
  assert.equal(link.target, MUSL);
  assert.deepEqual(link.env, { CC_aarch64_unknown_linux_musl: 'musl-gcc' });
  assert.equal(link.lacking, undefined);
});

test('relocations are packed for the musl that can read them alone', () => {
  const packed = 'link-arg=-Wl,-z,pack-relative-relocs';
  for (const [rustc, packs] of [
    [[1, 92], false],
    [[1, 93], true],
    [[2, 0], true],
  ]) {
    assert.equal(chooseLibc(GNU, { ...all, rustc }).flags.includes(packed), packs, `${rustc}`);
  }
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
