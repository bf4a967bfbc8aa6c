/**
 * Runs all tests: Rust by cargo nextest where it is installed, else by cargo test; then jest, and
 * its end-to-end tests again as on an old kernel and as in Docker (FUSELAGE_TEST_WRAP).
 *
 *     node scripts/test.mjs [--long] [--failed-checks N]
 *
 * `--long` sets FUSELAGE_TEST_LONG=1: more cases, longer runs. The last line is `N passed, N failed`
 * over all, with N failed checks of scripts/check.mjs added where .ci/run hands them on; exit
 * status 1 when anything failed.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { canStart, nodeProgram, runShown } from './command.mjs';
import { host, ROOT } from './host.mjs';
import { readJest } from './test/jest-report.mjs';
import { readJunit } from './test/junit.mjs';
import { readLibtest } from './test/libtest.mjs';
import { judged, sum, summary } from './test/tally.mjs';

/** The filters that jest is run behind, the first time none. */
const LISTS = [undefined, 'old', 'docker'];

const NONE = { passed: 0, failed: 0, skipped: [] };

/** Reads a report that a runner may not have come to write. */
function reportAt(path, read) {
  try {
    return read(readFileSync(path, 'utf8'));
  } catch (error) {
    console.error(`test: no report: ${error.message}`);
    return NONE;
  }
}

async function nextest(env, long) {
  const profile = long ? 'long' : 'default';
  const report = join(ROOT, 'target/nextest', profile, 'junit.xml');
  rmSync(report, { force: true });
  const selection = ['--workspace', '--target', host().target];
  const config = ['--config-file', 'scripts/test/nextest.toml', '--profile', profile];
  const done = await runShown(['cargo', 'nextest', 'run', ...config, ...selection], { env });
  return judged(reportAt(report, readJunit), done.ok);
}

async function cargoTest(env) {
  const words = ['cargo', 'test', '--workspace', '--target', host().target, '--no-fail-fast'];
  const done = await runShown([...words, '--', '--show-output'], { env });
  return judged(readLibtest(done.stdout), done.ok);
}

/** `list`: the filter of system calls that the launcher is behind (jest.config.js). */
async function jest(env, list) {
  if (list !== undefined) {
    console.log(`test: the end-to-end tests behind the filter ${list}`);
    return jest({ ...env, FUSELAGE_TEST_WRAP: list });
  }
  const report = join(ROOT, '.setup/jest.json');
  mkdirSync(join(ROOT, '.setup'), { recursive: true });
  rmSync(report, { force: true });
  const words = [...nodeProgram('jest/bin/jest.js'), '--ci', '--json', '--outputFile', report];
  const done = await runShown(words, { env, withoutStdout: true });
  const read = (text) => readJest(JSON.parse(text));
  return judged(reportAt(report, read), done.ok);
}

async function main() {
  const { values } = parseArgs({
    options: {
      long: { type: 'boolean', default: false },
      'failed-checks': { type: 'string', default: '0' },
    },
  });
  const env = { ...process.env };
  if (values.long) env.FUSELAGE_TEST_LONG = '1';
  const checks = { ...NONE, failed: Number(values['failed-checks']) };
  const hasNextest = canStart(['cargo', 'nextest', '--version']);
  if (!hasNextest) console.log('test: cargo-nextest is not installed, so that cargo test is used');
  const rust = hasNextest ? nextest : cargoTest;
  const tallies = [await rust(env, values.long)];
  for (const list of LISTS) tallies.push(await jest(env, list));
  const all = sum([...tallies, checks]);
  if (checks.failed > 0) console.log(`${checks.failed} of the failures are of npm run check`);
  console.log(summary(all));
  process.exitCode = all.failed > 0 ? 1 : 0;
}

await main();
