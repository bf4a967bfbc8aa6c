import { Option } from 'clipanion';

import { readExtract } from '../config/extract.js';
import { readLimits } from '../config/numbers.js';
import { POLICY } from '../config/policy.js';
import { FuselageError } from '../errors.js';
import type { Answer } from '../native/plan-types.js';
import { gatherFacts } from '../run/facts.js';
import { nearest } from '../run/near.js';
import { planRun } from '../run/plan.js';
import { type ProgramRequest, runRequest, type TreeOptions } from '../run/request.js';
import { BaseCommand } from './base-command.js';
import { SUBCOMMANDS } from './subcommands.js';

/** `fuselage run [OPTIONS] [--] COMMAND [ARG...]`; the command's words are no option of ours. */
export class RunCommand extends BaseCommand {
  static override paths = [['run']];

  static = Option.Array('-s,--static', []);
  dynamic = Option.Array('-d,--dynamic', []);
  dynamicEmpty = Option.Array('--dynamic-empty', []);
  run = Option.String('--run');
  jobs = Option.String('--jobs');
  tmpfsSize = Option.String('--tmpfs-size');
  limit = Option.Array('--limit', []);
  extract = Option.String('--extract');
  dryRun = Option.Boolean('--dry-run', false);
  explain = Option.Boolean('--explain', false);

  override answer(): Answer {
    const { inputs, print } = this.context;
    const request = runRequest(this.#trees(), this.#program(), inputs);
    const plan = planRun(request, gatherFacts(request, inputs, POLICY), POLICY);
    if (this.dryRun) {
      print(`${JSON.stringify(plan, null, 2)}\n`);
      return { answer: 'done', exitCode: 0 };
    }
    return { answer: 'plan', plan, inputs: inputs.recorded() };
  }

  #trees(): TreeOptions {
    return {
      static: this.static,
      dynamic: this.dynamic,
      dynamicEmpty: this.dynamicEmpty,
      ...(this.jobs === undefined ? {} : { jobs: this.jobs }),
      ...(this.tmpfsSize === undefined ? {} : { tmpfsSize: this.tmpfsSize }),
      limits: readLimits(this.limit),
      ...(this.extract === undefined ? {} : { extract: readExtract(this.extract, '--extract') }),
      explain: this.explain,
    };
  }

  #program(): ProgramRequest {
    const { split, words } = this.context;
    if (this.run !== undefined) return { kind: 'tree', path: this.run, arguments: split.program };
    const index = split.program[0];
    if (index === undefined) {
      throw new FuselageError('ERR_NO_COMMAND', 'there is no command to run', {
        hints: [
          'name one: fuselage run [OPTIONS] -- COMMAND [ARG...]',
          '`fuselage --help` tells more',
        ],
      });
    }
    const typo = index === 0 ? nearest(words[0] ?? '', SUBCOMMANDS) : null;
    return { kind: 'command', index, nearSubcommand: typo };
  }
}
