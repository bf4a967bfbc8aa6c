import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mountTest } from '../support/must-mount.js';
import { packed, packedInstall } from '../support/packed-install.js';
import { freshDirectory, root } from '../support/places.js';
import { caller, runFuselage } from '../support/run-fuselage.js';
import { writeZip } from '../support/zip-file.js';

const arch = process.arch;
const scripts = {
  inside: `fuselage run -s words.zip -- sh -c 'cat "$FUSELAGE_STATIC/words/a.txt"'`,
};

/** A package that uses fuselage in a script, with an archive beside it. */
function project(more: object = {}): string {
  const directory = freshDirectory();
  const manifest = { name: 'project', version: '1.0.0', private: true, scripts, ...more };
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
  writeZip(join(directory, 'words.zip'), [{ name: 'a.txt', content: 'alpha\n' }]);
  return directory;
}

/** The tarballs by the name of their package. */
function tarballs(): Record<string, string> {
  const files = packed();
  const platform = files.find((file) => file.includes('linux-')) as string;
  const main = files.find((file) => file !== platform) as string;
  return { fuselage: `file:${main}`, [`@fuselage/linux-${arch}`]: `file:${platform}` };
}

const tool = (name: string) => join(root, 'node_modules', name);

function run(directory: string, program: string, words: string[]): string {
  return execFileSync(program, words, {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: directory,
      YARN_ENABLE_TELEMETRY: '0',
      YARN_ENABLE_GLOBAL_CACHE: '0',
      npm_config_update_notifier: 'false',
    },
  });
}

describe('npm', () => {
  let directory: string;

  beforeAll(() => {
    ({ directory } = packedInstall(project()));
  });

  mountTest('npm run, npx, npm exec and the link in .bin', () => {
    expect(run(directory, 'npm', ['run', '--silent', 'inside'])).toBe('alpha\n');
    const words = ['run', '-s', 'words.zip', '--', 'sh', '-c', 'cat $FUSELAGE_STATIC/words/a.txt'];
    expect(run(directory, 'npx', ['--no-install', 'fuselage', ...words])).toBe('alpha\n');
    expect(run(directory, 'npm', ['exec', '--offline', '--', 'fuselage', ...words])).toBe(
      'alpha\n',
    );
    expect(run(directory, join(directory, 'node_modules/.bin/fuselage'), words)).toBe('alpha\n');
  });

  mountTest('a link from elsewhere, as a global install makes it', () => {
    const elsewhere = freshDirectory();
    symlinkSync(join(directory, 'node_modules/.bin/fuselage'), join(elsewhere, 'fuselage'));
    const who = caller(undefined, { program: join(elsewhere, 'fuselage') });
    expect(runFuselage(who, ['run', 'echo', 'on'])).toMatchObject({ status: 0, stdout: 'on\n' });
    run(elsewhere, 'npm', [
      'install',
      '--global',
      '--offline',
      '--no-audit',
      '--no-fund',
      `--prefix=${elsewhere}/global`,
      ...Object.values(tarballs()),
    ]);
    const global = { ...who, program: join(elsewhere, 'global/bin/fuselage') };
    expect(runFuselage(global, ['run', 'echo', 'on'])).toMatchObject({ status: 0, stdout: 'on\n' });
  });

  mountTest('the launcher under its own name', () => {
    const name = `fuselage-launch-linux-${arch}`;
    const who = caller(undefined, { program: join(directory, 'node_modules/.bin', name) });
    expect(runFuselage(who, ['run', 'echo', 'on'])).toMatchObject({ status: 0, stdout: 'on\n' });
  });

  mountTest('the library, by require and by import', () => {
    const body = `run({ static: ['words.zip'], command: 'cat',
      args: ['/proc/self/uid_map'], stdio: ['ignore', 'ignore', 'inherit'] })
      .then((ended) => console.log(JSON.stringify(ended)))`;
    const required = `const { run } = require('fuselage'); ${body}`;
    writeFileSync(join(directory, 'imported.mjs'), `import { run } from 'fuselage'; ${body}`);
    const expected = '{"exitCode":0,"signal":null}\n';
    expect(run(directory, process.execPath, ['-e', required])).toBe(expected);
    expect(run(directory, process.execPath, ['imported.mjs'])).toBe(expected);
  });

  test('what is installed is there for every user, and the launcher is executable', () => {
    const platform = join(directory, `node_modules/@fuselage/linux-${arch}`);
    const launcher = join(platform, `fuselage-launch-linux-${arch}`);
    expect(statSync(launcher).mode & 0o555).toBe(0o555);
    expect(existsSync(join(platform, `fuselage.linux-${arch}-gnu.node`))).toBe(true);
  });
});

