import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { freshDirectory, root } from './places.js';

/** An install of the two tarballs that `npm run pack:dev` makes. */
export interface PackedInstall {
  /** The directory with `node_modules`. */
  directory: string;
  /** What a package script calls. */
  bin: string;
  /** The tarballs. */
  tarballs: string[];
}

/** Packs the two packages of this machine into `place`. */
export function packed(place = freshDirectory()): string[] {
  const output = execFileSync(process.execPath, [join(root, 'scripts/pack-dev.mjs'), place], {
    cwd: root,
    encoding: 'utf8',
  });
  return output
    .trim()
    .split('\n')
    .filter((line) => line.endsWith('.tgz'));
}

/** Packs and installs with npm, without a registry, into an empty directory. */
export function packedInstall(): PackedInstall {
  const directory = freshDirectory();
  const tarballs = packed(directory);
  const quiet = ['--offline', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['init', '-y'], { cwd: directory, stdio: 'pipe' });
  execFileSync('npm', ['install', ...quiet, ...tarballs], { cwd: directory, stdio: 'pipe' });
  return { directory, bin: join(directory, 'node_modules/.bin/fuselage'), tarballs };
}
