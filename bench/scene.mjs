/**
 * Where and as whom everything is measured: a directory that an ordinary user can enter, and a
 * home. Root measures as uid 12345: fuselage is for ordinary users.
 */
import { execFileSync } from 'node:child_process';
import { chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeModules, openDirectory, planStarter, writeFrame } from './inputs.mjs';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** Makes the scene; `end()` removes it. */
export function openScene() {
  const cache = openDirectory(join(root, 'bench/.cache'));
  const place = openDirectory(mkdtempSync(join(tmpdir(), 'fuselage-bench-')));
  const user = process.getuid() === 0 ? 12345 : process.getuid();
  const home = join(place, 'home');
  mkdirSync(home);
  chownSync(home, user, user);

  const as =
    process.getuid() === 0
      ? ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', 'env', `HOME=${home}`]
      : ['env', `HOME=${home}`];

  const fuselage = join(root, 'packages/fuselage/bin/fuselage');
  const name = `linux-${process.arch}`;
  const launcher = join(root, 'packages', name, `fuselage-launch-${name}`);
  const original = join(place, 'original');
  copyFileSync(join(cache, 'original/bin/fuselage'), original);
  const starter = planStarter(root, place);

  return {
    /** The words before a program that make it one of the ordinary user. */
    as,
    /** Where hyperfine writes its own report. */
    results: home,
    fuselage,
    original,
    /** Command lines for the plan of these options of `run`: the launcher with it, `true` alone. */
    readyPlan(file, options) {
      const words = [fuselage, 'run', '--dry-run', ...options, '--', '/bin/true'];
      const text = execFileSync(as[0], [...as.slice(1), ...words], { encoding: 'utf8' });
      const plan = JSON.parse(text);
      // The words of the launcher are then the command alone.
      plan.program.commandIndex = 0;
      const frame = join(place, file);
      writeFrame(frame, plan);
      return {
        launched: `${starter} ${frame} ${launcher} --fuselage-execute /bin/true`,
        alone: `${starter} ${frame} /bin/true`,
      };
    },
    /** An archive of node_modules, where the user can read it. */
    nodeModules(ending, tree) {
      const archive = join(place, `node_modules.${ending}`);
      copyFileSync(nodeModules(root, cache, ending, tree), archive);
      return archive;
    },
    end: () => rmSync(place, { recursive: true, force: true }),
  };
}
