/** Runs inside each other, three deep, of every kind in every kind. */
import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { otherUserTest } from '../support/must-mount.js';
import { freshDirectory, freshHome, frontDoor } from '../support/places.js';
import { ordinaryUser, startFuselage } from '../support/run-fuselage.js';
import { writeZip } from '../support/zip-file.js';

/** How a run is made: as whom it is asked for, and with which policy. */
type Kind = 'user' | 'root' | 'extract';
const KINDS: Kind[] = ['user', 'root', 'extract'];

/** Who the process is that starts a run. */
type Who = 'root of the host' | 'root of a user namespace' | 'user';

const AT_ONCE = 4;
const MINUTES = 60_000;

let archives: string[];

beforeAll(() => {
  const directory = freshDirectory();
  chmodSync(directory, 0o755);
  archives = [1, 2, 3].map((level) =>
    writeZip(join(directory, `level${level}.zip`), [
      { name: 'file', content: Buffer.from(`${level}`) },
    ]),
  );
});

/** Root's trees are in a home that nobody else may enter. */
const FORGET = 'OUTERS=';

/** The words that make a process who it is to be. */
function become(from: Who, kind: Kind, home: string): { words: string[]; who: Who } {
  const id = String(ordinaryUser);
  if (kind === 'user' && from === 'root of the host') {
    const words = ['setpriv', `--reuid=${id}`, `--regid=${id}`, '--clear-groups', 'env'];
    return { words: [...words, `HOME=${home}`, FORGET], who: 'user' };
  }
  if (kind === 'user' && from === 'root of a user namespace') {
    const words = ['unshare', '--user', `--map-user=${id}`, `--map-group=${id}`];
    return { words, who: 'user' };
  }
  if (kind === 'root' && from === 'user') {
    return { words: ['unshare', '--map-root-user'], who: 'root of a user namespace' };
  }
  return { words: [], who: from };
}

/** The words that put a process into a pid namespace of its own, with its own /proc. */
function ownPids(who: Who): string[] {
  const words = ['unshare', '--pid', '--fork', '--mount-proc'];
  return who === 'user' ? [...words, '--map-current-user'] : words;
}

/** How a run starts the one inside it. */
interface Way {
  name: string;
  /** What stands between `--` and the words of the inner run. */
  through: (words: string[]) => string[];
  pids: boolean;
}

const quoted = (words: string[]) =>
  words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');

/** A shell that stays, and looks at its own tree once the inner run has ended. */
const byShell = (words: string[]) => [
  'sh',
  '-c',
  `outer="$FUSELAGE_STATIC$FUSELAGE_DYNAMIC"
   export OUTERS="$OUTERS $outer/t/file"
   ${quoted(words)} || exit
   [ "$(cat "$outer/t/file" | wc -c)" = 1 ]`,
];

const WAYS: Way[] = [false, true].flatMap((pids) => {
  const name = pids ? ', with pid namespaces between' : '';
  return [
    { name: `directly${name}`, through: (words: string[]) => words, pids },
    { name: `by shells${name}`, through: byShell, pids },
  ];
});

/** The innermost command: its own tree, those of outer runs, and nothing of their variables. */
const LOOK = [
  'sh',
  '-c',
  `cat "$FUSELAGE_STATIC/t/file"; [ -z "$FUSELAGE_DYNAMIC" ] || echo leaked
   [ -w "$FUSELAGE_TMPDIR" ] || echo no scratch
   for file in $OUTERS; do cat "$file"; done`,
];

/** Root of the host begins; `home` is the ordinary user's. */
function callers(kinds: readonly Kind[], home: string) {
  let who: Who = 'root of the host';
  return kinds.map((kind, level) => {
    // What is extracted first of all is the ordinary user's.
    const caller = become(who, level === 0 && kind === 'extract' ? 'user' : kind, home);
    who = caller.who;
    return caller;
  });
}

/** The words that start all runs, the outermost first. */
function words(kinds: readonly Kind[], way: Way, home: string): string[] {
  const levels = callers(kinds, home).map((caller, level) => {
    const pids = way.pids && level > 0 ? ownPids(caller.who) : [];
    // They alternate, so that a variable of an outer run would be seen.
    const tree = [level === 1 ? '--dynamic' : '--static', `t:${archives[level]}`];
    const policy = kinds[level] === 'extract' ? ['--extract=force'] : [];
    return [...caller.words, ...pids, frontDoor, 'run', ...policy, ...tree, '--'];
  });
  return levels.reduceRight(
    (inner, outer, level) => [
      ...outer,
      ...(level === levels.length - 1 ? inner : way.through(inner)),
    ],
    LOOK,
  );
}

/** What the innermost command sees of all trees where the runs are started by shells. */
function seenBy(kinds: readonly Kind[]): string {
  const forgotten = callers(kinds, '').findLastIndex(({ words }) => words.includes(FORGET));
  return ['3', ...['1', '2'].slice(Math.max(forgotten, 0))].join('');
}

const COMBINATIONS = KINDS.flatMap((one) =>
  KINDS.flatMap((two) => KINDS.map((three) => [one, two, three] as const)),
);

describe.each(WAYS)('$name', (way) => {
  otherUserTest(
    `all ${COMBINATIONS.length} combinations work and leave nothing`,
    async () => {
      const left = [...COMBINATIONS];
      const failures: unknown[] = [];
      const work = async () => {
        for (let kinds = left.shift(); kinds !== undefined; kinds = left.shift()) {
          const failed = await failure(kinds, way);
          if (failed !== null) failures.push([kinds.join(' > '), failed]);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      expect(failures).toEqual([]);
    },
    5 * MINUTES,
  );
});

/** What a combination ended with, if not as it should. */
async function failure(kinds: readonly Kind[], way: Way): Promise<unknown> {
  const home = freshHome(ordinaryUser);
  const rootHome = freshHome(0);
  const [program = '', ...rest] = words(kinds, way, home);
  const who = { uid: 0, home: rootHome, program, directory: '/' };
  const ended = await startFuselage(who, rest).ended;
  const seen = way.through === byShell ? seenBy(kinds) : '3';
  const places = [home, rootHome].flatMap((place) => leftBelow(join(place, '.fuselage')));
  const well = ended.status === 0 && ended.stdout === seen && ended.stderr === '';
  return well && places.length === 0 ? null : { ...ended, places };
}

/** What a run has left below a home, where the directory of all runs may stay. */
function leftBelow(home: string): string[] {
  try {
    return readdirSync(home).flatMap((name) => readdirSync(join(home, name)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
