/**
 * Packs what was built for this machine, as it would be published, into two tarballs:
 *
 *     node scripts/pack-dev.mjs [OUTDIR]      (default: dist)
 *
 * and prints their paths, the platform package's first. Installed together they need no registry:
 * `npm install --offline A.tgz B.tgz`.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { canStart, run } from './command.mjs';
import { host, ROOT } from './host.mjs';
import { mainManifest } from './pack/manifest.mjs';

const LICENSES = ['LICENSE-MIT', 'LICENSE-APACHE'];

const manifestOf = (directory) => JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));

/** A copy of what a package publishes; nothing in the source tree is touched. */
function stage(source, into, manifest) {
  for (const name of manifest.files) {
    if (!existsSync(join(source, name))) {
      throw new Error(`${join(source, name)} is missing: build first (npm run build)`);
    }
    cpSync(join(source, name), join(into, name), { recursive: true });
  }
  for (const name of LICENSES) cpSync(join(ROOT, name), join(into, name));
  if (existsSync(join(source, 'README.md')))
    cpSync(join(source, 'README.md'), join(into, 'README.md'));
  const published = { ...manifest, files: [...manifest.files, ...LICENSES] };
  writeFileSync(join(into, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
}

/** Takes the line tables out, four fifths of a development build; symbols stay for backtraces. */
function stripDebug(directory, names) {
  if (!canStart(['strip', '--version'])) return;
  for (const name of names) run(['strip', '--strip-debug', join(directory, name)]);
}

function pack(directory, into) {
  const words = [
    'npm',
    'pack',
    directory,
    '--pack-destination',
    into,
    '--json',
    '--ignore-scripts',
  ];
  const [{ filename }] = JSON.parse(run([...words, '--loglevel=error'], { capture: true }));
  return join(into, filename.replace('@', '').replace('/', '-'));
}

function main() {
  const into = resolve(process.argv[2] ?? join(ROOT, 'dist'));
  mkdirSync(into, { recursive: true });
  const staging = mkdtempSync(join(tmpdir(), 'fuselage-pack-'));
  try {
    const platform = join(ROOT, 'packages', `linux-${host().arch}`);
    const main = join(ROOT, 'packages/fuselage');
    const manifest = mainManifest(manifestOf(main), [manifestOf(platform)]);
    stage(platform, join(staging, 'platform'), manifestOf(platform));
    stripDebug(join(staging, 'platform'), manifestOf(platform).files);
    stage(main, join(staging, 'main'), manifest);
    for (const name of ['platform', 'main']) console.log(pack(join(staging, name), into));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

main();
