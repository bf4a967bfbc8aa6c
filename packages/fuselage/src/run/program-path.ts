import { FuselageError } from '../errors.js';

/**
 * The relative path that `--run` wants below a tree: plain components, as the plan needs them.
 *
 * @throws FuselageError `ERR_RUN_ESCAPES` for what could lead out of a tree, `ERR_USAGE` for nothing
 */
export function programPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.startsWith('/') || parts.includes('..') || path.includes('\0')) {
    throw new FuselageError('ERR_RUN_ESCAPES', `\`--run ${path}\` is no path below a tree`, {
      causes: [
        path.startsWith('/')
          ? 'an absolute path means a file of this host'
          : 'with `..` it could leave the tree',
      ],
      hints: ['give the path inside the archive, such as bin/tool, or NAME/bin/tool'],
    });
  }
  if (parts.length === 0) {
    throw new FuselageError('ERR_USAGE', '`--run` names no program', {
      hints: ['give the path inside the archive, such as bin/tool, or NAME/bin/tool'],
    });
  }
  return parts.join('/');
}
