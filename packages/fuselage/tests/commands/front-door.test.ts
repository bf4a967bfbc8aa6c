/** `bin/fuselage`, the sh half, in every layout of an install; the launcher prints what it gets. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';

const FRONT_DOOR = join(__dirname, '../../bin/fuselage');
const ARCH = process.arch;
const LAUNCHER = `@fuselage/linux-${ARCH}/fuselage-launch-linux-${ARCH}`;

let root: string;
beforeEach(() => {
  // Names that a careless script breaks on.
  root = join(mkdtempSync(join(tmpdir(), 'fuselage-door-')), "a b*\n-c'$(d)");
  mkdirSync(root);
});
afterEach(() => {
  rmSync(dirname(root), { recursive: true, force: true });
});

/** A package `fuselage` at `directory`, with the marker that shows which one was found. */
function install(directory: string): void {
  mkdirSync(join(root, directory, 'bin'), { recursive: true });
  copyFileSync(FRONT_DOOR, join(root, directory, 'bin/fuselage'));
  writeFileSync(join(root, directory, 'package.json'), '{"name":"fuselage"}');
}

/** A launcher in the node_modules at `directory`, which prints its own words. */
function installLauncher(directory: string): string {
  const file = join(root, directory, LAUNCHER);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\nprintf '%s\\0' "$0" "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}

function link(target: string, at: string): string {
  const file = join(root, at);
  mkdirSync(dirname(file), { recursive: true });
  symlinkSync(target, file);
  return file;
}

interface Called {
  cwd?: string;
  env?: Record<string, string>;
  words?: string[];
  through?: string[];
}

function call(file: string, { cwd = root, env = {}, words = [], through = [] }: Called = {}) {
  const [program = '', ...rest] = [...through, file, ...words];
  const { status, stdout, stderr } = spawnSync(program, rest, {
    cwd,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  });
  const [launcher, ask, ...passed] = stdout.split('\0').slice(0, -1);
  const asked = ask?.replace('--fuselage-ask=', '') ?? '';
  return { status, stderr, launcher, package: asked, passed };
}

/** Whether two paths lead to the same file; the front door leaves `..` in its paths. */
function same(a: string | undefined, b: string, cwd: string): boolean {
  return spawnSync('test', [a ?? '', '-ef', b], { cwd }).status === 0;
}

function expectFound(
  called: ReturnType<typeof call>,
  directory: string,
  launcher: string,
  cwd = root,
): void {
  expect(called.stderr).toBe('');
  expect(called.status).toBe(0);
  expect(same(called.launcher, launcher, cwd)).toBe(true);
  expect(same(called.package, join(root, directory), cwd)).toBe(true);
}

const SHELLS = [[], ['sh'], ['bash'], ['bash', '--posix'], ['busybox', 'sh']];

const isThere = (shell: string) => spawnSync('sh', ['-c', 'command -v "$0"', shell]).status === 0;

describe.each(SHELLS.map((through) => ({ through })))('through $through', ({ through }) => {
  const [shell] = through;
  if (shell !== undefined && !isThere(shell)) {
    test.skip(`(skipped: ${shell} is not installed)`, () => {});
    return;
  }

  test('npm: the link in .bin, launcher beside the package', () => {
    install('p/node_modules/fuselage');
    const launcher = installLauncher('p/node_modules');
    const file = link('../fuselage/bin/fuselage', 'p/node_modules/.bin/fuselage');
    const words = ['run', '', 'a b', '*', '--', "'\n"];
    const called = call(file, { words, through });
    expectFound(called, 'p/node_modules/fuselage', launcher);
    expect(called.passed).toEqual(words);
  });

  test('npm -g: a link elsewhere, launcher inside the package', () => {
    install('lib/node_modules/fuselage');
    const launcher = installLauncher('lib/node_modules/fuselage/node_modules');
    const file = link('../lib/node_modules/fuselage/bin/fuselage', 'bin/fuselage');
    expectFound(call(file, { through }), 'lib/node_modules/fuselage', launcher);
  });

  test('pnpm: the package is a link into the store', () => {
    install('p/node_modules/.pnpm/fuselage@1/node_modules/fuselage');
    const launcher = installLauncher('p/node_modules/.pnpm/fuselage@1/node_modules');
    link('.pnpm/fuselage@1/node_modules/fuselage', 'p/node_modules/fuselage');
    const file = join(root, 'p/node_modules/fuselage/bin/fuselage');
    expectFound(call(file, { through }), 'p/node_modules/fuselage', launcher);
  });

  test('a checkout: launcher in a node_modules above', () => {
    install('c/packages/fuselage');
    const launcher = installLauncher('c/node_modules');
    const file = join(root, 'c/packages/fuselage/bin/fuselage');
    expectFound(call(file, { through }), 'c/packages/fuselage', launcher);
  });

  test('a chain of absolute and relative links', () => {
    install('c/packages/fuselage');
    const launcher = installLauncher('c/node_modules');
    const first = link(join(root, 'c/packages/fuselage/bin/fuselage'), 'x/one');
    const second = link(relative(join(root, 'y'), first), 'y/two\n');
    expectFound(call(second, { through }), 'c/packages/fuselage', launcher);
  });

  test('a foreign .bin/fuselage is read as any link', () => {
    install('c/fuselage');
    const launcher = installLauncher('c/node_modules');
    const file = link('../../c/fuselage/bin/fuselage', 'other/.bin/fuselage');
    expectFound(call(file, { through }), 'c/fuselage', launcher);
  });

  // Executed by itself, `/bin/sh -d/…` is what the kernel makes of the first line, and a mere name is
  // looked for in PATH.
  if (through.length === 0) return;

  test('by a relative path that begins with a dash', () => {
    install('-d/fuselage');
    const launcher = installLauncher('-d');
    const file = '-d/fuselage/bin/fuselage';
    const env = { CDPATH: '/' };
    expectFound(call(file, { through: [...through, '--'], env }), '-d/fuselage', launcher);
  });

  test('by its mere name, where it is', () => {
    install('c/fuselage');
    const launcher = installLauncher('c');
    const cwd = join(root, 'c/fuselage/bin');
    expectFound(call('fuselage', { through, cwd }), 'c/fuselage', launcher, cwd);
  });
});

test('through PATH', () => {
  install('c/fuselage');
  const launcher = installLauncher('c');
  const env = { PATH: `${join(root, 'c/fuselage/bin')}:${process.env.PATH}` };
  expectFound(call('fuselage', { through: ['env'], env }), 'c/fuselage', launcher);
});

test('variables of the caller stay as they are, IFS does no harm', () => {
  install('c/fuselage');
  installLauncher('c');
  const file = join(root, 'c', LAUNCHER);
  writeFileSync(file, '#!/bin/sh\nexec env -0\n');
  const given = { a: '1', p: '2', l: '3', arch: '4', IFS: '/6', SHELLOPTS: 'allexport' };
  const { stdout } = spawnSync(join(root, 'c/fuselage/bin/fuselage'), [], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...given },
  });
  expect(stdout.split('\0')).toEqual(expect.arrayContaining(['a=1', 'p=2', 'l=3', 'arch=4']));
  expect(stdout).not.toContain('fuselage_');
});

