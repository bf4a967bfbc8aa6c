/** The output of `cargo test -- --show-output`, where nextest is not installed. */
import { skipReason, sum } from './tally.mjs';

/**
 * @param {string} output of all test programs, one after the other; without stderr, of which a line
 *   may stand in the middle of another
 * @returns {import('./tally.mjs').Tally}
 */
export function readLibtest(output) {
  return sum(output.split(/^running \d+ tests?$/m).map(readProgram));
}

function readProgram(output) {
  const [, passed = 0, failed = 0] =
    /^test result: \w+\. (\d+) passed; (\d+) failed;/m.exec(output) ?? [];
  const tally = { passed: Number(passed), failed: Number(failed), skipped: [] };
  for (const [, name, why] of output.matchAll(/^test (.+?) \.\.\. ignored(?:, (.*))?$/gm)) {
    tally.skipped.push({ name, why: why ?? '' });
  }
  // Of the tests that failed, the output stands behind.
  const [, successes = ''] =
    /^successes:$([\s\S]*?)(?:^failures:$|$(?![\s\S]))/m.exec(output) ?? [];
  for (const [, name, text] of successes.matchAll(
    /^---- (.+) stdout ----\n([\s\S]*?)(?=^---- |^successes:|^test result:)/gm,
  )) {
    const why = skipReason(text);
    if (why === null) continue;
    tally.skipped.push({ name, why });
    tally.passed -= 1;
  }
  return tally;
}
