/** How many tests passed and failed, and which were skipped. */

/**
 * @typedef {object} Tally
 * @property {number} passed
 * @property {number} failed
 * @property {{name: string, why: string}[]} skipped
 */

/**
 * What one runner's report and end mean together: a runner that ended badly without a failed test
 * (it did not build, it crashed), or that ran nothing at all, is one failure.
 *
 * @param {Tally} tally what its report says
 * @param {boolean} ok whether it ended with status 0
 * @returns {Tally}
 */
export function judged(tally, ok) {
  const ran = tally.passed + tally.failed + tally.skipped.length;
  return tally.failed === 0 && (!ok || ran === 0) ? { ...tally, failed: 1 } : tally;
}

/** @param {Tally[]} tallies @returns {Tally} */
export function sum(tallies) {
  return {
    passed: tallies.reduce((count, tally) => count + tally.passed, 0),
    failed: tallies.reduce((count, tally) => count + tally.failed, 0),
    skipped: tallies.flatMap((tally) => tally.skipped),
  };
}

/**
 * The last lines of a test run: what was skipped, by its reason; the very last is
 * `N passed, N failed`.
 *
 * @param {Tally} tally
 */
export function summary({ passed, failed, skipped }) {
  const lines = [];
  for (const why of new Set(skipped.map((test) => test.why))) {
    const names = skipped.filter((test) => test.why === why).map(({ name }) => `  ${name}`);
    lines.push(`${names.length} skipped${why === '' ? '' : `, since ${why}`}:`, ...names);
  }
  return [...lines, `${passed} passed, ${failed} failed`].join('\n');
}

/**
 * Why a test that its runner counts as passed did nothing: it says so in a line of its output.
 *
 * @param {string} output
 * @returns {string | null}
 */
export function skipReason(output) {
  return /^skipped: (.*)$/m.exec(output)?.[1] ?? null;
}
