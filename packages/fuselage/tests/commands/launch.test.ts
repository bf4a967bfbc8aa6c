/** The library's side of the socket to the launcher; the other side is a program of this test. */
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FuselageError } from '../../src/errors.js';
import type { MountPlan } from '../../src/native/plan-types.js';
import { type Launch, launch } from '../../src/run/launch.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'fuselage-launch-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

const PLAN = { version: '0.1.0', reasons: ['€'.repeat(100_000)] } as unknown as MountPlan;

/** A launcher that has read the whole plan as `plan` and then does `script`, in JavaScript. */
function launcher(script: string): string {
  const file = join(directory, `launcher-${Math.random()}`);
  const text = `#!${process.execPath}
const fs = require('node:fs');
const read = (length) => {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    try { done += fs.readSync(3, bytes, done, length - done); }
    catch (error) { if (error.code !== 'EAGAIN') throw error; }
  }
  return bytes;
};
const plan = JSON.parse(read(read(4).readUInt32LE()).toString());
const answer = (value) => {
  const text = Buffer.from(JSON.stringify(value));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  fs.writeSync(3, Buffer.concat([length, text]));
};
const started = () => fs.closeSync(3);
${script}
`;
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

function start(script: string, more: Partial<Launch> = {}): ReturnType<typeof launch> {
  return launch({
    launcher: launcher(script),
    answer: { answer: 'plan', plan: PLAN, inputs: [] },
    words: [],
    stdio: 'ignore',
    killSignal: 'SIGTERM',
    ...more,
  });
}

async function refusal(promise: Promise<unknown>): Promise<FuselageError> {
  const error = await promise.then(
    () => new Error('it was resolved'),
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(FuselageError);
  return error as FuselageError;
}

test('the launcher gets the plan and the words, the result is how it ends', async () => {
  const script = `
    const ok = plan.answer === 'plan' && plan.plan.reasons[0].length === 100000 &&
      process.argv.slice(2).join() === '--fuselage-execute,make,-j2';
    started();
    process.exit(ok ? 7 : 1);`;
  expect(await start(script, { words: ['make', '-j2'] })).toEqual({ exitCode: 7, signal: null });
});

test('a death by a signal is told as such', async () => {
  const script = `started(); process.kill(process.pid, 'SIGUSR2');`;
  expect(await start(script)).toEqual({ exitCode: null, signal: 'SIGUSR2' });
});

test('an error of the launcher is an error with code, causes and hints', async () => {
  const error = {
    code: 'ERR_COMMAND_NOT_FOUND',
    message: 'cannot find the command `x`',
    hints: ['a hint'],
    causes: ['a cause'],
    exitCode: 127,
  };
  const script = `answer(${JSON.stringify({ answer: 'error', error })}); process.exit(127);`;
  expect((await refusal(start(script))).toReport()).toEqual(error);
});

test('what is no answer is an error of ours', async () => {
  expect((await refusal(start(`answer('what');`))).code).toBe('ERR_INTERNAL');
});

test('half an answer is none: the command was started, or died', async () => {
  const script = `fs.writeSync(3, Buffer.of(1, 0)); process.exit(9);`;
  expect(await start(script)).toEqual({ exitCode: 9, signal: null });
});

test('a launcher that cannot be started', async () => {
  const gone = launch({
    launcher: join(directory, 'nothing'),
    answer: { answer: 'plan', plan: PLAN, inputs: [] },
    words: [],
    stdio: 'ignore',
    killSignal: 'SIGTERM',
  });
  expect((await refusal(gone)).message).toContain('cannot start the launcher');
  const nowhere = start('started();', { cwd: join(directory, 'nowhere') });
  expect((await refusal(nowhere)).code).toBe('ERR_INTERNAL');
});

test('one that reads nothing and dies', async () => {
  const file = join(directory, 'deaf');
  writeFileSync(file, '#!/bin/sh\nexit 3\n');
  chmodSync(file, 0o755);
  expect(await start('', { launcher: file })).toEqual({ exitCode: 3, signal: null });
});

test('pipes, environment and directory reach the command', async () => {
  let printed = '';
  const cwd = realpathSync(directory);
  const result = await start(
    `started(); process.stdin.on('data', (text) => {
       fs.writeSync(1, text + process.cwd() + Object.keys(process.env).join()); });`,
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      cwd,
      env: { ONLY: '1' },
      onStart: ({ pid, stdin, stdout, stderr }) => {
        expect(pid).toBeGreaterThan(1);
        expect(stderr).toBeNull();
        stdout?.on('data', (text) => {
          printed += text;
        });
        stdin?.end('in ');
      },
    },
  );
  expect(result.exitCode).toBe(0);
  expect(printed).toBe(`in ${cwd}ONLY`);
});

test('descriptor 3 cannot be asked for', async () => {
  const stdio = ['ignore', 'ignore', 'ignore', 'inherit'] as const;
  expect((await refusal(start('', { stdio }))).code).toBe('ERR_USAGE');
});

describe('an abort', () => {
  const wait = `started(); process.on('SIGINT', () => process.exit(5)); setInterval(() => {}, 1e6);`;

  test('sends SIGTERM, or what was asked for', async () => {
    for (const [killSignal, end] of [
      ['SIGTERM', { exitCode: null, signal: 'SIGTERM' }],
      ['SIGINT', { exitCode: 5, signal: null }],
    ] as const) {
      const controller = new AbortController();
      const { signal } = controller;
      const onStart = () => setTimeout(() => controller.abort(), 200);
      expect(await start(wait, { signal, killSignal, onStart })).toEqual(end);
    }
  });

  test('before the start nothing is started', async () => {
    const signal = AbortSignal.abort(new Error('no'));
    await expect(start('process.exit(1);', { signal })).rejects.toThrow('no');
  });
});
