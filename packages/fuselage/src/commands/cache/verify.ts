import { Option } from 'clipanion';

import { toPlanPath } from '../../bytes.js';
import { cacheHome } from '../../cache/home.js';
import { jobsSetting } from '../../config/numbers.js';
import { FuselageError } from '../../errors.js';
import type { Answer } from '../../native/plan-types.js';
import { VERSION } from '../../version.js';
import { BaseCommand } from '../base-command.js';

/** `<digest>-<format>`, of an image with `.sfs`. */
const NAME = /^[0-9a-f]{64}-[0-9]+(\.sfs)?$/;

/** `fuselage cache verify [--repair] [--jobs N] [--json] [NAME...]` */
export class CacheVerifyCommand extends BaseCommand {
  static override paths = [['cache', 'verify']];

  repair = Option.Boolean('--repair', false);
  jobs = Option.String('--jobs');
  json = Option.Boolean('--json', false);
  names = Option.Rest();

  override answer(): Answer {
    const { inputs } = this.context;
    const wrong = this.names.find((name) => !NAME.test(name));
    if (wrong !== undefined) {
      throw new FuselageError('ERR_USAGE', `\`${wrong}\` is no name of a cache entry`, {
        hints: ['`fuselage cache list` has the names'],
      });
    }
    const jobs = jobsSetting(this.jobs, inputs);
    const cache = { home: toPlanPath(cacheHome(inputs).home) };
    const { repair, json, names: entries } = this;
    return {
      answer: 'job',
      job: { job: 'cacheVerify', version: VERSION, cache, entries, repair, jobs, json },
    };
  }
}
