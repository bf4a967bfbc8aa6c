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

let made: string[] | undefined;

/** The tarballs of the two packages of this machine, packed once for a test file. */
export function packed(): string[] {
  made ??= execFileSync(process.execPath, [join(root, 'scripts/pack-dev.mjs'), freshDirectory()], {
    cwd: root,
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
    .filter((line) => line.endsWith('.tgz'));
  return made;
}

/** Packs and installs with npm, without a registry, into `directory`. */
export function packedInstall(directory = freshDirectory()): PackedInstall {
  const tarballs = packed();
  const quiet = ['--offline', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['install', ...quiet, ...tarballs], { cwd: directory, stdio: 'pipe' });
  return { directory, bin: join(directory, 'node_modules/.bin/fuselage'), tarballs };
}
