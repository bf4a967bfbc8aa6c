import { readFileSync, rmSync } from 'node:fs';
import { TEST_WRAP, TEST_WRAP_DIRECTORY } from '../../src/config/env';
import { deniedIn } from './wrap-directory';

/** Fewer would mean that the filter was not there, or that the tests did not start anything. */
const FEWEST_DENIED = 200;

/** What of jest's settings says whether all tests ran. */
interface Asked {
  testPathPatterns: { patterns: string[] };
  testNamePattern?: string;
}

/** After all test files: under Docker's profile most tests must have met what it denies. */
export default function tearDown(asked: Asked): void {
  const directory = process.env[TEST_WRAP_DIRECTORY] ?? '';
  const denied = readFileSync(deniedIn(directory), 'utf8').split('\n').length - 1;
  rmSync(directory, { recursive: true });
  if (process.env[TEST_WRAP] !== 'docker') return;
  process.stderr.write(`${denied} tests met what Docker's profile denies, and its text\n`);
  // A choice of files may have none.
  const isChoice = asked.testPathPatterns.patterns.length > 0 || asked.testNamePattern;
  if (!isChoice && denied < FEWEST_DENIED) {
    throw new Error(`at least ${FEWEST_DENIED} were expected`);
  }
}
