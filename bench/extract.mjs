/** node_modules as an archive, for one command. */
import { join } from 'node:path';
import { TREES } from './inputs.mjs';
import { medians, ratio, show } from './measure.mjs';

const target = join('/dev/shm', `fuselage-bench-${process.pid}`);
const unpack = (command) => `sh -c "mkdir ${target} && ${command} && rm -rf ${target}"`;

/** As a zip; the aim is a quarter of the original's time. */
export function zip(scene) {
  for (const tree of TREES) {
    compare(scene, 'zip', tree, 0.25, (archive) => ({
      'unzip, rm -r': unpack(`unzip -q ${archive} -d ${target}`),
      'bsdtar, rm -r': unpack(`bsdtar -xf ${archive} -C ${target}`),
    }));
  }
}

/** As a squashfs image; the aim is two fifths of the original's time. */
export function squashfs(scene) {
  for (const tree of TREES) {
    for (const ending of ['zstd.sfs', 'gzip.sfs']) {
      compare(scene, ending, tree, 0.4, (archive) => ({
        'unsquashfs, rm -r': unpack(
          `unsquashfs -quiet -no-progress -f -d ${target} ${archive} >/dev/null`,
        ),
      }));
    }
  }
}

function compare(scene, ending, tree, aim, peers) {
  const archive = scene.nodeModules(ending, tree);
  const times = medians(
    scene,
    `${ending}-${tree.split(' ')[0]}`,
    {
      'fuselage run -s': `${scene.fuselage} run -s ${archive} -- /bin/true`,
      'launcher, plan ready': scene.readyPlan('extract.frame', ['-s', archive]).launched,
      'original -s': `${scene.original} -s ${archive} -- /bin/true`,
      ...peers(archive),
    },
    { runs: 10, warmup: 1 },
  );
  const ours = times['fuselage run -s'];
  const others = Object.keys(peers(archive)).map(
    (peer) => `/ ${peer} ${(ours / times[peer]).toFixed(2)}`,
  );
  show(`node_modules ${tree} as ${ending}, for one command`, times, [
    `fuselage run / original ${ratio(ours, times['original -s'], aim).line}`,
    `the launcher alone / original ${(times['launcher, plan ready'] / times['original -s']).toFixed(2)}`,
    `fuselage run ${others.join(', ')}`,
  ]);
}
