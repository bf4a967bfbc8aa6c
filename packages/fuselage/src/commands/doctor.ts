import { Option } from 'clipanion';

import { paint } from '../colour.js';
import { type Check, canRun, hostChecks } from '../host/capabilities.js';
import type { Answer } from '../native/plan-types.js';
import { printable } from '../printable.js';
import { VERSION } from '../version.js';
import { BaseCommand } from './base-command.js';

/** `fuselage doctor [--json]` */
export class DoctorCommand extends BaseCommand {
  static override paths = [['doctor']];

  json = Option.Boolean('--json', false);

  override answer(): Answer {
    const { inputs, platform, print, colour } = this.context;
    const checks = hostChecks(inputs, platform);
    const ok = canRun(checks);
    print(this.json ? doctorJson(checks) : doctorText(checks, colour));
    return { answer: 'done', exitCode: ok ? 0 : 1 };
  }
}

/** The report for programs; its keys are documented and stay. */
export function doctorJson(checks: readonly Check[]): string {
  const report = {
    ok: canRun(checks),
    version: VERSION,
    checks: checks.map(({ name, ok, needed, detail, code, causes, hints }) => ({
      name,
      ok,
      needed,
      detail,
      code,
      causes,
      hints,
    })),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

/** The report for people. */
export function doctorText(checks: readonly Check[], colour: boolean): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap((check) => [
    `${mark(check, colour)}  ${check.name.padEnd(width)}  ${printable(check.detail)}${code(check)}`,
    ...check.causes.map((cause) => `        cause: ${printable(cause)}`),
    ...check.hints.map((hint) => `        fix: ${printable(hint)}`),
  ]);
  const verdict = canRun(checks)
    ? 'Runs work here.'
    : 'Runs do not work here; the lines marked FAIL say why.';
  return `${lines.join('\n')}\n\n${verdict}\n`;
}

function mark({ ok, needed }: Check, colour: boolean): string {
  const [word, paintedAs] = ok
    ? (['ok', 'green'] as const)
    : needed
      ? (['FAIL', 'red'] as const)
      : (['-', 'dim'] as const);
  const padded = word.padEnd(4);
  return colour ? paint(paintedAs, padded) : padded;
}

function code(check: Check): string {
  return check.ok || check.code === null ? '' : ` [${check.code}]`;
}
