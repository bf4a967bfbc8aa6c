/** The output of `cargo test -- --show-output`, where nextest is not installed. */
import { skipReason } from './tally.mjs';

/**
 * @param {string} output
 * @returns {import('./tally.mjs').Tally}
 */
export function readLibtest(output) {
  const tally = { passed: 0, failed: 0, skipped: [] };
  for (const [, passed, failed] of output.matchAll(
    /^test result: \w+\. (\d+) passed; (\d+) failed;/gm,
  )) {
    tally.passed += Number(passed);
    tally.failed += Number(failed);
  }
  for (const [, name, why] of output.matchAll(/^test (.+?) \.\.\. ignored(?:, (.*))?$/gm)) {
    tally.skipped.push({ name, why: why ?? '' });
  }
  for (const [, name, text] of output.matchAll(
    /^---- (.+) stdout ----\n([\s\S]*?)(?=^---- |^successes:|^failures:|^test result:)/gm,
  )) {
    const why = skipReason(text);
    if (why === null) continue;
    tally.skipped.push({ name, why });
    tally.passed -= 1;
  }
  return tally;
}
