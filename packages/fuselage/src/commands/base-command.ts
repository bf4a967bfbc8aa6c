import { type BaseContext, Command } from 'clipanion';

import type { Inputs } from '../inputs.js';
import type { Platform } from '../native/index.js';
import type { Answer } from '../native/plan-types.js';
import type { SplitWords } from '../run/words.js';

/** What a command works with: nothing else of the outside world is there for it. */
export interface CommandContext extends BaseContext {
  /** All the words of the user. */
  words: readonly string[];
  /** The words of `run`, sorted; of other subcommands none are the command's. */
  split: SplitWords;
  /** All that may be looked at. */
  inputs: Inputs;
  /**
   * Finds the platform package.
   *
   * @throws FuselageError `ERR_PLATFORM_MISSING`
   */
  platform: () => Platform;
  /** Whether standard output may be coloured. */
  colour: boolean;
  /** Prints to standard output. */
  print(text: string): void;
}

/** A subcommand: it parses, calls one function, and answers the launcher. */
export abstract class BaseCommand extends Command<CommandContext> {
  /**
   * Does what was asked.
   *
   * @throws FuselageError
   */
  abstract answer(): Answer;

  /** clipanion's way to run a command prints errors to standard output; `answer` is called instead. */
  override async execute(): Promise<number> {
    throw new Error('commands are run by answer()');
  }
}
