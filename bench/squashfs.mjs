/**
 * Compares `node_modules` as a squashfs image, for one command, with the original and unsquashfs;
 * every comparison is one run, as an ordinary user (root measures as uid 12345).
 *
 *     node bench/squashfs.mjs
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDirectory, planStarter, writeFrame } from './inputs.mjs';
import { medians, ratio } from './measure.mjs';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const cache = openDirectory(join(root, 'bench/.cache'));
const results = openDirectory(join(root, 'bench/results'));

/** What is packed: everything, and everything but large programs. */
const TREES = { whole: [], 'without files above 8 MB': ['-action', 'exclude@size(+8M)&&type(f)'] };

function image(compressor, tree) {
  const path = join(cache, `node_modules-${tree.replaceAll(' ', '-')}.${compressor}.sfs`);
  if (!existsSync(path)) {
    const words = ['node_modules', path, '-comp', compressor, '-quiet', '-no-progress'];
    execFileSync('mksquashfs', [...words, ...TREES[tree]], { cwd: root });
    chmodSync(path, 0o644);
  }
  return path;
}

const place = openDirectory(mkdtempSync(join(tmpdir(), 'fuselage-bench-')));
const user = process.getuid() === 0 ? 12345 : process.getuid();
const home = join(place, 'home');
mkdirSync(home);
chownSync(home, user, user);
const as =
  process.getuid() === 0
    ? ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', 'env', `HOME=${home}`]
    : ['env', `HOME=${home}`];
const asUser = (command) => [...as, command].join(' ');

const fuselage = join(root, 'packages/fuselage/bin/fuselage');
const launcher = join(root, `packages/linux-${process.arch}/fuselage-launch-linux-${process.arch}`);
const original = join(place, 'original');
copyFileSync(join(cache, 'original/bin/fuselage'), original);

/** The launcher with a plan that node has made before. */
function readyPlan(starter, options) {
  const words = [...as.slice(1), fuselage, 'run', '--dry-run', ...options, '--', '/bin/true'];
  const plan = JSON.parse(execFileSync(as[0], words, { encoding: 'utf8' }));
  plan.program.commandIndex = 0;
  const frame = join(place, 'squashfs.frame');
  writeFrame(frame, plan);
  return `${starter} ${frame} ${launcher} --fuselage-execute /bin/true`;
}

function compare(compressor, tree) {
  const sfs = join(place, 'node_modules.sfs');
  copyFileSync(image(compressor, tree), sfs);
  const target = join('/dev/shm', `fuselage-bench-${process.pid}`);
  const unpack = `sh -c "unsquashfs -quiet -no-progress -d ${target} ${sfs} >/dev/null && rm -rf ${target}"`;
  const times = medians(
    results,
    `squashfs-${compressor}-${tree.split(' ')[0]}`,
    {
      'fuselage run -s IMAGE': asUser(`${fuselage} run -s ${sfs} -- /bin/true`),
      'launcher, plan ready': asUser(readyPlan(planStarter(root, place), ['-s', sfs])),
      'original -s IMAGE': asUser(`${original} -s ${sfs} -- /bin/true`),
      'unsquashfs, rm -r': asUser(unpack),
    },
    { runs: 10, warmup: 1 },
  );
  console.log(`\nnode_modules, ${tree}, as a squashfs of ${compressor}, for one command`);
  for (const [name, time] of Object.entries(times)) {
    console.log(`  ${time.toFixed(2).padStart(9)} ms  ${name}`);
  }
  for (const ours of ['fuselage run -s IMAGE', 'launcher, plan ready']) {
    const of = (peer, aim) => ratio(times[ours], times[peer], aim).line;
    console.log(
      `  ${ours} / original ${of('original -s IMAGE', 0.4)}, / unsquashfs ${of('unsquashfs, rm -r', 1)}`,
    );
  }
}

try {
  for (const tree of Object.keys(TREES)) {
    for (const compressor of ['zstd', 'gzip']) compare(compressor, tree);
  }
} finally {
  rmSync(place, { recursive: true, force: true });
}
