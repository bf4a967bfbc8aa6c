/**
 * `FUSELAGE_TEST_WRAP`: the end-to-end tests again, with the front door and the launcher of the
 * checkout behind a filter of system calls. Jest itself, and what tests start beside, are not
 * behind it; node as the launcher's child is.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { TEST_WRAP, TEST_WRAP_DIRECTORY } from '../../src/config/env.js';
import type { FuselageError } from '../../src/errors.js';
import type { CallList } from './filtered.js';
import { deniedIn, PROGRAMS } from './wrap-directory.js';

/** The list; undefined: nothing is filtered. */
const wrap = process.env[TEST_WRAP] as CallList | undefined;

/** Whether the filter allows nobody a namespace. */
export const namespacesDenied = wrap === 'docker';

const directory = process.env[TEST_WRAP_DIRECTORY];

/** The program in place of one of the checkout. */
export function wrapped(kind: keyof typeof PROGRAMS, program: string): string {
  return directory === undefined ? program : join(directory, PROGRAMS[kind]);
}

/** Program and words that execute `words` as the launcher of the checkout is executed. */
export function behindWrap(words: string[]): [program: string, words: string[]] {
  const [program = '', ...rest] = words;
  return directory === undefined ? [program, rest] : [wrapped('any', program), words];
}

/** A run that Docker's profile does not allow has ended as it is documented. */
class Denied extends Error {}

/** One test, and the run in it that was denied. */
interface Scope {
  denied?: Denied;
}

let scope: Scope = {};
beforeEach(() => {
  scope = {};
});

/** The test that runs now, to be handed to {@link unlessDenied} by what ends later. */
export const currentScope = (): Scope => scope;

/** Throws where a run of this test has been denied meanwhile: there is nothing to wait for. */
export function throwIfDenied(): void {
  if (scope.denied !== undefined) throw scope.denied;
}

/** Why, and how to go on, as the errors of a user's and of root's run say. */
const DOCUMENTED = [
  [
    /A seccomp filter is active \(Seccomp: 2 in \/proc\/self\/status\)/,
    // In Docker and Podman, in Kubernetes, and elsewhere.
    /--security-opt seccomp=unconfined|seccompProfile:|`SystemCallFilter=`/,
  ],
  [/The process has no CAP_SYS_ADMIN/, /Start it as an ordinary user/],
];

/** What is said of a run that was denied must be what is documented. */
function judge(text: string, of: Scope): Denied {
  const said = DOCUMENTED.filter((parts) => parts.every((part) => part.test(text)));
  if (said.length === 0) throw new Error(`denied, and not as it is documented:\n${text}`);
  of.denied = new Denied('a user namespace was denied');
  return of.denied;
}

/**
 * Hands on what something wrote, unless it is that namespaces are denied: under Docker's profile
 * that is the end of the test.
 */
export function unlessDenied<T extends { stdout: string; stderr: string }>(
  ended: T,
  of = scope,
): T {
  const text = ended.stdout + ended.stderr;
  if (!namespacesDenied || !text.includes('ERR_USERNS_DENIED')) return ended;
  throw judge(text, of);
}

/**
 * The body of a test that mounts. Under Docker's profile it holds as it is, since what it is about
 * comes before anything is mounted, or a run in it is denied and says why.
 */
export function deniable(name: string, body: jest.ProvidesCallback): jest.ProvidesCallback {
  if (!namespacesDenied || directory === undefined) return body;
  return async () => {
    try {
      await (body as () => unknown)();
    } catch (error) {
      // The library throws it.
      const { code, causes, hints } = error as Partial<FuselageError>;
      if (code === 'ERR_USERNS_DENIED') judge([causes, hints].flat().join('\n'), scope);
      if (scope.denied === undefined) throw error;
      appendFileSync(deniedIn(directory), `${name}\n`);
    }
  };
}
