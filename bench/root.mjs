/** What only root can do: starts with an image that the kernel mounts, and many of them at once. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { measured, medians, ratio, show } from './measure.mjs';

const AT_ONCE = 64;
const RUNS = 20;

export function root({ root: scene, nodeModules }) {
  if (scene === null) {
    console.log('\nStarts as root: left out, since only root can measure them');
    return;
  }
  const image = nodeModules('zstd.sfs', 'whole');
  const bare = scene.readyPlan('bare.frame', []);
  const mounted = scene.readyPlan('image.frame', ['--static', image]);
  const { original } = scene;
  const bwrap = 'bwrap --dev-bind / / /bin/true';
  const byHand = join(scene.results, 'mnt');
  execFileSync('mkdir', [byHand]);
  const script = `mount -o ro,loop ${image} ${byHand} && /bin/true && umount ${byHand}`;
  const times = medians(
    scene,
    'root',
    {
      true: '/bin/true',
      'starter, true': bare.alone,
      'launcher, no archive': bare.launched,
      'launcher, image': mounted.launched,
      'original, no archive': `${original} -- /bin/true`,
      'original, image': `${original} --static ${image} -- /bin/true`,
      'bwrap, no archive': bwrap,
      'mount -o loop, true, umount': `unshare -m sh -c '${script}'`,
    },
    { runs: 300, warmup: 20 },
  );
  // The starter stands for the caller: what it takes is no part of a start.
  const starter = times['starter, true'] - times.true;
  const against = (what, peer, aim) =>
    `${what} / ${peer}: ${ratio(times[`launcher, ${what}`] - starter, times[peer], aim).line}`;
  const more = times['launcher, image'] - times['launcher, no archive'];
  show('Starts as root, with a ready plan', times, [
    `an image beyond no archive: ${more.toFixed(2)} ms (aim ≤ 2)`,
    against('no archive', 'original, no archive', 0.6),
    against('no archive', 'bwrap, no archive', 0.6),
    against('image', 'original, image', 0.4),
    against('image', 'mount -o loop, true, umount', 0.4),
  ]);
  atOnce(scene, {
    'launcher, no archive': bare.launched,
    'launcher, image': mounted.launched,
    'original, no archive': `${original} -- /bin/true`,
    'original, image': `${original} --static ${image} -- /bin/true`,
    'bwrap, no archive': `/usr/bin/${bwrap}`,
  });
}

/** Wall time of all together, and how many of them failed: many_at_once.c ends with that. */
function atOnce(scene, commands) {
  const all = Object.entries(commands).map(([name, command]) => [
    name,
    `${scene.many} ${AT_ONCE} ${command}`,
  ]);
  const how = { runs: RUNS, warmup: 2, failing: true };
  const results = measured(scene, 'at-once', Object.fromEntries(all), how);
  const times = results.map(({ command, median }) => [command, median * 1000]);
  const failures = results.map(({ command, exit_codes: failed }) => {
    const sum = failed.reduce((one, other) => one + other, 0);
    return `${command}: ${sum} of ${AT_ONCE * RUNS} failed, ${Math.max(...failed)} at most at once`;
  });
  show(`${AT_ONCE} starts at once as root`, Object.fromEntries(times), failures);
}
