import { type BaseContext, Cli } from 'clipanion';

import type { BaseCommand, CommandContext } from '../commands/base-command.js';
import { cacheHelpText } from '../commands/cache/help-text.js';
import { CACHE_COMMANDS } from '../commands/cache/index.js';
import { type CacheSubcommand, cacheSubcommand } from '../commands/cache/subcommands.js';
import { DoctorCommand } from '../commands/doctor.js';
import { HelpCommand } from '../commands/help.js';
import { helpText } from '../commands/help-text.js';
import { RunCommand } from '../commands/run.js';
import { isReserved, isSubcommand, type Subcommand } from '../commands/subcommands.js';
import { asFuselageError, EXIT_USAGE, FuselageError } from '../errors.js';
import type { Inputs } from '../inputs.js';
import type { Platform } from '../native/index.js';
import type { Answer } from '../native/plan-types.js';
import { splitWords } from '../run/words.js';
import { VERSION } from '../version.js';
import { ReaderGone } from './print.js';

/** What the command line works with. */
export interface Surroundings {
  /** All that may be looked at. */
  inputs: Inputs;
  /** Finds the platform package. */
  platform: () => Platform;
  /** Whether standard output may be coloured. */
  colour: boolean;
  /** Prints to standard output. */
  print(text: string): void;
}

/** The exit status of subcommands other than `run` when they fail. */
const EXIT_NEGATIVE = 1;

const DONE: Answer = { answer: 'done', exitCode: 0 };

/**
 * The answer to the user's words; every failure is an answer too.
 *
 * @throws ReaderGone when nobody reads what is printed
 * @param words - all words behind the name of the program
 */
export function answerWords(words: readonly string[], surroundings: Surroundings): Answer {
  const first = words[0];
  const subcommand = isSubcommand(first) ? first : null;
  try {
    if (isReserved(first)) throw reserved(first ?? '');
    if (subcommand === null || subcommand === 'run') return run(words, subcommand, surroundings);
    return other(words, subcommand, surroundings);
  } catch (thrown) {
    if (thrown instanceof ReaderGone) throw thrown;
    const error = asFuselageError(thrown);
    const answered = error.toReport();
    const isRun = subcommand === null || subcommand === 'run';
    if (!isRun) answered.exitCode = error.code === 'ERR_USAGE' ? EXIT_USAGE : EXIT_NEGATIVE;
    return { answer: 'error', error: answered };
  }
}

function run(
  words: readonly string[],
  subcommand: 'run' | null,
  surroundings: Surroundings,
): Answer {
  const split = splitWords(words, subcommand === null ? 0 : 1);
  if (split.options.includes('--help')) {
    // `fuselage --help` alone asks about all of it, `fuselage -s a --help` about the run.
    const general = subcommand === null && split.options.length === 1;
    surroundings.print(helpText(general ? null : 'run'));
    return DONE;
  }
  if (split.options.includes('--version')) {
    surroundings.print(`fuselage ${VERSION}\n`);
    return DONE;
  }
  return parse(['run', ...split.options], { ...surroundings, words, split });
}

function other(
  words: readonly string[],
  subcommand: Subcommand,
  surroundings: Surroundings,
): Answer {
  const part = subcommand === 'cache' ? cachePart(words) : null;
  if (asksForHelp(words)) {
    surroundings.print(part === null ? helpText(subcommand) : cacheHelpText(part));
    return DONE;
  }
  const split = { options: [...words], program: [] };
  return parse(words, { ...surroundings, words, split });
}

/** The word behind `cache`; null: there is none. */
function cachePart(words: readonly string[]): CacheSubcommand | null {
  const word = words[1];
  return word === undefined || word.startsWith('-') ? null : cacheSubcommand(word);
}

/** Behind `--` is no option. */
function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const options = end < 0 ? words : words.slice(0, end);
  return options.includes('--help') || options.includes('-h');
}

/** clipanion's own streams are never given to a command. */
type OwnContext = Omit<CommandContext, keyof BaseContext>;

/** clipanion prints every error to standard output and returns 1, so only its parser is used. */
function parse(input: readonly string[], context: OwnContext): Answer {
  const cli = new Cli<CommandContext>({ binaryName: 'fuselage', binaryVersion: VERSION });
  const commands = [RunCommand, DoctorCommand, HelpCommand, ...CACHE_COMMANDS];
  for (const command of commands) cli.register(command);
  let command: BaseCommand;
  try {
    command = cli.process([...input], context) as BaseCommand;
  } catch (error) {
    throw usage(error, input);
  }
  return command.answer();
}

function usage(error: unknown, words: readonly string[]): Error {
  const part = words[0] === 'cache' && words[1]?.startsWith('-') === false ? ` ${words[1]}` : '';
  const subcommand = `${words[0] ?? ''}${part}`;
  if (!(error instanceof Error) || !('clipanion' in error)) return asFuselageError(error);
  const line = error.message.split('\n', 1)[0] ?? '';
  const message = `${line.charAt(0).toLowerCase()}${line.slice(1)}`.replace(/\.$/, '');
  return new FuselageError('ERR_USAGE', message, {
    hints: [`\`fuselage ${subcommand} --help\` tells how it is used`],
    ...(subcommand === 'run' ? {} : { exitCode: EXIT_USAGE }),
  });
}

function reserved(word: string): FuselageError {
  return new FuselageError(
    'ERR_RESERVED_COMMAND',
    `\`${word}\` is kept for a subcommand that does not exist yet`,
    { hints: [`to run a program of that name: fuselage -- ${word}`] },
  );
}
