import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// Jest resolves what these two import by itself, to which `.js` is no TypeScript.
import { TEST_WRAP, TEST_WRAP_DIRECTORY } from '../../src/config/env';
import { checkoutFrontDoor, checkoutLauncher } from './checkout';
import { type CallList, compileFiltered } from './filtered';
import { deniedIn, PROGRAMS } from './wrap-directory';

/** Before all test files: makes the programs in place of the front door and the launcher. */
export default function setUp(): void {
  const list = process.env[TEST_WRAP] as CallList;
  const directory = mkdtempSync(join(tmpdir(), 'fuselage-wrap-'));
  chmodSync(directory, 0o755);
  compileFiltered(directory, list, PROGRAMS.any);
  compileFiltered(directory, list, PROGRAMS.frontDoor, checkoutFrontDoor);
  compileFiltered(directory, list, PROGRAMS.launcher, checkoutLauncher);
  writeFileSync(deniedIn(directory), '');
  process.env[TEST_WRAP_DIRECTORY] = directory;
}
