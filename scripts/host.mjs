/** The machine that builds, and where this repository is. */
import { fileURLToPath } from 'node:url';

/** The root of the repository, without a slash at its end. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

const TARGETS = { x64: 'x86_64-unknown-linux-gnu', arm64: 'aarch64-unknown-linux-gnu' };

/**
 * This machine's architecture in the names of node and of rustc. Every cargo call names the target,
 * so that all share one set of built dependencies and `-C target-feature=+crt-static` reaches
 * neither proc macros nor build scripts.
 */
export function host() {
  const target = TARGETS[process.arch];
  if (process.platform !== 'linux' || target === undefined) {
    throw new Error(
      `fuselage is built on Linux, x64 or arm64; this is ${process.platform} ${process.arch}`,
    );
  }
  return { arch: process.arch, target };
}
