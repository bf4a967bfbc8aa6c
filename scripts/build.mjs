/**
 * Builds everything that a run needs, for this machine, in place:
 *
 *     node scripts/build.mjs [--profile dev|launch]
 *
 * `packages/fuselage/bin/fuselage` works afterwards, from any directory and as any user who may
 * enter this one. Quick when nothing changed.
 */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildBundle } from './build/bundle.mjs';
import { NATIVE_PARTS, PROFILES } from './build/native.mjs';
import { buildTypes } from './build/types.mjs';
import { CommandFailed } from './command.mjs';
import { host, ROOT } from './host.mjs';

/** Node and the kernel read these as the user who runs fuselage, who may not be who cloned it. */
function openSources() {
  for (const directory of ['packages', 'packages/fuselage', 'packages/fuselage/bin']) {
    chmodSync(join(ROOT, directory), 0o755);
  }
  for (const name of ['fuselage', `linux-${host().arch}`]) {
    chmodSync(join(ROOT, 'packages', name), 0o755);
    chmodSync(join(ROOT, 'packages', name, 'package.json'), 0o644);
  }
}

async function main() {
  const { values } = parseArgs({ options: { profile: { type: 'string', default: 'dev' } } });
  if (!Object.hasOwn(PROFILES, values.profile)) {
    throw new Error(`unknown profile ${values.profile}: dev or launch`);
  }
  // All parts are tried, so that one that fails does not hide what is wrong with the others.
  const failures = [];
  const part = async (name, make) => {
    try {
      await make();
    } catch (error) {
      failures.push(`${name}: ${error.message}`);
    }
  };
  await part('bundle', buildBundle);
  await part('types', buildTypes);
  for (const [name, make] of Object.entries(NATIVE_PARTS)) {
    await part(name, () => make(values.profile));
  }
  await part('modes', openSources);
  if (failures.length > 0) throw new CommandFailed(failures.join('\n'));
}

main().catch((error) => {
  const text = error instanceof Error ? error.message : String(error);
  console.error(text.replaceAll(/^/gm, 'build: '));
  // 3: nothing was tested (scripts/test.mjs ends with 1 when something was and failed).
  process.exitCode = 3;
});
