/**
 * Compares fuselage with named peers: every comparison in one run, since the machine is noisy, and
 * as an ordinary user but for the part `root`. Prints medians and ratios; `docs/benchmarks.md` says
 * what they mean.
 *
 *     npm run bench [-- PART…]      parts: whole, start, root, cache, zip, squashfs; all without one
 */
import { cache } from './cache.mjs';
import { squashfs, zip } from './extract.mjs';
import { root } from './root.mjs';
import { openScene } from './scene.mjs';
import { start } from './start.mjs';
import { whole } from './whole.mjs';

const PARTS = { whole, start, root, cache, zip, squashfs };

const asked = process.argv.slice(2);
const unknown = asked.filter((part) => !Object.hasOwn(PARTS, part));
if (unknown.length > 0) {
  console.error(`bench: unknown part ${unknown[0]}: ${Object.keys(PARTS).join(', ')}`);
  process.exit(2);
}

const scene = openScene();
try {
  for (const [name, measure] of Object.entries(PARTS)) {
    if (asked.length === 0 || asked.includes(name)) measure(scene);
  }
} finally {
  scene.end();
}
