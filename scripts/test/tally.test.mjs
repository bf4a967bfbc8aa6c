import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readJest } from './jest-report.mjs';
import { readJunit } from './junit.mjs';
import { readLibtest } from './libtest.mjs';
import { judged, sum, summary } from './tally.mjs';

const none = { passed: 0, failed: 0, skipped: [] };

test('a report of nextest is counted', () => {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="4" failures="1" errors="0">
    <testsuite name="fuselage-linux" tests="4">
        <testcase name="a::b" classname="fuselage-linux" time="0.003">
            <system-err>skipped: it needs &quot;root&quot; &amp; more
</system-err>
        </testcase>
        <testcase name="c" classname="fuselage-linux" time="0.003"/>
        <testcase name="d" classname="fuselage-linux">
            <system-out>a &lt;failure&gt; in words &lt;/testcase&gt;</system-out>
        </testcase>
        <testcase name="e" classname="fuselage-linux">
            <failure type="test failure">skipped: no, it failed</failure>
        </testcase>
    </testsuite>
</testsuites>`;
  assert.deepEqual(readJunit(xml), {
    passed: 2,
    failed: 1,
    skipped: [{ name: 'fuselage-linux a::b', why: 'it needs "root" & more' }],
  });
});

test('the output of cargo test is counted over all its programs', () => {
  const output = `running 3 tests
test fast ... ok
test no_mount ... ok
test slow ... ignored, takes an hour

successes:

---- no_mount stdout ----
skipped: no user namespaces


successes:
    fast
    no_mount

test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s


running 3 tests
test good ... ok
test bad::one ... FAILED
test bad::two ... FAILED

successes:

---- good stdout ----
failures: none


successes:
    good

failures:

---- bad::one stdout ----
skipped: no, it failed

thread 'bad::one' (12) panicked at src/lib.rs:9:5:
explicit panic

---- bad::two stdout ----

thread 'bad::two' (13) panicked at src/lib.rs:14:5:
explicit panic


failures:
    bad::one
    bad::two

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s


running 0 tests

test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

`;
  assert.deepEqual(readLibtest(output), {
    passed: 2,
    failed: 2,
    skipped: [
      { name: 'slow', why: 'takes an hour' },
      { name: 'no_mount', why: 'no user namespaces' },
    ],
  });
});

test('a report of jest is counted, files that do not load included', () => {
  const report = {
    numPassedTests: 5,
    numFailedTests: 1,
    numRuntimeErrorTestSuites: 1,
    testResults: [
      { assertionResults: [{ status: 'passed', fullName: 'x' }] },
      {
        assertionResults: [
          { status: 'pending', fullName: 'a run (skipped: no strace)' },
          { status: 'pending', fullName: 'plain' },
        ],
      },
    ],
  };
  assert.deepEqual(readJest(report), {
    passed: 5,
    failed: 2,
    skipped: [
      { name: 'a run', why: 'no strace' },
      { name: 'plain', why: '' },
    ],
  });
});

test('a runner that built nothing or ran nothing has failed', () => {
  assert.equal(judged(none, true).failed, 1);
  assert.equal(judged(none, false).failed, 1);
  assert.equal(judged({ ...none, passed: 3 }, false).failed, 1);
  assert.equal(judged({ ...none, passed: 3, failed: 2 }, false).failed, 2);
  assert.equal(judged({ ...none, passed: 3 }, true).failed, 0);
});

test('the last line is the sum, and before it a reason stands once', () => {
  const why = 'it needs root';
  const all = sum([
    { passed: 2, failed: 0, skipped: [{ name: 'a', why }] },
    {
      passed: 3,
      failed: 1,
      skipped: [
        { name: 'c', why: '' },
        { name: 'd', why },
      ],
    },
  ]);
  const lines = [`2 skipped, since ${why}:`, '  a', '  d', '1 skipped:', '  c'];
  assert.equal(summary(all), [...lines, '5 passed, 1 failed'].join('\n'));
  assert.equal(summary({ ...none, passed: 1 }), '1 passed, 0 failed');
});
