/**
 * Which words are fuselage's and which are the command's. No parser library keeps count of the
 * positions, and the command must get its own words byte by byte from the launcher's argv.
 */
import { FuselageError } from '../errors.js';
import { nearest } from './near.js';

/** The options of `run`: by each spelling the long name, and whether a value belongs to it. */
export const RUN_OPTIONS: ReadonlyMap<string, { name: string; value: boolean }> = new Map(
  [
    { spellings: ['-s', '--static'], value: true },
    { spellings: ['-d', '--dynamic'], value: true },
    { spellings: ['--dynamic-empty'], value: true },
    { spellings: ['--run'], value: true },
    { spellings: ['--jobs'], value: true },
    { spellings: ['--tmpfs-size'], value: true },
    { spellings: ['--limit'], value: true },
    { spellings: ['--extract'], value: true },
    { spellings: ['--cache-static'], value: false },
    { spellings: ['--cache'], value: false },
    { spellings: ['--no-cache'], value: false },
    { spellings: ['--writable'], value: true },
    { spellings: ['--dry-run'], value: false },
    { spellings: ['--explain'], value: false },
    { spellings: ['-h', '--help'], value: false },
    { spellings: ['-V', '--version'], value: false },
  ].flatMap(({ spellings, value }) =>
    spellings.map((spelling) => [spelling, { name: spellings.at(-1) ?? spelling, value }] as const),
  ),
);

/** Options with one value that a second one would quietly replace by something else. */
const ONCE: readonly string[] = ['--run', '--extract', '--writable'];

/** The words of one `fuselage run`, sorted. */
export interface SplitWords {
  /** Our options, each in one word: `--name` or `--name=value`. */
  options: string[];
  /** Indices of the words of the command, or with `--run` of the program's arguments; ascending. */
  program: number[];
}

function usage(message: string, ...hints: string[]): FuselageError {
  return new FuselageError('ERR_USAGE', message, {
    hints: [...hints, '`fuselage run --help` tells the options'],
  });
}

function unknownOption(word: string): FuselageError {
  const name = word.split('=', 1)[0] ?? word;
  const near = nearest(name, RUN_OPTIONS.keys());
  const hints = near === null ? [] : [`did you mean \`${near}\`?`];
  return usage(`there is no option \`${name}\``, ...hints);
}

/** What an option looks like; a single `-` is none. */
function isOption(word: string): boolean {
  return word.length > 1 && word.startsWith('-');
}

/**
 * Sorts the words from `start` on. Options end at the first word that is none, or at `--`. Behind
 * `--run PATH` everything is an argument of PATH but the options that we know, until a `--`.
 *
 * @throws FuselageError `ERR_USAGE`: an unknown option, a value missing or not wanted, one of {@link ONCE}
 *   twice
 */
export function splitWords(words: readonly string[], start: number): SplitWords {
  const options: string[] = [];
  const program: number[] = [];
  let runs = false;
  let at = start;
  for (; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      at++;
      break;
    }
    const equals = word.indexOf('=');
    const known = RUN_OPTIONS.get(equals < 0 ? word : word.slice(0, equals));
    if (known === undefined) {
      if (runs) {
        program.push(at);
        continue;
      }
      if (isOption(word)) throw unknownOption(word);
      break;
    }
    if (!known.value) {
      if (equals >= 0) throw usage(`\`${known.name}\` takes no value`);
      options.push(known.name);
      continue;
    }
    let value = word.slice(equals + 1);
    if (equals < 0) {
      const next = words[at + 1];
      if (next === undefined) throw usage(`\`${word}\` needs a value`);
      if (isOption(next)) {
        throw usage(
          `\`${word}\` needs a value`,
          `a value that begins with \`-\` is written \`${known.name}=${next}\``,
        );
      }
      value = next;
      at++;
    }
    if (
      ONCE.includes(known.name) &&
      options.some((option) => option.startsWith(`${known.name}=`))
    ) {
      throw usage(`\`${known.name}\` is given twice`);
    }
    runs ||= known.name === '--run';
    options.push(`${known.name}=${value}`);
  }
  for (; at < words.length; at++) program.push(at);
  return { options, program };
}
