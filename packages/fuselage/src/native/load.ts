import { FuselageError, type Hints } from '../errors.js';
import { VERSION } from '../version.js';
import type { Addon } from './addon.js';
import {
  findPlatform,
  type Platform,
  platformName,
  platformOfLauncher,
  whyMissing,
} from './platform.js';

/**
 * The platform package of this machine.
 *
 * @param launcherDirectory - where the launcher that asks is; without it the package is searched
 * @throws FuselageError `ERR_PLATFORM_MISSING`
 */
export function platform(launcherDirectory = ''): Platform {
  const name = platformName();
  const found =
    name === null
      ? null
      : (platformOfLauncher(launcherDirectory, name) ?? findPlatform(name, __filename));
  if (found === null) {
    throw new FuselageError(
      'ERR_PLATFORM_MISSING',
      `cannot find the part of fuselage for this machine`,
      whyMissing(name),
    );
  }
  return found;
}

/** The part of node's diagnostic report that is used (process.report, Node.js API). */
interface Report {
  excludeNetwork?: boolean;
  getReport(): { header?: { glibcVersionRuntime?: string } };
}

/** Whether this node uses glibc; another C library cannot load the addon. */
function usesGlibc(): boolean {
  const report: Report = process.report;
  // Else it looks up the names of all network peers, which can take seconds.
  report.excludeNetwork = true;
  return report.getReport().header?.glibcVersionRuntime !== undefined;
}

/**
 * Loads the addon of the platform package (of this machine unless told) and makes sure it is of this version.
 *
 * @throws FuselageError `ERR_PLATFORM_MISSING`, `ERR_VERSION_MISMATCH`
 */
export function loadAddon({ addon: file, name }: Platform = platform()): Addon {
  let addon: Addon;
  try {
    addon = require(file) as Addon;
  } catch (error) {
    const causes = [error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)];
    const hints: Hints = usesGlibc()
      ? [`install ${name} again`]
      : ['this node is built for another C library than glibc: set FUSELAGE_NODE to one for glibc'];
    throw new FuselageError('ERR_PLATFORM_MISSING', `cannot load the addon ${file}`, {
      causes,
      hints,
    });
  }
  if (addon.version() !== VERSION) {
    throw new FuselageError(
      'ERR_VERSION_MISMATCH',
      `the npm package is of version ${VERSION}, its part for this machine of ${addon.version()}`,
      { causes: [`the addon is ${file}`], hints: [`install both again: npm install fuselage`] },
    );
  }
  return addon;
}
