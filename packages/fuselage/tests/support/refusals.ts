/** What a run and `fuselage doctor` must say of the same refusal. */
import { join } from 'node:path';
import { freshDirectory } from './places.js';
import type { Ended } from './run-fuselage.js';
import { writeZip } from './zip-file.js';

/** Starts fuselage with these words where something is refused. */
export type Start = (words: string[]) => Ended;

/** One line of the report of `fuselage doctor --json`. */
export interface DoctorCheck {
  name: string;
  ok: boolean;
  needed: boolean;
  detail: string;
  code: string | null;
  causes: string[];
  hints: string[];
}

/** The report of `fuselage doctor --json`. */
export interface DoctorReport {
  ok: boolean;
  checks: DoctorCheck[];
}

/** The report, which must be all that there is. */
export function report(start: Start): DoctorReport {
  const ended = start(['doctor', '--json']);
  expect(ended.stderr).toBe('');
  const parsed = JSON.parse(ended.stdout) as DoctorReport;
  expect(ended.status).toBe(parsed.ok ? 0 : 1);
  return parsed;
}

/** The line of that name. */
export function check({ checks }: DoctorReport, name: string): DoctorCheck {
  return checks.find((check) => check.name === name) as DoctorCheck;
}

/** What an error says behind `cause:` or `fix:`. */
function told(stderr: string, word: string): string[] {
  const lines = stderr.split('\n').filter((line) => line.startsWith(`  ${word}: `));
  return lines.map((line) => line.slice(word.length + 4));
}

/** Both name `cause` and `fix`, doctor in the line `name`, in both of its forms. */
export function expectNamed(start: Start, name: string, cause: RegExp, fix: RegExp): void {
  const ended = start(['run', 'echo', 'started']);
  expect(ended).toMatchObject({ status: 125, stdout: '' });
  expect(ended.stderr).toContain('[ERR_USERNS_DENIED]');
  const [causes, hints] = [told(ended.stderr, 'cause'), told(ended.stderr, 'fix')];
  expect(causes.join('\n')).toMatch(cause);
  expect(hints.join('\n')).toMatch(fix);

  const found = report(start);
  const line = check(found, name);
  const said = { ok: false, needed: true, code: 'ERR_USERNS_DENIED', causes, hints };
  expect(line).toMatchObject(said);
  expect(ended.stderr).toContain(line.detail);
  expect(found.ok).toBe(false);
  const failed = found.checks.filter(({ ok, needed }) => needed && !ok);
  expect(failed.map(({ code }) => code)).toEqual(failed.map(() => 'ERR_USERNS_DENIED'));

  if (hints.some((hint) => hint.includes('`fuselage run --extract=allow …`'))) {
    const zip = writeZip(join(freshDirectory(), 'z.zip'), [{ name: 'a', content: 'alpha\n' }]);
    const read = ['sh', '-c', 'cat "$FUSELAGE_STATIC/z/a"'];
    const extracted = start(['run', '--extract=allow', '-s', zip, ...read]);
    expect(extracted).toMatchObject({ status: 0, stdout: 'alpha\n' });
    expect(extracted.stderr).toContain('real files are used instead of mounts');
  }

  const text = start(['doctor']);
  expect(text).toMatchObject({ status: 1, stderr: '' });
  expect(text.stdout).toMatch(new RegExp(`^FAIL +${name} .*\\[ERR_USERNS_DENIED\\]$`, 'm'));
  for (const line of [...causes, ...hints]) expect(text.stdout).toContain(line);
}

/** Nothing is refused. */
export function expectContent(start: Start): void {
  const ended = start(['run', 'echo', 'started']);
  expect(ended).toEqual({ status: 0, signal: null, stdout: 'started\n', stderr: '' });
  expect(report(start)).toMatchObject({ ok: true });
}