test('no process is started where npm has installed it', () => {
  install('p/node_modules/fuselage');
  installLauncher('p/node_modules');
  const file = link('../fuselage/bin/fuselage', 'p/node_modules/.bin/fuselage');
  // With nothing in PATH, whatever the script would start is not found.
  const called = call(file, { env: { PATH: '/nowhere' } });
  expect(called.stderr).toBe('');
  expect(called.status).toBe(0);
});

test('without the platform package it says what is missing and what to do', () => {
  install('c/fuselage');
  const { status, stderr } = call(join(root, 'c/fuselage/bin/fuselage'));
  expect(status).toBe(125);
  expect(stderr).toContain('[ERR_PLATFORM_MISSING]');
  expect(stderr).toContain(`@fuselage/linux-${ARCH}`);
  for (const fix of ['--include=optional', 'lock file', 'supportedArchitectures']) {
    expect(stderr).toContain(fix);
  }
});

describe('started with node, as yarn does', () => {
  const node = (file: string) => call(file, { through: [process.execPath] });

  test('it is JavaScript, and asks for its other half', () => {
    install('c/fuselage');
    const { status, stderr } = node(join(root, 'c/fuselage/bin/fuselage'));
    expect(status).toBe(1);
    expect(stderr).toContain('../dist/front-door.cjs');
  });

  const half = join(__dirname, '../../dist/front-door.cjs');
  const built = existsSync(half);
  const why = built ? '' : ' (skipped: there is no dist/front-door.cjs; npm run build makes it)';
  (built ? test : test.skip)(`the other half says what is missing${why}`, () => {
    install('c/fuselage');
    mkdirSync(join(root, 'c/fuselage/dist'));
    copyFileSync(half, join(root, 'c/fuselage/dist', basename(half)));
    const { status, stderr } = node(join(root, 'c/fuselage/bin/fuselage'));
    expect(status).toBe(125);
    expect(stderr).toContain('[ERR_PLATFORM_MISSING]');
    expect(stderr).toContain('--include=optional');
  });
});
