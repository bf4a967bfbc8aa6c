/** Zips with something changed: a run starts its command or says what is wrong, and leaves nothing. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mountTest } from '../support/must-mount.js';
import { freshDirectory } from '../support/places.js';
import { caller, runFuselage } from '../support/run-fuselage.js';
import { writeZip } from '../support/zip-file.js';

/** Numbers below a limit, the same every time: xorshift32 (Marsaglia). */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/** Where a header begins. */
function headers(bytes: Buffer): number[] {
  const found = [...bytes.toString('latin1').matchAll(/PK/g)];
  return found.map(({ index }) => index).filter((at) => at < bytes.length - 46);
}

function mutate(original: Buffer, below: (limit: number) => number): Buffer {
  const bytes = Buffer.from(original);
  const found = headers(bytes);
  // A field of a header, most of the time: the content has a checksum.
  const header = below(4) > 0 ? found[below(found.length)] : undefined;
  bytes[header === undefined ? below(bytes.length) : header + below(46)] = below(256);
  return below(8) === 0 ? bytes.subarray(0, bytes.length - below(bytes.length / 4)) : bytes;
}

mountTest('each of them is a tree or a clear refusal', () => {
  const who = caller();
  const archive = writeZip(join(freshDirectory(), 'a.zip'), [
    { name: 'd/', mode: 0o040755 },
    { name: 'd/a.txt', content: 'words and words and words\n'.repeat(20) },
    { name: 'run', content: '#!/bin/sh\n', mode: 0o100755 },
    { name: 'link', content: 'd/a.txt', mode: 0o120777 },
    { name: 'large', content: 'x'.repeat(2 << 20) },
  ]);
  const original = readFileSync(archive);
  const below = numbers(0x5eed);
  const run = () => runFuselage(who, ['run', '-s', archive, 'echo', 'started']);
  const started = { status: 0, signal: null, stdout: 'started\n', stderr: '' };
  expect(run()).toEqual(started);
  const codes: string[] = [];
  for (let number = 0; number < 24; number++) {
    writeFileSync(archive, mutate(original, below));
    const ended = run();
    if (ended.status === 0) {
      expect(ended).toEqual(started);
    } else {
      expect(ended).toMatchObject({ status: 125, signal: null, stdout: '' });
      expect(ended.stderr).toMatch(/\[ERR_[A-Z_]+\]\n/);
      expect(ended.stderr).not.toMatch(/ERR_INTERNAL|ERR_WORKER_DIED/);
    }
    codes.push(/\[(ERR_[A-Z_]+)\]/.exec(ended.stderr)?.[1] ?? 'started');
    expect(readdirSync(join(who.home, '.fuselage/procdirs'))).toEqual([]);
  }
  expect(codes).toContain('started');
  expect(codes).toContain('ERR_ARCHIVE_DAMAGED');
});
