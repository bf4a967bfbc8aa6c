import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import type { Hints } from '../errors.js';

/** The architectures that have a platform package, by the names of node. */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64'];

/** Where the parts that are no JavaScript are, on this machine. */
export interface Platform {
  /** The name of the platform package. */
  name: string;
  /** The launcher. */
  launcher: string;
  /** The addon for a node that uses glibc. */
  addon: string;
}

/** The name of the platform package of this machine; null where there is none for it. */
export function platformName(
  system: string = process.platform,
  architecture: string = process.arch,
): string | null {
  const known = system === 'linux' && ARCHITECTURES.includes(architecture);
  return known ? `@fuselage/linux-${architecture}` : null;
}

/** The platform package `name` in `directory`. */
function platformIn(directory: string, name: string): Platform {
  const architecture = name.slice(name.lastIndexOf('-') + 1);
  return {
    name,
    launcher: join(directory, `fuselage-launch-linux-${architecture}`),
    addon: join(directory, `fuselage.linux-${architecture}-gnu.node`),
  };
}

/**
 * The platform package `name` where the launcher says that it is itself; null where the addon is
 * not beside it. Node that the launcher started has no resolver but its own, so that Yarn's
 * Plug'n'Play cannot help it.
 */
export function platformOfLauncher(directory: string, name: string): Platform | null {
  const found = platformIn(directory, name);
  return directory !== '' && existsSync(found.addon) ? found : null;
}

/**
 * Finds the platform package `name` from a file of ours: as node resolves it (Yarn's Plug'n'Play
 * included), and else where the front door looks: in each node_modules above and beside us.
 */
export function findPlatform(name: string, from: string): Platform | null {
  const directory = resolved(name, from) ?? beside(name, dirname(from));
  return directory === null ? null : platformIn(directory, name);
}

function resolved(name: string, from: string): string | null {
  try {
    return dirname(createRequire(from).resolve(`${name}/package.json`));
  } catch {
    return null;
  }
}

function beside(name: string, from: string): string | null {
  for (let directory = from; ; directory = dirname(directory)) {
    for (const candidate of [join(directory, 'node_modules', name), join(directory, name)]) {
      if (existsSync(join(candidate, 'package.json'))) return candidate;
    }
    if (directory === dirname(directory)) return null;
  }
}

/** Why there is no platform package, as an error's causes and hints. */
export function whyMissing(name: string | null): { causes: string[]; hints: Hints } {
  if (name === null) {
    return {
      causes: [
        `this machine is ${process.platform} ${process.arch}; fuselage is made of Linux mount ` +
          'namespaces and is built for x64 and arm64',
      ],
      hints: [
        'run it on Linux, for example in a virtual machine (WSL 2 on Windows, Lima on macOS)',
      ],
    };
  }
  return {
    causes: [`the package ${name} is in no node_modules near ${dirname(__filename)}`],
    hints: [
      'install optional dependencies too: npm install --include=optional',
      'if the lock file was written on another system, delete it and node_modules and install again',
      'with pnpm or yarn, name this system in supportedArchitectures',
    ],
  };
}