test('without the platform package it says what to do', () => {
  const { directory, bin } = packedInstall(project());
  rmSync(join(directory, `node_modules/@fuselage/linux-${arch}`), { recursive: true });
  for (const program of [[bin], [process.execPath, bin]]) {
    const [name, ...words] = program as [string, ...string[]];
    const ended = runFuselage(caller(undefined, { program: name }), [...words, 'run', 'true']);
    expect(ended.status).toBe(125);
    expect(ended.stderr).toContain('[ERR_PLATFORM_MISSING]');
    expect(ended.stderr).toContain('--include=optional');
    expect(ended.stderr).not.toMatch(/\bat .*:\d+:\d+/);
  }
});

mountTest('pnpm run and pnpm exec', () => {
  const files = freshDirectory();
  const overrides = tarballs();
  const directory = project({
    dependencies: { fuselage: overrides.fuselage },
    pnpm: { overrides },
  });
  const pnpm = tool('pnpm/bin/pnpm.cjs');
  run(directory, process.execPath, [pnpm, 'install', '--offline', `--store-dir=${files}/store`]);
  expect(run(directory, process.execPath, [pnpm, '--silent', 'run', 'inside'])).toBe('alpha\n');
  const words = ['exec', 'fuselage', 'run', 'echo', 'on'];
  expect(run(directory, process.execPath, [pnpm, ...words])).toBe('on\n');
});

const library = `run({ static: ['words.zip'], command: 'sh',
  args: ['-c', 'cat "$FUSELAGE_STATIC/words/a.txt"'] })
  .then((ended) => console.log(JSON.stringify(ended)))`;

// In a tree of Plug'n'Play there is no node_modules: who is not given its resolver finds nothing.
describe.each(['node-modules', 'pnpm', 'pnp'])('yarn, linked by %s', (linker) => {
  mountTest(
    'yarn run, and the library by require and by import',
    () => {
      const resolutions = tarballs();
      const directory = project({ dependencies: { fuselage: resolutions.fuselage }, resolutions });
      writeFileSync(join(directory, 'yarn.lock'), '');
      // Yarn makes it by itself for projects that are modules.
      const settings = `nodeLinker: ${linker}\npnpEnableEsmLoader: true\n`;
      writeFileSync(join(directory, '.yarnrc.yml'), settings);
      mkdirSync(join(directory, 'home'));
      const yarn = tool('@yarnpkg/cli-dist/bin/yarn.js');
      const called = (...words: string[]) => run(directory, process.execPath, [yarn, ...words]);
      called('install');
      expect(existsSync(join(directory, '.pnp.cjs'))).toBe(linker === 'pnp');
      expect(called('run', 'inside')).toBe('alpha\n');
      expect(called('fuselage', 'run', 'echo', 'on')).toBe('on\n');
      // The command has the resolver that our node has not.
      const resolve = `process.stdout.write(require('fuselage/package.json').name)`;
      expect(called('fuselage', 'run', 'node', '-e', resolve)).toBe('fuselage');
      expect(called('fuselage', 'doctor', '--json')).toContain('"ok": true');
      writeFileSync(join(directory, 'imported.mjs'), `import { run } from 'fuselage'; ${library}`);
      const ended = 'alpha\n{"exitCode":0,"signal":null}\n';
      expect(called('node', 'imported.mjs')).toBe(ended);
      expect(called('node', '-e', `const { run } = require('fuselage'); ${library}`)).toBe(ended);
    },
    120_000,
  );
});
