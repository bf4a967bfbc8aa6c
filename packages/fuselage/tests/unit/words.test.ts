import { Cli } from 'clipanion';
import fc from 'fast-check';

import { helpText } from '../../src/commands/help-text.js';
import { RunCommand } from '../../src/commands/run.js';
import { FuselageError } from '../../src/errors.js';
import { RUN_OPTIONS, splitWords } from '../../src/run/words.js';

function split(line: string, start = 0) {
  const words = line === '' ? [] : line.split(' ');
  const { options, program } = splitWords(words, start);
  return [options.join(' '), program.map((index) => words[index]).join(' ')];
}

function refusal(line: string): FuselageError {
  try {
    split(line);
  } catch (error) {
    if (error instanceof FuselageError) return error;
  }
  throw new Error(`${line} was taken`);
}

describe('a command', () => {
  test.each([
    ['make -j2', '', 'make -j2'],
    ['-- make -j2', '', 'make -j2'],
    ['-- -- x', '', '-- x'],
    ['-s a make -s b', '--static=a', 'make -s b'],
    ['--static a --static=b -- make -- x', '--static=a --static=b', 'make -- x'],
    ['-s=a -d b --dynamic-empty c x', '--static=a --dynamic=b --dynamic-empty=c', 'x'],
    ['--explain --dry-run x --explain', '--explain --dry-run', 'x --explain'],
    ['x --help', '', 'x --help'],
    ['-h x', '--help', 'x'],
    ['-V', '--version', ''],
    ['- x', '', '- x'],
    ['--static=-x y', '--static=-x', 'y'],
    ['--static= y', '--static=', 'y'],
    ['--static=a=b y', '--static=a=b', 'y'],
    ['-s - y', '--static=-', 'y'],
    ['--', '', ''],
    ['', '', ''],
  ])('%j', (line, options, program) => {
    expect(split(line)).toEqual([options, program]);
  });

  test('words before the start are not looked at', () => {
    expect(split('run run -x', 1)).toEqual(['', 'run -x']);
  });
});

describe('with --run', () => {
  test.each([
    ['--run p a b', '--run=p', 'a b'],
    ['--run p -x --unknown=1 y', '--run=p', '-x --unknown=1 y'],
    ['--run p a -s z b --explain', '--run=p --static=z --explain', 'a b'],
    ['--run p -- -s z --explain', '--run=p', '-s z --explain'],
    ['--run p a -- -- b', '--run=p', 'a -- b'],
    ['-s z --run=p -sx - y', '--static=z --run=p', '-sx - y'],
    ['--run p --help', '--run=p --help', ''],
  ])('%j', (line, options, program) => {
    expect(split(line)).toEqual([options, program]);
  });
});

describe('refused', () => {
  test.each([
    ['--foo x', 'there is no option `--foo`'],
    ['--foo=1 --run p', 'there is no option `--foo`'],
    ['-sa x', 'there is no option `-sa`'],
    ['-s', '`-s` needs a value'],
    ['--static -x', '`--static` needs a value'],
    ['--static --', '`--static` needs a value'],
    ['--run a --run b', '`--run` is given twice'],
    ['--run a x --run b', '`--run` is given twice'],
    ['--extract allow --extract=force x', '`--extract` is given twice'],
    ['--writable copy --writable=auto x', '`--writable` is given twice'],
    ['--cache=static x', '`--cache` takes no value'],
    ['--no-cache=1 x', '`--no-cache` takes no value'],
    ['--run a --static', '`--static` needs a value'],
    ['--explain=yes x', '`--explain` takes no value'],
    ['-h=1', '`--help` takes no value'],
  ])('%j', (line, message) => {
    const error = refusal(line);
    expect(error.message).toBe(message);
    expect(error.code).toBe('ERR_USAGE');
    expect(error.exitCode).toBe(125);
  });

  test('a near option is suggested', () => {
    expect(refusal('--statc=1').hints).toContain('did you mean `--static`?');
    expect(refusal('--frobnicate').hints).toHaveLength(1);
  });

  test('how to give a value that begins with a dash is told', () => {
    expect(refusal('-s -x').hints[0]).toContain('--static=-x');
  });
});

test('behind `--` every word is the command, whatever it is', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      const { options, program } = splitWords(['-s', 'a', '--', ...words], 0);
      expect(options).toEqual(['--static=a']);
      expect(program).toEqual(words.map((_, index) => index + 3));
    }),
  );
});

test('no word is lost, and those of the command keep their order', () => {
  const word = fc.constantFrom('-s', '--explain', '--run', 'a', '--', '-x', '--static=b', '-', '');
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (words) => {
      let result: ReturnType<typeof splitWords>;
      try {
        result = splitWords(words, 0);
      } catch (error) {
        expect(error).toBeInstanceOf(FuselageError);
        return;
      }
      const { program, options } = result;
      expect([...program].sort((a, b) => a - b)).toEqual(program);
      expect(new Set(program).size).toBe(program.length);
      expect(program.length + options.length).toBeLessThanOrEqual(words.length);
    }),
  );
});

describe('the table of options', () => {
  const own = ['-h', '--help', '-V', '--version'];
  const flags = [...RUN_OPTIONS].filter(([name]) => !own.includes(name));

  test('is what clipanion takes', () => {
    const cli = new Cli({ binaryName: 'fuselage' });
    cli.register(RunCommand);
    for (const [, { name, value }] of flags) {
      expect(() => cli.process(['run', value ? `${name}=1` : name])).not.toThrow();
      expect(() => cli.process(['run', value ? name : `${name}=1`])).toThrow();
    }
  });

  test('is all in the help text', () => {
    for (const name of RUN_OPTIONS.keys()) expect(helpText('run')).toContain(name);
  });
});
