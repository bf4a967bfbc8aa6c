/**
 * Writes the files that are generated from others; `--check` compares instead, and ends with 1
 * when one is not current.
 *
 *     node scripts/generate.mjs [--check]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from './command.mjs';
import { host, ROOT } from './host.mjs';

/** What is generated: where it stands, and the words that print it. */
const GENERATED = [
  {
    path: 'packages/fuselage/src/native/plan-types.ts',
    words: [
      'cargo',
      'run',
      '--quiet',
      '--target',
      host().target,
      '--package',
      'fuselage-plan',
      '--features',
      'typescript',
      '--example',
      'typescript',
    ],
  },
];

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
for (const { path, words } of GENERATED) {
  const file = join(ROOT, path);
  const wanted = run(words, { capture: true });
  const current = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (wanted === current) continue;
  if (values.check) {
    console.error(`${path} is not what the Rust types say: npm run generate`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, wanted);
    console.log(`wrote ${path}`);
  }
}
