import { Option } from 'clipanion';

import { cacheHome } from '../../cache/home.js';
import { clear } from '../../cache/policy.js';
import { carryOut, hasFailed, removalsJson, removalsText } from '../../cache/removal.js';
import type { Answer } from '../../native/plan-types.js';
import { BaseCommand } from '../base-command.js';

/** `fuselage cache clear [--json]` */
export class CacheClearCommand extends BaseCommand {
  static override paths = [['cache', 'clear']];

  json = Option.Boolean('--json', false);

  override answer(): Answer {
    const { inputs, print } = this.context;
    const { home } = cacheHome(inputs);
    const listing = inputs.cacheListing(home);
    const removed = carryOut(clear(listing), listing, { home, dryRun: false, inputs });
    const report = { path: listing.path, dryRun: false, removed, notices: [] };
    print(this.json ? removalsJson(report) : removalsText(report));
    return { answer: 'done', exitCode: hasFailed(removed) ? 1 : 0 };
  }
}
