/** The command line in process: words in, answer and printed text out. */
import { answerWords } from '../../src/cli/cli.js';
import { ReaderGone } from '../../src/cli/print.js';
import { RESERVED, SUBCOMMANDS } from '../../src/commands/subcommands.js';
import { platform } from '../../src/native/index.js';
import type { Answer, ErrorReport, MountPlan } from '../../src/native/plan-types.js';
import { VERSION } from '../../src/version.js';
import { type Given, inputs, zip } from '../support/given.js';

const GIVEN: Given = { archives: { 'a.zip': zip('1'), 'b.zip': zip('2') } };

function cli(words: string[], given: Given = GIVEN): { answer: Answer; printed: string } {
  let printed = '';
  const print = (text: string) => {
    printed += text;
  };
  const surroundings = { inputs: inputs(given), platform, colour: false, print };
  const answer = answerWords(words, surroundings);
  return { answer, printed };
}

function plan(...words: string[]): MountPlan {
  const { answer, printed } = cli(words);
  expect(printed).toBe('');
  if (answer.answer !== 'plan') throw new Error(JSON.stringify(answer));
  return answer.plan;
}

function refusal(...words: string[]): ErrorReport {
  const { answer, printed } = cli(words);
  expect(printed).toBe('');
  if (answer.answer !== 'error') throw new Error(JSON.stringify(answer));
  return answer.error;
}

function printed(...words: string[]): string {
  const { answer, printed } = cli(words);
  expect(answer).toEqual({ answer: 'done', exitCode: 0 });
  return printed;
}

describe('run', () => {
  test.each([
    [['make', '-j2'], 0],
    [['run', 'make', '-j2'], 1],
    [['--', 'run'], 1],
    [['run', '--', 'run'], 2],
    [['run', 'run'], 1],
    [['run', 'cache'], 1],
    [['-s', 'a.zip', 'doctor'], 2],
    [['run', '-s', 'a.zip', '--', '--', 'x'], 4],
    [['--', '--help'], 1],
    [['\udcff\n', '--help'], 0],
  ])('%j: word %d is the command', (words, commandIndex) => {
    expect(plan(...words).program).toMatchObject({ program: 'command', commandIndex });
  });

  test('every option reaches the plan', () => {
    const made = plan(
      ...['run', '-s', 'a.zip', '--dynamic=n:b.zip', '--dynamic-empty', 'e', '--explain'],
      ...['--jobs', '3', '--tmpfs-size=1G', '--limit', 'entries=7', 'x'],
    );
    expect(made.explain).toBe(true);
    expect(made.steps).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ step: 'procdir', size: 1024 ** 3 }),
        expect.objectContaining({ at: { procdir: 'dynamic/n' }, jobs: 3 }),
        expect.objectContaining({ at: { procdir: 'dynamic/e' } }),
        expect.objectContaining({ limits: expect.objectContaining({ entries: 7 }) }),
      ]),
    );
  });

  test.each([
    [['--cache-static'], 'from the cache, read-only', 'extracted'],
    [['--cache'], 'from the cache, read-only', 'an overlay over the cached tree'],
    [['--cache-static', '--cache'], 'from the cache, read-only', 'an overlay over the cached tree'],
    [['--no-cache', '--cache'], 'extracted, then read-only', 'extracted'],
    [['--cache', '--no-cache'], 'extracted, then read-only', 'extracted'],
    [['--cache-static', '--no-cache'], 'extracted, then read-only', 'extracted'],
    [['--cache', '--writable=copy'], 'from the cache, read-only', 'extracted'],
  ])('%j: static %s, dynamic %s', (options, ofStatic, ofDynamic) => {
    const trees = ['-s', 'a.zip', '-d', 'n:b.zip', 'x'];
    const writable = options.some((o) => o.startsWith('--writable')) ? [] : ['--writable=overlay'];
    const { reasons } = plan(...writable, ...options, ...trees);
    const strategies = new Map(reasons.map(({ subject, strategy }) => [subject, strategy]));
    expect(strategies.get('static a')).toBe(ofStatic);
    expect(strategies.get('dynamic n')).toBe(ofDynamic);
  });

  test('a value may be anything', () => {
    const odd = '-\n=:\udcff';
    const given = { archives: { [odd]: zip('9') } };
    const { answer } = cli(['-d', `n:${odd}`, '--dynamic=./m', 'x'], given);
    expect(answer).toMatchObject({ answer: 'error', error: { code: 'ERR_ARCHIVE_MISSING' } });
    expect(cli([`--dynamic=n:${odd}`, 'x'], given).answer.answer).toBe('plan');
  });

  test('--run: arguments by their indices, known options are ours', () => {
    const made = plan('run', '--run', 'bin/x', '-s', 'a.zip', '-v', 'y', '--explain', '--', '-s');
    expect(made.program).toMatchObject({ program: 'tree', path: 'bin/x', arguments: [5, 6, 9] });
    expect(made.explain).toBe(true);
  });

  test('a typo of a subcommand is told for the first word alone', () => {
    expect(plan('docter').program).toMatchObject({ nearSubcommand: 'doctor' });
    expect(plan('runn', 'make').program).toMatchObject({ nearSubcommand: 'run' });
    expect(plan('--', 'docter').program).toMatchObject({ nearSubcommand: null });
    expect(plan('run', 'docter').program).toMatchObject({ nearSubcommand: null });
    expect(plan('make').program).toMatchObject({ nearSubcommand: null });
  });

  test('what was looked at goes with the plan', () => {
    const { answer } = cli(['-s', 'a.zip', 'x']);
    const seen = answer.answer === 'plan' ? answer.inputs : [];
    expect(seen).toContainEqual({ input: 'file', path: 'a.zip', identity: '1' });
    expect(seen).toContainEqual({ input: 'variable', name: 'FUSELAGE_HOME', value: null });
  });

  test('--dry-run prints the plan and nothing is done', () => {
    const made = plan('-s', 'a.zip', 'x');
    const text = printed('--dry-run', '-s', 'a.zip', 'x');
    expect(JSON.parse(text)).toEqual({ ...made, program: { ...made.program, commandIndex: 3 } });
    expect(text.endsWith('}\n')).toBe(true);
    expect(text).toContain('\n  "version"');
  });

  test.each([
    [[], 'ERR_NO_COMMAND'],
    [['run'], 'ERR_NO_COMMAND'],
    [['--'], 'ERR_NO_COMMAND'],
    [['-s', 'a.zip'], 'ERR_NO_COMMAND'],
    [['--frob', 'x'], 'ERR_USAGE'],
    [['run', '--json', 'x'], 'ERR_USAGE'],
    [['--run', 'bin/x'], 'ERR_USAGE'],
    [['--jobs=0', 'x'], 'ERR_USAGE'],
    [['-s', 'missing.zip', 'x'], 'ERR_ARCHIVE_MISSING'],
    [['-s', '/dev/stdin', 'x'], 'ERR_ARCHIVE_NOT_REGULAR'],
    [['-s', 'a.zip', '-d', 'a:b.zip', 'x'], 'ERR_TREE_DUPLICATE'],
    [['-s', '/opt/x:a.zip', 'x'], 'ERR_PATH_TARGET'],
    [['-s', 'a.zip', '--run', 'a/../../x'], 'ERR_RUN_ESCAPES'],
  ])('%j is refused: %s', (words, code) => {
    expect(refusal(...words)).toMatchObject({ code, exitCode: 125 });
  });

  test('a failure that is none of ours is told without a stack', () => {
    const broken = inputs(GIVEN);
    broken.host = () => {
      throw new TypeError('boom');
    };
    const surroundings = { inputs: broken, platform, colour: false, print: () => undefined };
    expect(answerWords(['x'], surroundings)).toMatchObject({
      answer: 'error',
      error: { code: 'ERR_INTERNAL', causes: ['boom'], exitCode: 125 },
    });
  });
});

