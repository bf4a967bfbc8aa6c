/** The JavaScript of the npm package: bundled by esbuild, one file for each way in. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from '../host.mjs';
import { place } from './place.mjs';

const PACKAGE = join(ROOT, 'packages/fuselage');

const WAYS_IN = {
  cli: 'src/cli/main.ts',
  index: 'src/index.ts',
  'front-door': 'src/front-door.ts',
};

const common = {
  absWorkingDir: PACKAGE,
  bundle: true,
  platform: 'node',
  target: 'node20.17',
  // What belongs to a machine is found at run time.
  external: ['@fuselage/*', '*.node'],
  legalComments: 'eof',
  write: false,
  logLevel: 'warning',
};

/**
 * The ESM side of the API. It hands on what the CommonJS file exports, so that a program that uses
 * both has one copy of every class.
 *
 * @param {string[]} names
 */
export function reExport(names) {
  const list = [...names].sort().join(', ');
  return `import fuselage from './index.cjs';\n\nexport const { ${list} } = fuselage;\n`;
}

/** The names that the API exports at run time, as esbuild read them from its source. */
async function exportedNames() {
  const result = await build({
    ...common,
    entryPoints: [WAYS_IN.index],
    outfile: 'index.mjs',
    format: 'esm',
    metafile: true,
  });
  return Object.values(result.metafile.outputs).flatMap((output) => output.exports);
}

/** Writes packages/fuselage/dist but its types, and makes the front door executable. */
export async function buildBundle() {
  const [result, names] = await Promise.all([
    build({
      ...common,
      entryPoints: Object.entries(WAYS_IN).map(([out, source]) => ({ in: source, out })),
      outdir: 'dist',
      outExtension: { '.js': '.cjs' },
      format: 'cjs',
      sourcemap: false,
    }),
    exportedNames(),
  ]);
  for (const file of result.outputFiles) {
    place(join(PACKAGE, 'dist', basename(file.path)), file.contents);
  }
  place(join(PACKAGE, 'dist/index.mjs'), reExport(names));
  place(join(PACKAGE, 'dist/entry.js'), readFileSync(join(PACKAGE, 'src/entry.js')));
  place(join(PACKAGE, 'bin/fuselage'), readFileSync(join(PACKAGE, 'bin/fuselage')), 0o755);
}
