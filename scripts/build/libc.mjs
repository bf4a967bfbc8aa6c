/** Which libc the launcher is linked with, statically, and how. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { canStart } from '../command.mjs';

/** The first rustc whose own musl (1.2.5) applies packed relative relocations (DT_RELR). */
const PACKED_RELOCATIONS = [1, 93];

/**
 * What this machine has for musl.
 *
 * @typedef {object} Musl
 * @property {boolean} standardLibrary of the installed rustc, for that target
 * @property {boolean} compiler musl-gcc, for what is written in C
 * @property {[number, number]} rustc the first two numbers of its version
 */

/**
 * How cargo links the launcher.
 *
 * @typedef {object} Link
 * @property {string} target in rustc's words
 * @property {Record<string, string>} env
 * @property {string[]} flags of rustc, for the last step alone: as RUSTFLAGS they would be part of
 *   every dependency's identity, and all would be built twice
 * @property {string} [lacking] why it is not musl, and what to type
 */

/** @returns {Musl} */
export function findMusl(gnuTarget) {
  const print = (words) =>
    spawnSync('rustc', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).stdout ??
    '';
  const library = print(['--print', 'target-libdir', '--target', muslOf(gnuTarget)]).trim();
  const [, major = 0, minor = 0] = /^rustc (\d+)\.(\d+)/.exec(print(['--version'])) ?? [];
  return {
    standardLibrary: library !== '' && existsSync(library),
    compiler: canStart(['musl-gcc', '--version']),
    rustc: [Number(major), Number(minor)],
  };
}

/**
 * musl for what is shipped: static glibc asks the processor for its features before `main`, which a
 * virtual machine traps (docs/decisions/0006-libc-of-the-launcher.md). Static and at a random
 * address in both cases.
 *
 * @param {string} gnuTarget this machine's, with glibc
 * @param {Musl | undefined} musl undefined: not wanted
 * @returns {Link}
 */
export function chooseLibc(gnuTarget, musl) {
  const glibc = { target: gnuTarget, env: {}, flags: ['-C', 'target-feature=+crt-static'] };
  if (musl === undefined) return glibc;
  const target = muslOf(gnuTarget);
  if (!musl.standardLibrary) return { ...glibc, lacking: `type: rustup target add ${target}` };
  if (!musl.compiler) {
    return { ...glibc, lacking: 'musl-gcc is missing; type: sudo apt-get install -y musl-tools' };
  }
  const packs =
    musl.rustc[0] > PACKED_RELOCATIONS[0] ||
    (musl.rustc[0] === PACKED_RELOCATIONS[0] && musl.rustc[1] >= PACKED_RELOCATIONS[1]);
  return {
    target,
    // By the name that the cc crate looks for first.
    env: { [`CC_${target.replaceAll('-', '_')}`]: 'musl-gcc' },
    flags: [
      // Two mappings in place of four: 0.04 ms of a start.
      ...['-C', 'link-arg=-Wl,-z,noseparate-code'],
      ...(packs ? ['-C', 'link-arg=-Wl,-z,pack-relative-relocs'] : []),
    ],
  };
}

function muslOf(gnuTarget) {
  return gnuTarget.replace(/-gnu$/, '-musl');
}
