import { Option } from 'clipanion';

import { cacheHome } from '../../cache/home.js';
import { decide } from '../../cache/policy.js';
import { carryOut, hasFailed, removalsJson, removalsText } from '../../cache/removal.js';
import { type CacheLimits, cacheLimits } from '../../config/cache.js';
import { readSize } from '../../config/numbers.js';
import { EXIT_USAGE, FuselageError } from '../../errors.js';
import type { Inputs } from '../../inputs.js';
import type { Answer } from '../../native/plan-types.js';
import { BaseCommand } from '../base-command.js';

/** `fuselage cache prune [--max-age DAYS] [--max-size SIZE] [--dry-run] [--quiet] [--json]` */
export class CachePruneCommand extends BaseCommand {
  static override paths = [['cache', 'prune']];

  maxAge = Option.String('--max-age');
  maxSize = Option.String('--max-size');
  dryRun = Option.Boolean('--dry-run', false);
  quiet = Option.Boolean('--quiet', false);
  json = Option.Boolean('--json', false);

  override answer(): Answer {
    const { inputs, print } = this.context;
    const { notices, limits } = this.#limits(inputs);
    try {
      const { home } = cacheHome(inputs);
      const listing = inputs.cacheListing(home);
      const { dryRun } = this;
      const removed = carryOut(decide(listing, limits), listing, { home, dryRun, inputs });
      if (this.quiet) return { answer: 'done', exitCode: 0 };
      const report = { path: listing.path, dryRun, removed, notices };
      print(this.json ? removalsJson(report) : removalsText(report));
      return { answer: 'done', exitCode: hasFailed(removed) ? 1 : 0 };
    } catch (error) {
      // In the background nobody reads why, and the next pass tries again.
      if (this.quiet && error instanceof FuselageError) return { answer: 'done', exitCode: 0 };
      throw error;
    }
  }

  #limits(inputs: Inputs): { notices: string[]; limits: CacheLimits } {
    const { notices, maxAgeDays, maxSize } = cacheLimits(inputs);
    const limits = {
      maxAgeDays: this.maxAge === undefined ? maxAgeDays : readDays(this.maxAge),
      maxSize: this.maxSize === undefined ? maxSize : readSize(this.maxSize, '--max-size'),
    };
    return { notices, limits };
  }
}

function readDays(text: string): number {
  if (/^[0-9]+(\.[0-9]+)?$/.test(text)) return Number(text);
  throw new FuselageError('ERR_USAGE', `\`--max-age\` is \`${text}\``, {
    hints: ['it must be a number of days; 0: nothing is ever too old'],
    exitCode: EXIT_USAGE,
  });
}
