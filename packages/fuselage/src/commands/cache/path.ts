import { Option } from 'clipanion';

import { toPlanPath } from '../../bytes.js';
import { cachedArchive } from '../../cache/archive.js';
import { cacheHome } from '../../cache/home.js';
import { json } from '../../cache/report.js';
import { otherCaches } from '../../config/cache.js';
import type { Answer } from '../../native/plan-types.js';
import { homeFact } from '../../run/home.js';
import { VERSION } from '../../version.js';
import { BaseCommand } from '../base-command.js';

/** `fuselage cache path [--json] [FILE]` */
export class CachePathCommand extends BaseCommand {
  static override paths = [['cache', 'path']];

  json = Option.Boolean('--json', false);
  file = Option.String({ required: false });

  override answer(): Answer {
    if (this.file !== undefined) return this.#ofArchive(this.file);
    const { inputs, print } = this.context;
    const { path } = cacheHome(inputs);
    print(this.json ? json({ path }) : `${path}\n`);
    return { answer: 'done', exitCode: 0 };
  }

  /** The home may be missing: a second cache may have it. */
  #ofArchive(file: string): Answer {
    const { inputs } = this.context;
    const archive = cachedArchive(file, inputs);
    const { path, state } = homeFact(inputs);
    const home = path !== null && state === 'usable' ? toPlanPath(path) : null;
    const others = otherCaches(inputs).paths.map(toPlanPath);
    const { json } = this;
    return {
      answer: 'job',
      job: { job: 'cachePath', version: VERSION, home, others, archive, json },
    };
  }
}
