/** The order of the rooms of packages/fuselage/src: a room imports from those before it alone. */
const ROOMS = ['native', 'ask', 'config', 'run', 'cache', 'host', 'commands', 'cli'];

/** Files in no room are the library's: they may use what the commands may, and no command. */
const LIBRARY = ROOMS.indexOf('host');

/** `… from 'x'`, `import 'x'`, `import('x')`, `require('x')`. */
const IMPORT = /\b(?:from|import|require)\s*\(?\s*'(\.[^']*)'/g;

const SOURCE = 'packages/fuselage/src/';

function room(path) {
  const [first, ...rest] = path.slice(SOURCE.length).split('/');
  return rest.length === 0 ? LIBRARY : ROOMS.indexOf(first);
}

/**
 * The imports that point to a later room, a sentence each.
 *
 * @param {string[]} paths of TypeScript files
 * @param {(path: string) => string} read
 */
export function wrongImports(paths, read) {
  return paths
    .filter((path) => path.startsWith(SOURCE) && path.endsWith('.ts'))
    .flatMap((path) => {
      if (room(path) < 0) return [`${path} is in a room that scripts/check/rooms.mjs lacks`];
      const imported = [...read(path).matchAll(IMPORT)].map(([, to]) =>
        new URL(to, `file:///${path}`).pathname.slice(1),
      );
      return imported
        .filter((to) => to.slice(SOURCE.length).includes('/') && room(to) > room(path))
        .map((to) => `${path} imports ${to}, which is in a later room`);
    });
}
