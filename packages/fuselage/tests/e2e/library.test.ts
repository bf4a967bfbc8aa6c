/** The library with the real launcher: pid, signals, environment and working directory. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mountTest } from '../support/must-mount.js';
import { freshDirectory, freshHome, give, root } from '../support/places.js';
import { caller, type Ended, ordinaryUser, runFuselage } from '../support/run-fuselage.js';
import { behindWrap } from '../support/wrap.js';
import { writeZip } from '../support/zip-file.js';

let words: string;
beforeAll(() => {
  words = writeZip(join(freshDirectory(), 'words.zip'), [{ name: 'a.txt', content: 'alpha\n' }]);
});

/** Runs `body`, which has `run`, `planRun`, `FuselageError`, `words` and prints JSON by `print`. */
function program(body: string, environment: Record<string, string> = {}): Ended {
  const library = JSON.stringify(join(root, 'packages/fuselage'));
  const script = `const { run, planRun, FuselageError } = require(${library});
    const words = ${JSON.stringify(words)};
    const print = (value) => console.log(JSON.stringify(value));
    (async () => { ${body} })().catch((error) => { console.error(error); process.exit(1); });`;
  const [program, rest] = behindWrap([process.execPath, '-e', script]);
  return runFuselage(caller(ordinaryUser, { program, environment }), rest);
}

function printed(ended: Ended): unknown[] {
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  return ended.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** A command that says its pid and then waits; `trap` is what it does on a signal. */
const waiting = (trap: string) => `['-c', "${trap} echo $$; while :; do sleep 0.05; done"]`;

const aborted = (options: string, trap: string) => `
  const controller = new AbortController();
  let pid, said = '';
  const ended = await run({
    static: [words], command: 'sh', args: ${waiting(trap)}, ${options}
    stdio: ['ignore', 'pipe', 'inherit'], signal: controller.signal,
    onStart: (command) => {
      pid = command.pid;
      command.stdout.on('data', (text) => {
        said += text;
        if (said.includes('\\n')) controller.abort();
      });
    },
  });
  print(ended);
  print(said.trim() === String(pid));`;

describe('an abort', () => {
  mountTest('sends SIGTERM to the command, whose pid is that of what was started', () => {
    const [ended, samePid] = printed(program(aborted('', '')));
    expect(ended).toEqual({ exitCode: null, signal: 'SIGTERM' });
    expect(samePid).toBe(true);
  });

  mountTest('sends killSignal, which the command may handle', () => {
    const trap = `trap 'exit 9' USR2; trap 'exit 1' TERM;`;
    const [ended] = printed(program(aborted(`killSignal: 'SIGUSR2',`, trap)));
    expect(ended).toEqual({ exitCode: 9, signal: null });
  });

  mountTest('that comes after the end changes nothing', () => {
    const body = `
      const controller = new AbortController();
      print(await run({ command: 'true', signal: controller.signal }));
      controller.abort();`;
    expect(printed(program(body))).toEqual([{ exitCode: 0, signal: null }]);
  });
});

describe('env and cwd', () => {
  mountTest('are those of the command; archives and the home are looked for by them', () => {
    const place = freshDirectory(ordinaryUser);
    mkdirSync(join(place, 'in'));
    give(join(place, 'in'), ordinaryUser);
    writeZip(join(place, 'in/here.zip'), [{ name: 'b.txt', content: 'beta\n' }]);
    const home = freshHome(ordinaryUser);
    const body = `
      const env = { PATH: process.env.PATH, FUSELAGE_HOME: ${JSON.stringify(home)}, ONLY: 'this' };
      print(await run({
        static: ['here.zip'], command: 'sh', cwd: ${JSON.stringify(join(place, 'in'))}, env,
        args: ['-c', 'pwd; cat $FUSELAGE_STATIC/here/b.txt; dirname $FUSELAGE_TMPDIR; env | cut -d= -f1 | sort'],
      }));
      print(process.env.OF_CALLER);`;
    const { status, stderr, stdout } = program(body, { OF_CALLER: 'stays' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [directory, content, procdir, ...rest] = stdout.trim().split('\n');
    expect([directory, content]).toEqual([join(place, 'in'), 'beta']);
    expect(procdir?.replace(/\d+$/, '')).toBe(`${home}/procdirs/`);
    expect(rest).toEqual([
      ...['FUSELAGE_HOME', 'FUSELAGE_STATIC', 'FUSELAGE_TMPDIR', 'ONLY', 'PATH', 'PWD'],
      '{"exitCode":0,"signal":null}',
      '"stays"',
    ]);
    expect(readdirSync(home)).toEqual(['procdirs']);
  });

  mountTest('are those of the caller unless told', () => {
    const body = `print(await run({ command: 'sh', args: ['-c', 'pwd; echo $OF_CALLER'] }));`;
    const { stdout } = program(body, { OF_CALLER: 'arrives' });
    expect(stdout).toMatch(/^\/.*\/home\narrives\n\{"exitCode":0,"signal":null\}\n$/);
  });
});

describe('an error', () => {
  mountTest('of the launcher is a FuselageError with code, causes and hints', () => {
    const body = `
      for (const options of [
        { command: 'no-such-command' },
        { static: [words], run: 'nothing' },
        { dynamic: [words], command: 'true', limits: { bytes: 1 } },
      ]) {
        await run(options).then(print, (error) => print({
          ours: error instanceof FuselageError, code: error.code, exitCode: error.exitCode,
          causes: error.causes, hints: error.hints,
        }));
      }`;
    const causes = expect.arrayContaining([expect.any(String)]);
    const hints = expect.any(Array);
    const of = (code: string, exitCode: number) => ({ ours: true, code, exitCode, causes, hints });
    expect(printed(program(body))).toEqual([
      of('ERR_COMMAND_NOT_FOUND', 127),
      of('ERR_RUN_NOT_FOUND', 127),
      of('ERR_ARCHIVE_LIMIT', 125),
    ]);
  });

  mountTest('nothing is started with what planRun refuses', () => {
    const marker = join(freshDirectory(ordinaryUser), 'marker');
    writeFileSync(marker, '');
    give(marker, ordinaryUser);
    const body = `
      const options = { static: ['/no/such.zip'], command: 'rm', args: [${JSON.stringify(marker)}] };
      await run(options).catch((error) => print(error.code));
      try { planRun(options); } catch (error) { print(error.code); }`;
    expect(printed(program(body))).toEqual(['ERR_ARCHIVE_MISSING', 'ERR_ARCHIVE_MISSING']);
    expect(readdirSync(join(marker, '..'))).toEqual(['marker']);
  });
});
