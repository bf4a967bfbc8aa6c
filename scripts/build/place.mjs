/** Files that the build makes: whole, replaced at once, readable by every user whatever the umask. */
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a file if it is not the same already. It is renamed into place, so that a running program
 * keeps the file that it was started from.
 *
 * @param {string} path
 * @param {Buffer | string} content
 * @param {number} [mode] 0o755 for what is executed
 * @returns {boolean} whether it changed
 */
export function place(path, content, mode = 0o644) {
  const bytes = Buffer.from(content);
  if (contentOf(path)?.equals(bytes)) {
    chmodSync(path, mode);
    return false;
  }
  openDirectory(dirname(path));
  const staged = `${path}.${process.pid}`;
  try {
    writeFileSync(staged, bytes);
    chmodSync(staged, mode);
    renameSync(staged, path);
  } finally {
    rmSync(staged, { force: true });
  }
  return true;
}

/** Makes a directory that every user can enter. */
export function openDirectory(path) {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o755);
}

/** The bytes of a file; null where there is none. */
export function contentOf(path) {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}
