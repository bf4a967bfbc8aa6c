import { Option } from 'clipanion';

import { EXIT_USAGE, FuselageError } from '../errors.js';
import type { Answer } from '../native/plan-types.js';
import { nearest } from '../run/near.js';
import { BaseCommand } from './base-command.js';
import { helpText } from './help-text.js';
import { isSubcommand, SUBCOMMANDS } from './subcommands.js';

/** `fuselage help [SUBCOMMAND]` */
export class HelpCommand extends BaseCommand {
  static override paths = [['help']];

  subcommand = Option.String({ required: false });

  override answer(): Answer {
    const subcommand = this.subcommand;
    if (subcommand !== undefined && !isSubcommand(subcommand)) {
      const near = nearest(subcommand, SUBCOMMANDS);
      throw new FuselageError('ERR_USAGE', `there is no subcommand \`${subcommand}\``, {
        hints: [
          ...(near === null ? [] : [`did you mean \`fuselage help ${near}\`?`]),
          '`fuselage help` lists them',
        ],
        exitCode: EXIT_USAGE,
      });
    }
    this.context.print(helpText(subcommand ?? null));
    return { answer: 'done', exitCode: 0 };
  }
}
