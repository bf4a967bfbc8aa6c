/**
 * Where and as whom everything is measured: a directory that an ordinary user can enter, and a
 * home. Root measures as uid 12345, since fuselage is for ordinary users, and what only root can do
 * as root.
 */
import { execFileSync } from 'node:child_process';
import { chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compiled, nodeModules, openDirectory, writeFrame } from './inputs.mjs';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** Makes the scene; `end()` removes it. */
export function openScene() {
  const cache = openDirectory(join(root, 'bench/.cache'));
  const place = openDirectory(mkdtempSync(join(tmpdir(), 'fuselage-bench-')));
  const fuselage = join(root, 'packages/fuselage/bin/fuselage');
  const name = `linux-${process.arch}`;
  const launcher = join(root, 'packages', name, `fuselage-launch-${name}`);
  const original = join(place, 'original');
  copyFileSync(join(cache, 'original/bin/fuselage'), original);
  const starter = compiled('start_with_plan', place);

  /** The scene of a user, who gets a home. */
  const of = (user) => ({
    ...asUser(user, place),
    fuselage,
    original,
    /** Command lines for the plan of these options of `run`: the launcher with it, `true` alone. */
    readyPlan(file, options) {
      const { as } = this;
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
  });
  return {
    ...of(process.getuid() === 0 ? 12345 : process.getuid()),
    /** The same for root; null for anybody else. */
    root: process.getuid() === 0 ? { ...of(0), many: compiled('many_at_once', place) } : null,
    end: () => rmSync(place, { recursive: true, force: true }),
  };
}

function asUser(user, place) {
  const home = join(place, `home-${user}`);
  mkdirSync(home);
  chownSync(home, user, user);
  const other = process.getuid() !== user;
  const become = other ? ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'] : [];
  return {
    /** The words before a program that make it one of that user. */
    as: [...become, 'env', `HOME=${home}`],
    /** Where hyperfine writes its own report. */
    results: home,
  };
}
