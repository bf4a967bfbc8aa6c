/** Which libc the launcher is linked with, statically, and how. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { canStart } from '../command.mjs';

/**
 * What this machine has for musl.
 *
 * @typedef {object} Musl
 * @property {boolean} standardLibrary of the installed rustc, for that target
 * @property {boolean} compiler musl-gcc, for what is written in C
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
  const words = ['--print', 'target-libdir', '--target', muslOf(gnuTarget)];
  const { stdout } = spawnSync('rustc', words, { encoding: 'utf8' });
  return {
    standardLibrary: Boolean(stdout) && existsSync(stdout.trim()),
    compiler: canStart(['musl-gcc', '--version']),
  };
}

/**
 * musl for what is shipped: static glibc asks the processor for its features before `main`, which a
 * virtual machine traps (docs/decisions/0011-libc-of-the-launcher.md). Static and at a random
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
  return {
    target,
    // By the name that the cc crate looks for first.
    env: { [`CC_${target.replaceAll('-', '_')}`]: 'musl-gcc' },
    flags: [],
  };
}

function muslOf(gnuTarget) {
  return gnuTarget.replace(/-gnu$/, '-musl');
}
