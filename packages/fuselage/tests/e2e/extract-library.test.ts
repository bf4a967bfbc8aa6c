/** Runs without namespaces, started by the library. */
import { join } from 'node:path';
import { root } from '../support/places.js';
import { left, writeArchives } from '../support/real-files.js';
import { caller, runFuselage } from '../support/run-fuselage.js';

let words: string;
let damaged: string;

beforeAll(() => {
  ({ words, damaged } = writeArchives());
});

describe('from a program', () => {
  function program(body: string, who = caller()): { ended: unknown[]; stderr: string } {
    const library = JSON.stringify(join(root, 'packages/fuselage'));
    const script = `const { run } = require(${library});
      const print = (value) => console.log(JSON.stringify(value));
      (async () => { ${body} })().catch((error) => { console.error(error); process.exit(1); });`;
    const { status, stdout, stderr } = runFuselage({ ...who, program: process.execPath }, [
      ...['-e', script],
    ]);
    expect(status).toBe(0);
    expect(left(who)).toEqual([]);
    return {
      ended: stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
      stderr,
    };
  }

  test('the command is started, gets signals, and how it ended is told', () => {
    const { ended, stderr } = program(`
      const stdio = ['ignore', 'pipe', 'inherit'];
      const controller = new AbortController();
      const onStart = ({ stdout }) => stdout.on('data', (said) => {
        print(said.toString());
        controller.abort();
      });
      const script = 'trap "exit 9" TERM; cat "$FUSELAGE_STATIC/words/a.txt"; while :; do sleep 0.05; done';
      print(await run({
        static: [${JSON.stringify(words)}], command: 'sh', args: ['-c', script], extract: 'force',
        stdio, onStart, signal: controller.signal,
      }));`);
    expect(ended).toEqual(['alpha\n', { exitCode: 9, signal: null }]);
    expect(stderr).toBe('');
  });

  test('what keeps it from starting is thrown', () => {
    const { ended, stderr } = program(`
      let started = false;
      const fail = (options) => run({
        command: 'true', extract: 'force', onStart: () => { started = true; }, ...options,
      }).catch(({ code }) => print([code, started]));
      await fail({ static: [${JSON.stringify(damaged)}] });
      await fail({ command: '/no/such' });
      await fail({ extract: 'never' });
      print(await run({ command: 'sh', args: ['-c', 'kill -KILL $$'], extract: 'prefer' }));`);
    expect(ended).toEqual([
      ['ERR_ARCHIVE_DAMAGED', false],
      ['ERR_COMMAND_NOT_FOUND', false],
      ['ERR_USAGE', false],
      { exitCode: null, signal: 'SIGKILL' },
    ]);
    expect(stderr).toBe('');
  });

  test('who waits for the end of a pipe waits for the command alone', () => {
    const { ended } = program(`
      const stdio = ['ignore', 'pipe', 'inherit'];
      let closed;
      const onStart = ({ stdout }) => stdout.on('close', () => { closed = Date.now(); }).resume();
      const command = { command: 'sh', args: ['-c', 'exec >&-; sleep 1'], extract: 'force' };
      await run({ ...command, stdio, onStart });
      print(Date.now() - closed > 500);`);
    expect(ended).toEqual([true]);
  });
});