describe('help and version', () => {
  test.each([
    [['--help'], 'Usage:\n  fuselage [run]'],
    [['-h'], 'Usage:\n  fuselage [run]'],
    [['help'], 'Usage:\n  fuselage [run]'],
    [['run', '--help'], 'fuselage run:'],
    [['help', 'run'], 'fuselage run:'],
    [['-s', 'a.zip', '--help'], 'fuselage run:'],
    [['doctor', '-h'], 'fuselage doctor:'],
    [['help', 'doctor'], 'fuselage doctor:'],
    [['help', '--help'], 'fuselage help:'],
    [['help', 'cache'], 'fuselage cache:'],
  ])('%j', (words, start) => {
    const text = printed(...words);
    expect(text).toContain(start);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('the overview names every subcommand', () => {
    for (const name of SUBCOMMANDS) expect(printed('help')).toContain(`\n  ${name} `);
  });

  test.each([[['-V']], [['--version']], [['run', '-V']]])('%j', (words) => {
    expect(printed(...words)).toBe(`fuselage ${VERSION}\n`);
  });

  test('nobody reads what is printed: no failure to tell about', () => {
    const print = () => {
      throw new ReaderGone('gone');
    };
    const surroundings = { inputs: inputs(), platform, colour: false, print };
    expect(() => answerWords(['--help'], surroundings)).toThrow(ReaderGone);
  });
});

describe('other subcommands', () => {
  test.each([
    [['doctor', '--xml'], 'unsupported option name ("--xml")'],
    [['doctor', 'x'], 'extraneous positional argument ("x")'],
    [['help', 'frob'], 'there is no subcommand `frob`'],
    [['help', 'pack'], 'there is no subcommand `pack`'],
    [['help', 'run', 'x'], '`run` has no subcommands'],
    [['help', 'cache', 'x'], 'there is no subcommand `cache x`'],
  ])('%j is wrong usage', (words, message) => {
    expect(refusal(...words)).toMatchObject({ code: 'ERR_USAGE', message, exitCode: 2 });
  });

  test('help of a typo names the near subcommand', () => {
    expect(refusal('help', 'docter').hints).toEqual([
      'did you mean `fuselage help doctor`?',
      '`fuselage help` lists them',
    ]);
    expect(refusal('help', 'frob').hints).toEqual(['`fuselage help` lists them']);
  });

  test.each([...RESERVED])('%s is kept, and -- runs a program of that name', (word) => {
    const error = refusal(word, '--help');
    expect(error).toMatchObject({ code: 'ERR_RESERVED_COMMAND', exitCode: 125 });
    expect(error.hints[0]).toContain(`fuselage -- ${word}`);
    expect(plan('--', word).program).toMatchObject({ commandIndex: 1 });
  });
});
