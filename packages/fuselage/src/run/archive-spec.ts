import { basename } from 'node:path';

import { toBytes } from '../bytes.js';
import { FuselageError } from '../errors.js';

/** An archive and what its tree is called. */
export interface ArchiveSpec {
  /** The NAME of the tree. */
  name: string;
  /** The path of the archive, as it was given. */
  file: string;
}

/** Suffixes that a NAME made of a file name loses, once each, in this order. */
const SUFFIXES = ['.sfs', '.zip', '.b64'];

/** NAME_MAX of every file system that a tree is made on (linux/limits.h), in bytes. */
const LONGEST_NAME = 255;

/** The NAME of an archive that was given without one: its file name without known suffixes. */
export function stem(file: string): string {
  let name = basename(file);
  for (const suffix of SUFFIXES) {
    if (name.endsWith(suffix)) name = name.slice(0, -suffix.length);
  }
  return name;
}

/**
 * Reads `[NAME:]FILE`. A text that is an existing file as a whole is that file, also with a `:` in
 * its path; any other is split at its first `:`.
 *
 * @param text - what the user wrote
 * @param isFile - whether a path leads to a regular file
 * @throws FuselageError as {@link checkName}; `ERR_USAGE` when there is no FILE
 */
export function parseArchiveSpec(text: string, isFile: (path: string) => boolean): ArchiveSpec {
  const colon = text.indexOf(':');
  const named = colon >= 0 && !isFile(text);
  const file = named ? text.slice(colon + 1) : text;
  if (file === '') {
    throw new FuselageError('ERR_USAGE', `\`${text}\` names no archive file`, {
      hints: ['an archive is given as FILE or as NAME:FILE'],
    });
  }
  if (!named) return archiveSpec(file, undefined);
  const also = text.includes('/')
    ? [`or, if one file was meant: there is no file \`${text}\``]
    : [];
  return { name: checkName(text.slice(0, colon), `\`${text}\``, also), file };
}

/**
 * The spec of `file`, under its own name where there is no `name`.
 *
 * @throws FuselageError as {@link checkName}
 */
export function archiveSpec(file: string, name: string | undefined): ArchiveSpec {
  return { name: checkName(name ?? stem(file), `the archive \`${file}\``), file };
}

/**
 * Makes sure that `name` can be the name of one directory.
 *
 * @param name - the NAME of a tree
 * @param owner - whose name it is, for the message
 * @param hints - for a name with a `/`
 * @throws FuselageError `ERR_TREE_NAME`; `ERR_PATH_TARGET` for a path
 */
export function checkName(name: string, owner: string, hints: string[] = []): string {
  if (name.includes('/')) {
    throw new FuselageError('ERR_PATH_TARGET', `the tree name \`${name}\` of ${owner} is a path`, {
      causes: ['trees at paths of your choice are not supported yet'],
      hints: [
        'use a name without `/`; the tree is then at $FUSELAGE_STATIC/NAME or ' +
          '$FUSELAGE_DYNAMIC/NAME',
        ...hints,
      ],
    });
  }
  const why = whyNoName(name);
  if (why === null) return name;
  throw new FuselageError('ERR_TREE_NAME', `the tree name \`${name}\` of ${owner} ${why}`, {
    hints: ['give the tree a name: NAME:FILE'],
  });
}

function whyNoName(name: string): string | null {
  if (name === '') return 'is empty';
  if (name === '.' || name === '..') return 'is no name of a directory';
  if (name.includes('\0')) return 'contains a NUL';
  if (toBytes(name).length > LONGEST_NAME) return `is longer than ${LONGEST_NAME} bytes`;
  return null;
}
