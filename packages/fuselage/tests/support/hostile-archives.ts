import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TEST_HOSTILE_DIRECTORY } from '../../src/config/env.js';
import { freshDirectory, root } from './places.js';

/** What a tree holds. */
export interface Holds {
  entries: number;
  /** Paths in base64 with their permission bits, in the order of bytes; without: too deep for a path. */
  nodes?: { path: string; mode: string }[];
}

/** The numbers of a plan's limits. */
export type Numbers = Record<string, number>;

/** One archive of the table in `crates/fuselage-archive/tests/archive/hostile`. */
export interface HostileCase {
  about: { attack: string; format: string; carrier: string };
  limits: Numbers;
  /** The archive and its error; null: it is harmless as it is. */
  refused: { file: string; code: string; message: string } | null;
  /** It, or its twin. */
  harmless: { file: string; holds: Holds };
}

/** The table. */
export interface HostileArchives {
  /** The limits that the table takes for the defaults. */
  defaults: Numbers;
  cases: HostileCase[];
}

/** Has the Rust tests write the archives of their table; paths are whole in what is returned. */
export function hostileArchives(): HostileArchives {
  const directory = freshDirectory();
  chmodSync(directory, 0o755);
  const target = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as 'x64' | 'arm64'];
  const test = ['--exact', 'hostile::fixtures::every_cell_is_written_with_what_becomes_of_it'];
  const words = ['test', '--workspace', '--target', `${target}-unknown-linux-gnu`];
  execFileSync('cargo', [...words, '--test', 'archive', '--', ...test], {
    cwd: root,
    env: { ...process.env, [TEST_HOSTILE_DIRECTORY]: directory },
    stdio: 'pipe',
  });
  const index = readFileSync(join(directory, 'index.json'), 'utf8');
  const table = JSON.parse(index) as HostileArchives;
  for (const { refused, harmless } of table.cases) {
    if (refused !== null) refused.file = join(directory, refused.file);
    harmless.file = join(directory, harmless.file);
  }
  return table;
}
