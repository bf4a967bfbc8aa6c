import type { Answer } from '../../native/plan-types.js';
import { BaseCommand } from '../base-command.js';
import { cacheHelpText } from './help-text.js';

/** `fuselage cache` */
export class CacheHelpCommand extends BaseCommand {
  static override paths = [['cache']];

  override answer(): Answer {
    this.context.print(cacheHelpText(null));
    return { answer: 'done', exitCode: 0 };
  }
}
