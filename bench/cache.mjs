/** Starts with trees of the cache, and the first one, which builds them. */
import { execFileSync } from 'node:child_process';
import { rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { medians, ratio, show } from './measure.mjs';

const FIRST_RUNS = 9;

export function cache(scene) {
  const archive = settled(scene.nodeModules('zip', 'whole'));
  const as = (words) =>
    execFileSync(scene.as[0], [...scene.as.slice(1), scene.fuselage, ...words], {
      encoding: 'utf8',
      env: { ...process.env, CI: '1' },
    });
  as(['cache', 'add', archive]);
  again(scene, archive);
  first(scene, archive, as);
}

/** A file that has just changed is read at each start. */
function settled(path) {
  utimesSync(path, 1e9, 1e9);
  execFileSync('sleep', ['2.1']);
  return path;
}

function again(scene, archive) {
  const bare = scene.readyPlan('bare.frame', []);
  const plan = (file, options) => scene.readyPlan(file, options).launched;
  const original = `${scene.original} --cache-static --static a:${archive} -- /bin/true`;
  execFileSync(scene.as[0], [...scene.as.slice(1), ...original.split(' ')]);
  const times = medians(
    scene,
    'cached',
    {
      true: '/bin/true',
      'starter, true': bare.alone,
      'launcher, no archive': bare.launched,
      'launcher, static': plan('static.frame', ['--cache', '--static', archive]),
      'launcher, dynamic': plan('dynamic.frame', ['--cache', '--dynamic', archive]),
      'original, static': original,
    },
    { runs: 300, warmup: 20 },
  );
  const starter = times['starter, true'] - times.true;
  const ours = (name) => times[`launcher, ${name}`] - starter;
  const bareStart = ours('no archive');
  show('Starts with node_modules (whole, zip) in the cache, with a ready plan', times, [
    `static / no archive ${ratio(ours('static'), bareStart, 1.15).line}`,
    `dynamic / no archive ${ratio(ours('dynamic'), bareStart, 1.15).line}`,
    `static / original, static ${(ours('static') / times['original, static']).toFixed(3)}`,
  ]);
}

/** Until the command runs: what is removed in the end is no part of it. */
function first(scene, archive, as) {
  const until = (options) => {
    const begin = BigInt(Date.now()) * 1_000_000n;
    const end = BigInt(as(['run', ...options, '--', 'date', '+%s%N']).trim());
    return Number(end - begin) / 1e6;
  };
  const runs = { 'first run, cached': [], 'run, extracted to the disk': [] };
  for (let run = 0; run < FIRST_RUNS; run++) {
    rmSync(join(scene.results, '.fuselage/cache'), { recursive: true, force: true });
    runs['first run, cached'].push(until(['--cache-static', '-s', archive]));
    runs['run, extracted to the disk'].push(until(['--extract=force', '-s', archive]));
  }
  const middle = (times) => times.sort((one, other) => one - other)[Math.floor(times.length / 2)];
  const times = Object.fromEntries(Object.entries(runs).map(([name, all]) => [name, middle(all)]));
  const [cached, plain] = Object.values(times);
  show('The first run, until the command starts', times, [
    `cached / extracted to the same disk ${ratio(cached, plain, 1.3).line}`,
  ]);
}
