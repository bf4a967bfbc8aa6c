/** A start of the launcher alone, with a plan that is ready. */
import { medians, ratio, show } from './measure.mjs';

export function start(scene) {
  const { launched, alone } = scene.readyPlan('empty.frame', []);
  const times = medians(
    scene,
    'start',
    {
      true: '/bin/true',
      'starter, true': alone,
      'launcher, plan ready': launched,
      'unshare -Um true': 'unshare -Um /bin/true',
      'original, no archive': `${scene.original} -- /bin/true`,
    },
    { runs: 1000, warmup: 50 },
  );
  // The starter stands for the caller: what it takes is no part of a start.
  const starter = times['starter, true'] - times.true;
  const launcher = times['launcher, plan ready'] - starter;
  const against = (peer, aim) => {
    const whole = ratio(launcher, times[peer], aim).line;
    const beyond = (launcher - times.true) / (times[peer] - times.true);
    return `/ ${peer}: ${whole}; beyond \`true\` ${beyond.toFixed(2)}`;
  };
  show('A start, with a ready plan', times, [
    `launcher without its starter, with \`true\`: ${launcher.toFixed(2)} ms`,
    against('unshare -Um true', 0.8),
    against('original, no archive', 0.6),
  ]);
}
