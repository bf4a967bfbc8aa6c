/** The report of `jest --json`. */

/**
 * @param {object} report
 * @returns {import('./tally.mjs').Tally}
 */
export function readJest(report) {
  const cases = report.testResults.flatMap((file) => file.assertionResults);
  const skipped = cases.filter(({ status }) => status === 'pending');
  return {
    passed: report.numPassedTests,
    // A file that could not even be loaded has no test of its own.
    failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
    skipped: skipped.map(({ fullName }) => {
      const [name, why = ''] = fullName.split(/ \(?skipped: /);
      return { name, why: name === fullName ? '' : why.replace(/\)$/, '') };
    }),
  };
}
