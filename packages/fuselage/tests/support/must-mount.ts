import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { TEST_LONG, TEST_MUST_MOUNT } from '../../src/config/env.js';
import { addon, type Outcome } from '../../src/native/index.js';
import { inAnotherNode } from './addon-elsewhere.js';
import { compiled } from './compile.js';
import { type Controller, whyNoControlGroup } from './control-group.js';
import { ordinaryUser } from './run-fuselage.js';
import { deniable } from './wrap.js';

/** A test as jest takes it. */
type Test = (name: string, body: jest.ProvidesCallback, timeout?: number) => void;

const isRoot = () => process.geteuid?.() === 0;

/**
 * A test that runs where `why` finds nothing in the way. Elsewhere its name says what was, or it
 * fails where every test is demanded that `demandable` does not except.
 */
function testUnless(why: () => string | null, demandable = () => true): Test {
  let found: string | null | undefined;
  return (name, body, timeout) => {
    if (found === undefined) found = why();
    const reason = found;
    if (reason === null) {
      test(name, deniable(name, body), timeout);
    } else if (process.env[TEST_MUST_MOUNT] === '1' && demandable()) {
      test(name, () => {
        throw new Error(`${TEST_MUST_MOUNT}=1, and this test cannot run: ${reason}`);
      });
    } else {
      test.skip(`${name} (skipped: ${reason})`, body);
    }
  };
}

/** A test that only root can do: of anybody else it is not demanded. */
function rootTestUnless(why: () => string | null): Test {
  return testUnless(() => (isRoot() ? why() : 'it needs root'), isRoot);
}

function words(outcome: Outcome<null>): string | null {
  const { error } = outcome;
  return error === undefined ? null : [error.message, ...error.causes].join(': ');
}

function whyNoMount(): string | null {
  if (!isRoot()) return words(addon().probeUserNamespace());
  return words(inAnotherNode('answer(addon.probeUserNamespace())', { uid: ordinaryUser }));
}

/** A test in which an ordinary user mounts: `fuselage run` of {@link ordinaryUser}. */
export const mountTest: Test = testUnless(whyNoMount);

function whyNoRootMount(): string | null {
  const host = addon().hostFacts().value;
  return host?.sysAdmin === true && !host.inUserNamespace ? null : 'this root may not mount';
}

let landlock: string | null | undefined;

function whyNoLandlock(): string | null {
  landlock ??=
    spawnSync(compiled('refused'), ['landlock', '/bin/true']).status === 0
      ? null
      : 'this kernel has no Landlock';
  return landlock;
}

const isLong = () => process.env[TEST_LONG] === '1';

/** The same where it takes so long that it must be asked for. */
export const longMountTest: Test = testUnless(
  () => (isLong() ? whyNoMount() : `it takes long; ${TEST_LONG} is not 1`),
  isLong,
);

function isInPath(program: string): boolean {
  return (process.env.PATH ?? '').split(':').some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The same with a program that scripts/setup installs where it may. */
export function mountTestWith(program: string): Test {
  return testUnless(
    () => whyNoMount() ?? (isInPath(program) ? null : `${program} is not installed`),
  );
}

/** The same in a Landlock domain, which `refused` (programs/refused.c) makes. */
export const landlockTest: Test = testUnless(() => whyNoMount() ?? whyNoLandlock());

/** The same as root. */
export const rootLandlockTest: Test = rootTestUnless(() => whyNoRootMount() ?? whyNoLandlock());

/** A test in which other ordinary users than {@link ordinaryUser} mount. */
export const otherUserTest: Test = rootTestUnless(whyNoMount);

/** A test that looks at what a worker has, which nobody but root can do. */
export const workerTest: Test = rootTestUnless(whyNoMount);

/** A test that mounts as root. */
export const rootMountTest: Test = rootTestUnless(whyNoRootMount);

/** A test that attaches loop devices. */
export const loopTest: Test = rootTestUnless(() => {
  const host = addon().hostFacts().value;
  if (host?.sysAdmin !== true || host.inUserNamespace) return 'this root may not mount';
  return host.loopControl ? null : 'there is no /dev/loop-control';
});

/** A test that makes a control group: that is no mount, and demanded of nobody. */
export function controlGroupTest(controller: Controller): Test {
  return testUnless(
    () => (isRoot() ? whyNoControlGroup(controller) : 'it needs root'),
    () => false,
  );
}

/** A test that becomes another user. */
export const rootTest: Test = rootTestUnless(() => null);
