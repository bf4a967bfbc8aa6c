import { Option } from 'clipanion';

import { readWritable } from '../config/cache.js';
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
  cacheStatic = Option.Boolean('--cache-static', false);
  // With its negation `--no-cache`.
  cache = Option.Boolean('--cache', false);
  writable = Option.String('--writable');
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
      ...this.#cache(),
      ...(this.writable === undefined
        ? {}
        : { writable: readWritable(this.writable, '--writable') }),
      explain: this.explain,
    };
  }

  #cache(): Pick<TreeOptions, 'cache'> {
    // Wherever it stands, where for clipanion the last one of `--cache` and `--no-cache` counts.
    if (this.context.split.options.includes('--no-cache')) return { cache: false };
    if (this.cache) return { cache: true };
    return this.cacheStatic ? { cache: 'static' } : {};
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
