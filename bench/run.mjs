/**
 * Compares fuselage with named peers: every comparison in one run, since the machine is noisy, and
 * as an ordinary user, since that is who it is for (root measures as uid 12345). Prints medians and
 * ratios; `docs/benchmarks.md` says what they mean.
 *
 *     npm run bench
 */
import { execFileSync } from 'node:child_process';
import { chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeModulesZip, openDirectory, planStarter, writeFrame } from './inputs.mjs';
import { medians, ratio } from './measure.mjs';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const cache = openDirectory(join(root, 'bench/.cache'));
const results = openDirectory(join(root, 'bench/results'));
const place = openDirectory(mkdtempSync(join(tmpdir(), 'fuselage-bench-')));
const user = process.getuid() === 0 ? 12345 : process.getuid();
const home = join(place, 'home');
mkdirSync(home);
chownSync(home, user, user);

/** Everything is started by the same words before it, whoever we are. */
const as =
  process.getuid() === 0
    ? ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', 'env', `HOME=${home}`]
    : ['env', `HOME=${home}`];
const asUser = (command) => [...as, command].join(' ');
const capture = (words) => execFileSync(as[0], [...as.slice(1), ...words], { encoding: 'utf8' });

const fuselage = join(root, 'packages/fuselage/bin/fuselage');
const launcher = join(root, `packages/linux-${process.arch}/fuselage-launch-linux-${process.arch}`);
const original = join(place, 'original');
copyFileSync(join(cache, 'original/bin/fuselage'), original);

const zip = join(place, 'node_modules.zip');
copyFileSync(nodeModulesZip(root, cache), zip);
const starter = planStarter(root, place);
const readyPlan = (name, options) => {
  const words = [fuselage, 'run', '--dry-run', ...options, '--', '/bin/true'];
  const plan = JSON.parse(capture(words));
  // The words of the launcher are then the command alone.
  plan.program.commandIndex = 0;
  const frame = join(place, name);
  writeFrame(frame, plan);
  return `${starter} ${frame} ${launcher} --fuselage-execute /bin/true`;
};

function show(title, times, lines) {
  console.log(`\n${title}`);
  for (const [name, time] of Object.entries(times)) {
    console.log(`  ${time.toFixed(2).padStart(9)} ms  ${name}`);
  }
  for (const line of lines) console.log(`  ${line}`);
}

try {
  const whole = medians(
    results,
    'whole',
    {
      'env true': asUser('/bin/true'),
      'node -e 0': asUser(`${process.execPath} -e 0`),
      'fuselage run -- true': asUser(`${fuselage} run -- /bin/true`),
    },
    { runs: 40, warmup: 5 },
  );
  const more = whole['fuselage run -- true'] - whole['node -e 0'];
  show('A run, with node asked', whole, [`node -e 0 ${more.toFixed(1)} ms (aim ≤ + 20 ms)`]);

  const start = medians(
    results,
    'start',
    {
      'env true': asUser('/bin/true'),
      'starter, true': asUser(`${starter} ${zip} /bin/true`),
      'launcher, plan ready': asUser(readyPlan('empty.frame', [])),
      'unshare -Um true': asUser('unshare -Um /bin/true'),
      'original, no archive': asUser(`${original} -- /bin/true`),
    },
    { runs: 300, warmup: 20 },
  );
  const wrapped = start['env true'];
  const starting = start['starter, true'] - wrapped;
  const own = start['launcher, plan ready'] - wrapped - starting;
  const unshare = start['unshare -Um true'] - wrapped;
  const old = start['original, no archive'] - wrapped;
  show('A start, with a ready plan', start, [
    `gross: launcher / unshare ${ratio(start['launcher, plan ready'], start['unshare -Um true'], 0.8).line}, ` +
      `/ original ${ratio(start['launcher, plan ready'], start['original, no archive'], 0.6).line}`,
    `beyond \`env true\` and the starter: ${own.toFixed(2)} ms; unshare ${unshare.toFixed(2)} ms, ` +
      `original ${old.toFixed(2)} ms: ${ratio(own, unshare, 0.8).line}, ${ratio(own, old, 0.6).line}`,
  ]);

  const target = join('/dev/shm', `fuselage-bench-${process.pid}`);
  const unpack = (command) => asUser(`sh -c "mkdir ${target} && ${command} && rm -rf ${target}"`);
  const extract = medians(
    results,
    'extract',
    {
      'fuselage run -s ZIP': asUser(`${fuselage} run -s ${zip} -- /bin/true`),
      'launcher, plan ready': asUser(readyPlan('zip.frame', ['-s', zip])),
      'original -s ZIP': asUser(`${original} -s ${zip} -- /bin/true`),
      'unzip, rm -r': unpack(`unzip -q ${zip} -d ${target}`),
      'bsdtar, rm -r': unpack(`bsdtar -xf ${zip} -C ${target}`),
    },
    { runs: 10, warmup: 1 },
  );
  const of = (peer) => ratio(extract['fuselage run -s ZIP'], extract[peer], 0.25).line;
  show('node_modules as a zip, for one command', extract, [
    `/ original ${of('original -s ZIP')}`,
    `/ unzip ${of('unzip, rm -r')}, / bsdtar ${of('bsdtar, rm -r')} (no aim)`.replaceAll(
      / \(aim[^)]*\)/g,
      '',
    ),
  ]);
} finally {
  rmSync(place, { recursive: true, force: true });
}
