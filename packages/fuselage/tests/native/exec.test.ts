import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { addon } from '../../src/native/index.js';
import { platform } from '../../src/native/load.js';

/** A node that execs `sh -c script`, with bytes that are no UTF-8 as `$1` and in `BYTES`. */
function execShell(script: string, input = '') {
  const code = `
    const addon = require(${JSON.stringify(platform().addon)});
    const bytes = (text) => Buffer.from(text);
    process.stdout.write('');
    addon.exec(
      bytes('/bin/sh'),
      [bytes('its name'), bytes('-c'), bytes(${JSON.stringify(script)}), bytes('zero'),
        Buffer.from([0xff, 0x0a])],
      [bytes('PATH=/usr/bin:/bin'), bytes('A='), Buffer.from([0x42, 0x3d, 0xfe])],
    );`;
  return spawnSync(process.execPath, ['-e', code], { input, timeout: 30_000, encoding: 'latin1' });
}

describe('exec', () => {
  test('gives words, environment and standard descriptors, byte by byte', () => {
    const ended = execShell('printf "%s|" "$0" "$1" "$A" "$B"; cat; echo two >&2; exit 7', 'three');
    expect(ended).toMatchObject({
      status: 7,
      stdout: 'zero|\u00ff\n||\u00fe|three',
      stderr: 'two\n',
    });
  });

  test('the first word is what it is told', () => {
    expect(execShell('cat /proc/$$/cmdline').stdout).toMatch(/^its name\0-c\0/);
  });

  test('nothing is ignored that node ignored, and none of its descriptors is left', () => {
    // The directory that `ls` reads is a descriptor of its own.
    const ended = execShell(
      'grep ^SigIgn /proc/$$/status; test -e /proc/$$/fd/3 || echo closed; echo "$HOME-"',
    );
    expect(ended.stdout).toBe(`SigIgn:\t${'0'.repeat(16)}\nclosed\n-\n`);
  });

  test('the same process goes on', () => {
    const ended = execShell('echo $$');
    expect(Number(ended.stdout)).toBe(ended.pid);
  });

  test('a failure is returned, and node goes on', () => {
    const exec = (file: string, word = 'x') =>
      addon().exec(Buffer.from(file), [Buffer.from(word)], []);
    expect(exec('/no/such/program')).toMatchObject({
      code: 'ERR_COMMAND_NOT_EXECUTABLE',
      message: 'cannot execute /no/such/program',
      causes: ['No such file or directory (ENOENT)'],
    });
    expect(exec('/etc/passwd').causes).toEqual(['Permission denied (EACCES)']);
    expect(exec('/bin/true', 'a\0b').causes).toEqual([expect.stringContaining('nul byte')]);
    // SIGPIPE (bit 12) is ignored again: else the next closed pipe would kill this process.
    const ignored = /^SigIgn:\t(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
    expect(BigInt(`0x${ignored}`) & 0x1000n).toBe(0x1000n);
  });
});
