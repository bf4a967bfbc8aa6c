/** What is measured on: made once, kept in bench/.cache. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Whole, and without the programs that make up two thirds of the bytes and that one thread unpacks. */
export const TREES = ['whole', 'without files above 4 MB'];

/** How this checkout's own node_modules is packed, by the ending of the archive. */
const PACKERS = {
  zip: (path, large) => [
    'zip',
    ['-qry', path, 'node_modules', ...large.flatMap((file) => ['-x', file])],
  ],
  'zstd.sfs': (path, large) => mksquashfs('zstd', path, large),
  'gzip.sfs': (path, large) => mksquashfs('gzip', path, large),
};

function mksquashfs(compressor, path, large) {
  const excluded = large.length === 0 ? [] : ['-e', ...large];
  const words = ['node_modules', path, '-comp', compressor, '-quiet', '-no-progress', '-noappend'];
  return ['mksquashfs', [...words, ...excluded.map((file) => file.replace(/^node_modules\//, ''))]];
}

/** An archive of node_modules: thousands of small files, some large. */
export function nodeModules(root, cache, ending, tree) {
  const archive = join(cache, `${tree.replaceAll(' ', '-')}.${ending}`);
  if (!existsSync(archive)) {
    const find = ['node_modules', '-type', 'f', '-size', '+4M'];
    const found = execFileSync('find', find, { cwd: root, encoding: 'utf8' }).trim().split('\n');
    const [program, words] = PACKERS[ending](archive, tree === 'whole' ? [] : found);
    execFileSync(program, words, { cwd: root });
    chmodSync(archive, 0o644);
  }
  return archive;
}

/** A program of this directory, compiled into `place`. */
export function compiled(name, place) {
  const program = join(place, name);
  const source = fileURLToPath(new URL(`${name}.c`, import.meta.url));
  execFileSync('cc', ['-O2', '-o', program, source]);
  return program;
}

/** The frame that the library would send for a plan (crates/fuselage-plan/src/frame.rs). */
export function writeFrame(path, plan) {
  const payload = Buffer.from(JSON.stringify({ answer: 'plan', plan, inputs: [] }));
  const header = Buffer.alloc(4);
  header.writeUInt32LE(payload.length);
  writeFileSync(path, Buffer.concat([header, payload]), { mode: 0o644 });
}

/** A directory that everybody may enter. */
export function openDirectory(path) {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o755);
  return path;
}
