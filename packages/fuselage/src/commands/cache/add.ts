import { Option } from 'clipanion';

import { toPlanPath } from '../../bytes.js';
import { cachedArchive } from '../../cache/archive.js';
import { cacheHome } from '../../cache/home.js';
import { jobsSetting, readLimits } from '../../config/numbers.js';
import { POLICY } from '../../config/policy.js';
import { FuselageError } from '../../errors.js';
import type { Answer, CachedArchive, CachePlace } from '../../native/plan-types.js';
import { VERSION } from '../../version.js';
import { BaseCommand } from '../base-command.js';

/** `fuselage cache add [--to DIR] [--jobs N] [--limit NAME=NUMBER] [--json] FILE...` */
export class CacheAddCommand extends BaseCommand {
  static override paths = [['cache', 'add']];

  to = Option.String('--to');
  jobs = Option.String('--jobs');
  limit = Option.Array('--limit', []);
  json = Option.Boolean('--json', false);
  files = Option.Rest();

  override answer(): Answer {
    const { inputs } = this.context;
    if (this.files.length === 0) throw usage('there is no archive to add', 'name one or more');
    const limits = { ...POLICY.limits, ...readLimits(this.limit) };
    const jobs = jobsSetting(this.jobs, inputs);
    const cache = this.#place();
    const added = this.files.map((file) => cachedArchive(file, inputs));
    // Of others not everybody can mount an image.
    const trees = added.filter(({ kind }) => kind === 'image').map(asTree);
    const archives = this.to === undefined ? added : [...added, ...trees];
    const { json } = this;
    return {
      answer: 'job',
      job: { job: 'cacheAdd', version: VERSION, cache, archives, limits, jobs, json },
    };
  }

  #place(): CachePlace {
    if (this.to === undefined) return { home: toPlanPath(cacheHome(this.context.inputs).home) };
    if (this.to === '') throw usage('`--to` names no directory', 'give the path of one');
    return { shared: toPlanPath(this.to) };
  }
}

function asTree({ archive }: CachedArchive): CachedArchive {
  return { archive, kind: 'tree' };
}

function usage(message: string, hint: string): FuselageError {
  return new FuselageError('ERR_USAGE', message, {
    hints: [hint, '`fuselage cache add --help` tells how it is used'],
  });
}
