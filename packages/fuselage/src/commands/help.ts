import { Option } from 'clipanion';

import { EXIT_USAGE, FuselageError } from '../errors.js';
import type { Answer } from '../native/plan-types.js';
import { nearest } from '../run/near.js';
import { BaseCommand } from './base-command.js';
import { cacheHelpText } from './cache/help-text.js';
import { cacheSubcommand } from './cache/subcommands.js';
import { helpText } from './help-text.js';
import { isSubcommand, SUBCOMMANDS } from './subcommands.js';

/** `fuselage help [SUBCOMMAND]`, `fuselage help cache [SUBCOMMAND]` */
export class HelpCommand extends BaseCommand {
  static override paths = [['help']];

  subcommand = Option.String({ required: false });
  part = Option.String({ required: false });

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
    if (this.part !== undefined && subcommand !== 'cache') {
      throw new FuselageError('ERR_USAGE', `\`${subcommand}\` has no subcommands`, {
        hints: [`\`fuselage help ${subcommand}\` tells how it is used`],
        exitCode: EXIT_USAGE,
      });
    }
    const text =
      this.part === undefined
        ? helpText(subcommand ?? null)
        : cacheHelpText(cacheSubcommand(this.part));
    this.context.print(text);
    return { answer: 'done', exitCode: 0 };
  }
}
