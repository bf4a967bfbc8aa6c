/** A start of the launcher alone, with a plan that is ready. */
import { medians, ratio, show } from './measure.mjs';

export function start({ results, asUser, original, readyPlan }) {
  const { launched, alone } = readyPlan('empty.frame', []);
  const times = medians(
    results,
    'start',
    {
      'env true': asUser('/bin/true'),
      'starter, true': alone,
      'launcher, plan ready': launched,
      'unshare -Um true': asUser('unshare -Um /bin/true'),
      'original, no archive': asUser(`${original} -- /bin/true`),
    },
    { runs: 300, warmup: 20 },
  );
  const wrapped = times['env true'];
  const starting = times['starter, true'] - wrapped;
  const own = times['launcher, plan ready'] - wrapped - starting;
  const unshare = times['unshare -Um true'] - wrapped;
  const old = times['original, no archive'] - wrapped;
  show('A start, with a ready plan', times, [
    `gross: launcher / unshare ${ratio(times['launcher, plan ready'], times['unshare -Um true'], 0.8).line}, ` +
      `/ original ${ratio(times['launcher, plan ready'], times['original, no archive'], 0.6).line}`,
    `beyond \`env true\` and the starter: ${own.toFixed(2)} ms; unshare ${unshare.toFixed(2)} ms, ` +
      `original ${old.toFixed(2)} ms: ${ratio(own, unshare, 0.8).line}, ${ratio(own, old, 0.6).line}`,
  ]);
}
