/** Archives and callers of the tests of runs without namespaces. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mountTest, rootMountTest, rootTest } from './must-mount.js';
import { freshDirectory } from './places.js';
import { type Caller, ordinaryUser } from './run-fuselage.js';
import { writeZip } from './zip-file.js';

/** Writes archives for them. */
export function writeArchives() {
  const directory = freshDirectory();
  const words = writeZip(join(directory, 'words.zip'), [
    { name: 'a.txt', content: 'alpha\n' },
    { name: 'sub/deep/b.txt', content: 'beta\n', mode: 0o100664 },
    { name: 'bin/hello', content: '#!/bin/sh\necho "hello $1"\n', mode: 0o100755 },
    { name: 'link', content: 'sub/deep/b.txt', mode: 0o120777 },
    { name: 'locked/', mode: 0o040555 },
    { name: 'locked/c.txt', content: 'gamma\n', mode: 0o100444 },
  ]);
  const entries = Array.from({ length: 30_000 }, (_, i) => ({ name: `d${i % 99}/${i}` }));
  const many = writeZip(join(directory, 'many.zip'), entries);
  const damaged = writeZip(join(directory, 'damaged.zip'), [
    { name: 'good', content: 'x' },
    { name: 'bad', content: 'some content that is more than nothing' },
  ]);
  const bytes = readFileSync(damaged);
  // The data of the last entry, whose check sum is wrong then.
  const data = bytes.lastIndexOf('PK\x03\x04') + 30 + 'bad'.length;
  bytes.writeUInt8(bytes.readUInt8(data + 4) ^ 0xff, data + 4);
  writeFileSync(damaged, bytes);
  const text = join(directory, 'words.b64');
  writeFileSync(text, readFileSync(words).toString('base64'));
  return {
    /** A zip of some entries of every kind. */
    words,
    /** The same as base64 text. */
    text,
    /** A zip of so many entries that its extraction takes a while. */
    many,
    /** A zip whose last entry is damaged. */
    damaged,
  };
}

/** The words of a command that is a script. */
export const sh = (script: string) => ['--', 'sh', '-c', script];

/** The words of a run without namespaces. */
export const force = (...rest: string[]) => ['run', '--extract=force', ...rest];

/** The directory of all runs without namespaces. */
export const extracted = (who: Caller) => join(who.home, '.fuselage/extracted');

/** What is left there. */
export function left(who: Caller): string[] {
  return existsSync(extracted(who)) ? readdirSync(extracted(who)) : [];
}

/** Who runs, and the tests of each. */
export const callers = [
  { name: 'an ordinary user', uid: ordinaryUser, test, mount: mountTest },
  { name: 'root', uid: 0, test: rootTest, mount: rootMountTest },
];

/** The process that the supervisor `pid` has started. */
export function commandBelow(pid: number): number {
  const command = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
  // Zero would be the process group of the tests.
  if (!(command > 1)) throw new Error(`${pid} has not one child`);
  return command;
}
