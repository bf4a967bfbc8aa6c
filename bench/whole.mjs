/** A run with node asked, against node alone. */
import { medians, show } from './measure.mjs';

export function whole(scene) {
  const times = medians(
    scene,
    'whole',
    {
      true: '/bin/true',
      'node -e 0': `${process.execPath} -e 0`,
      'fuselage run -- true': `${scene.fuselage} run -- /bin/true`,
    },
    { runs: 40, warmup: 5 },
  );
  const more = times['fuselage run -- true'] - times['node -e 0'];
  show('A run, with node asked', times, [`node -e 0 ${more.toFixed(1)} ms (aim ≤ + 20 ms)`]);
}
