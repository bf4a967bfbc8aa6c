/** Where the kernel refuses what a run needs: the run and `fuselage doctor` say the same of it. */
import { compiled } from '../support/compile.js';
import { mountTest } from '../support/must-mount.js';
import { frontDoor } from '../support/places.js';
import { type Caller, caller, type Ended, runFuselage } from '../support/run-fuselage.js';

interface Check {
  name: string;
  ok: boolean;
  detail: string;
  code: string | null;
  causes: string[];
  hints: string[];
}

let refused: string;
let who: Caller;

beforeAll(() => {
  refused = compiled('refused');
});
beforeEach(() => {
  who = caller();
});

function inside(how: string, words: string[]): Ended {
  return runFuselage({ ...who, program: refused }, [how, frontDoor, ...words]);
}

function doctor(ended: Ended): { ok: boolean; userNamespace: Check } {
  const { ok, checks } = JSON.parse(ended.stdout) as { ok: boolean; checks: Check[] };
  const userNamespace = checks.find(({ name }) => name === 'user-namespace') as Check;
  return { ok, userNamespace };
}

/** What an error says behind `cause:` or `fix:`. */
function told(stderr: string, word: string): string[] {
  const lines = stderr.split('\n').filter((line) => line.startsWith(`  ${word}: `));
  return lines.map((line) => line.slice(word.length + 4));
}

for (const [how, cause, fix] of [
  ['no-user-namespaces', /max_user_namespaces/, /sysctl/],
  ['no-mount-namespaces', /max_mnt_namespaces/, /sysctl/],
  ['seccomp-namespace', /seccomp/, /seccomp/],
  ['seccomp-mount', /seccomp/, /seccomp/],
] as const) {
  mountTest(`${how}: a run ends with 125 and the text of doctor`, () => {
    const ended = inside(how, ['run', 'echo', 'started']);
    expect(ended).toMatchObject({ status: 125, stdout: '' });
    expect(ended.stderr).toContain('[ERR_USERNS_DENIED]');
    const [causes, hints] = [told(ended.stderr, 'cause'), told(ended.stderr, 'fix')];
    expect(causes.join('\n')).toMatch(cause);
    expect(hints.join('\n')).toMatch(fix);

    const report = inside(how, ['doctor', '--json']);
    expect(report).toMatchObject({ status: 1, stderr: '' });
    const { ok, userNamespace } = doctor(report);
    expect(ok).toBe(false);
    expect(userNamespace).toMatchObject({ ok: false, code: 'ERR_USERNS_DENIED', causes, hints });
    expect(ended.stderr).toContain(userNamespace.detail);

    const text = inside(how, ['doctor']);
    expect(text).toMatchObject({ status: 1, stderr: '' });
    expect(text.stdout).toMatch(/^FAIL +user-namespace .*\[ERR_USERNS_DENIED\]$/m);
    for (const line of [...causes, ...hints]) expect(text.stdout).toContain(line);
  });
}

mountTest('where nothing is refused, both are content', () => {
  expect(inside('allowed', ['run', 'echo', 'started'])).toEqual({
    status: 0,
    signal: null,
    stdout: 'started\n',
    stderr: '',
  });
  const { ok, userNamespace } = doctor(inside('allowed', ['doctor', '--json']));
  expect(ok).toBe(true);
  expect(userNamespace).toMatchObject({ ok: true, code: null, causes: [], hints: [] });
});
