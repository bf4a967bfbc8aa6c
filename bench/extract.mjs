/** node_modules as a zip, for one command. */
import { join } from 'node:path';
import { medians, ratio, show } from './measure.mjs';

export function extract(scene) {
  const { fuselage, original, readyPlan } = scene;
  const zip = scene.zip();
  const target = join('/dev/shm', `fuselage-bench-${process.pid}`);
  const unpack = (command) => `sh -c "mkdir ${target} && ${command} && rm -rf ${target}"`;
  const times = medians(
    scene,
    'extract',
    {
      'fuselage run -s ZIP': `${fuselage} run -s ${zip} -- /bin/true`,
      'launcher, plan ready': readyPlan('zip.frame', ['-s', zip]).launched,
      'original -s ZIP': `${original} -s ${zip} -- /bin/true`,
      'unzip, rm -r': unpack(`unzip -q ${zip} -d ${target}`),
      'bsdtar, rm -r': unpack(`bsdtar -xf ${zip} -C ${target}`),
    },
    { runs: 10, warmup: 1 },
  );
  const of = (peer) => ratio(times['fuselage run -s ZIP'], times[peer], 0.25).line;
  show('node_modules as a zip, for one command', times, [
    `/ original ${of('original -s ZIP')}`,
    `/ unzip ${of('unzip, rm -r')}, / bsdtar ${of('bsdtar, rm -r')} (no aim)`.replaceAll(
      / \(aim[^)]*\)/g,
      '',
    ),
  ]);
}
