/** Every archive of the table of hostile ones, as a static tree and as a dynamic one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LIMIT_NAMES, LIMITS, POLICY } from '../../src/config/policy.js';
import type { MountPlan } from '../../src/native/plan-types.js';
import { printable } from '../../src/printable.js';
import {
  type HostileArchives,
  type HostileCase,
  hostileArchives,
  type Numbers,
} from '../support/hostile-archives.js';
import { mountTest, rootMountTest } from '../support/must-mount.js';
import {
  type Caller,
  caller,
  type Ended,
  ordinaryUser,
  startFuselage,
} from '../support/run-fuselage.js';

/** Runs at once. */
const AT_ONCE = 4;
const MINUTES = 60_000;

let table: HostileArchives;

beforeAll(() => {
  table = hostileArchives();
}, 10 * MINUTES);

/** What differs from the defaults, as options. */
function options(limits: Numbers): string[] {
  return LIMIT_NAMES.flatMap((name) => {
    const value = limits[LIMITS[name].key];
    return value === table.defaults[LIMITS[name].key] ? [] : [`--limit=${name}=${value}`];
  });
}

/** Calls `check` for each case, some at once. */
async function each(cases: HostileCase[], check: (one: HostileCase) => Promise<void>) {
  const left = [...cases];
  const failures: string[] = [];
  const work = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      await check(one).catch((error) => {
        failures.push(`${Object.values(one.about).join(', ')}: ${error}`);
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  expect(failures.join('\n')).toBe('');
}

const mounts = () => readFileSync('/proc/self/mountinfo', 'utf8').split('\n').sort();

const run = (who: Caller, words: string[]) => startFuselage(who, ['run', ...words]).ended;

/** The error of an image that the kernel does not mount. */
const NOT_TAKEN = /^fuselage: cannot mount the image .* \[ERR_IMAGE_MOUNT\]\n {2}cause: ./;

/** Whether the archive is an image that is mounted: of static ones, where root's kernel can. */
async function isMounted(who: Caller, words: string[]): Promise<boolean> {
  const { status, stdout } = await run(who, ['--dry-run', ...words]);
  if (status !== 0) return false;
  const { steps } = JSON.parse(stdout) as MountPlan;
  return steps.some(({ step }) => step === 'image');
}

/** Nothing of the run is below its home, and the file system is mounted as before. */
function nothingIsLeft(who: Caller, before: string[]) {
  expect(readdirSync(who.home)).toEqual(['.fuselage']);
  expect(readdirSync(join(who.home, '.fuselage'))).toEqual(['procdirs']);
  expect(readdirSync(join(who.home, '.fuselage/procdirs'))).toEqual([]);
  expect(mounts()).toEqual(before);
}

test('the table takes the defaults of a run for its own', () => {
  expect(table.defaults).toEqual(POLICY.limits);
  expect(table.cases.length).toBeGreaterThan(100);
});

describe.each([
  ['an ordinary user', ordinaryUser, mountTest],
  ['root', 0, rootMountTest],
] as const)('as %s', (_name, uid, test) => {
  test(
    'what is refused names the entry, starts no command and leaves nothing',
    async () => {
      const before = mounts();
      const refused = table.cases.filter((one) => one.refused !== null);
      const mounted: Ended[] = [];
      await each(refused, async ({ refused, limits }) => {
        const { file, code, message } = refused as NonNullable<HostileCase['refused']>;
        for (const kind of ['static', 'dynamic']) {
          const who = caller(uid);
          const words = [...options(limits), `--${kind}`, `t:${file}`, 'echo', 'started'];
          if (await isMounted(who, words)) {
            mounted.push(await run(who, words));
            nothingIsLeft(who, before);
            continue;
          }
          const { stderr, ...rest } = await run(who, words);
          expect(rest).toEqual({ status: 125, signal: null, stdout: '' });
          expect(stderr).toContain(`fuselage: cannot extract ${file} [${code}]\n`);
          expect(stderr).toContain(`\n  cause: ${printable(message)}`);
          expect(stderr).toMatch(/\n {2}fix: ./);
          nothingIsLeft(who, before);
        }
      });
      expect(mounted.length > 0).toBe(uid === 0);
      for (const { status, stdout, stderr } of mounted) {
        // What the kernel makes of an image is its own: it shows some of these, `ro,nosuid,nodev`.
        if (status === 0) expect([stdout, stderr]).toEqual(['started\n', '']);
        else expect([status, stdout, stderr]).toEqual([125, '', expect.stringMatching(NOT_TAKEN)]);
      }
    },
    20 * MINUTES,
  );

  test(
    'what is harmless is seen as it is, and leaves nothing',
    async () => {
      const before = mounts();
      const list = `find . -mindepth 1 -printf '%P\\0%m\\0' | base64 -w0; echo`;
      const count = `find . -mindepth 1 -printf . | wc -c`;
      await each(table.cases, async ({ harmless: { file, holds }, limits }) => {
        const who = caller(uid);
        const trees = ['--static', `s:${file}`, '--dynamic', `d:${file}`];
        const look = holds.nodes === undefined ? count : list;
        const script = `cd "$FUSELAGE_STATIC/s" && ${look}; cd "$FUSELAGE_DYNAMIC/d" && ${look}`;
        const words = [...options(limits), ...trees, '--', 'sh', '-c', script];
        const { stdout, ...rest } = await run(who, words);
        expect(rest).toEqual({ status: 0, signal: null, stderr: '' });
        for (const seen of stdout.trimEnd().split('\n')) {
          if (holds.nodes === undefined) expect(Number(seen)).toBe(holds.entries);
          else expect(nodesOf(seen)).toEqual(holds.nodes);
        }
        nothingIsLeft(who, before);
      });
    },
    20 * MINUTES,
  );
});

/** What `find` listed: paths and modes, each ended by a NUL byte. */
function nodesOf(listed: string): { path: string; mode: string }[] {
  const fields: Buffer[] = [];
  const bytes = Buffer.from(listed, 'base64');
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at);
    fields.push(bytes.subarray(at, end));
    at = end + 1;
  }
  const pairs = Array.from({ length: fields.length / 2 }, (_, index) => ({
    path: fields[2 * index] as Buffer,
    mode: (fields[2 * index + 1] as Buffer).toString(),
  }));
  pairs.sort((one, other) => Buffer.compare(one.path, other.path));
  return pairs.map(({ path, mode }) => ({ path: path.toString('base64'), mode }));
}
