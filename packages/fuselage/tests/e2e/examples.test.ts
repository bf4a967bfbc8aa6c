/** What README.md and the help tell to type does what it says. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiled } from '../support/compile.js';
import { mountTest } from '../support/must-mount.js';
import { give, root } from '../support/places.js';
import { type Caller, caller, runFuselage } from '../support/run-fuselage.js';
import { behindWrap } from '../support/wrap.js';
import { writeZip } from '../support/zip-file.js';

const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** Texts that are indented by four columns, without that; comments and blank lines stay. */
function indentedBlocks(markdown: string): string[] {
  const blocks = markdown.match(/(?:^ {4}.*\n(?:\n(?= {4}))*)+/gm) ?? [];
  return blocks.map((block) => block.replace(/^ {4}/gm, ''));
}

/** Lines that begin with `fuselage` and have nothing to fill in. */
function commands(text: string): string[] {
  return text.split('\n').filter((line) => /^fuselage /.test(line) && !/[[\]…]/.test(line));
}

/** A project directory with the archives and the scripts that the examples name. */
function project(): Caller {
  const path = `${join(root, 'packages/fuselage/bin')}:${process.env.PATH}`;
  const environment = { PATH: path, npm_config_update_notifier: 'false' };
  const who = caller(undefined, { environment });
  for (const name of ['words', 'deps', 'work', 'sdk']) {
    writeZip(join(who.home, `${name}.zip`), [
      { name: 'a.txt', content: 'alpha\n' },
      { name: 'Makefile', content: 'all:\n\t@echo made\n' },
    ]);
  }
  const scripts = { test: 'cat "$FUSELAGE_STATIC/words/a.txt" && echo tested' };
  writeFileSync(join(who.home, 'package.json'), JSON.stringify({ private: true, scripts }));
  mkdirSync(join(who.home, 'node_modules'));
  symlinkSync(join(root, 'packages/fuselage'), join(who.home, 'node_modules/fuselage'));
  give(join(who.home, 'node_modules'), who.uid);
  return who;
}

function type(line: string) {
  // It finds `fuselage` in PATH: the shell is behind the filter, too.
  const [program, words] = behindWrap(['/bin/sh', '-c', line]);
  return runFuselage({ ...project(), program }, words);
}

const typed = indentedBlocks(readme).flatMap(commands);

test('README.md has commands', () => {
  expect(typed.length).toBeGreaterThan(1);
});

for (const line of typed) {
  mountTest(`README.md: ${line}`, () => {
    const ended = type(line);
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    if (line.includes('npm test')) expect(ended.stdout).toMatch(/alpha\ntested\n$/);
  });
}

const programs = indentedBlocks(readme).filter((block) => block.includes(`from 'fuselage'`));

test('README.md has a program', () => {
  expect(programs).not.toEqual([]);
});

for (const program of programs) {
  mountTest(`README.md: ${program}`, () => {
    const who = project();
    writeFileSync(join(who.home, 'program.mjs'), program);
    const [started, words] = behindWrap([process.execPath, 'program.mjs']);
    const ended = runFuselage({ ...who, program: started }, words);
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    expect(ended.stdout).toMatch(/alpha\ntested\n$/);
  });
}

test('README.md: the scripts that it names are there', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const named = [...readme.matchAll(/npm (?:run )?(test(?::long)?|demo|build|bench)\b/g)];
  expect(named.length).toBeGreaterThan(2);
  for (const [, name] of named) expect(Object.keys(scripts)).toContain(name);
});

describe('examples/demo', () => {
  const demo = join(root, 'examples/demo');

  mountTest('works, says what fails on purpose, and ends with 0', () => {
    const [program, words] = behindWrap([demo]);
    const ended = runFuselage(caller(undefined, { program }), words);
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    expect(ended.stdout).toContain('Read-only file system');
    expect(ended.stdout.match(/\(exit status \d+\)/g)).toHaveLength(2);
  });

  mountTest('ends with 1 where no run works', () => {
    const who = caller(undefined, { program: compiled('refused') });
    const ended = runFuselage(who, ['seccomp', 'unshare=EPERM', demo]);
    expect(ended.status).toBe(1);
    expect(ended.stderr).toContain('[ERR_USERNS_DENIED]');
    expect(ended.stdout).toContain('fuselage cannot run here');
    expect(ended.stdout).toContain('ERR_USERNS_DENIED');
  });
});

describe('the examples of `fuselage help`', () => {
  const text = runFuselage(caller(), ['help']).stdout;
  const examples = commands(
    text
      .slice(text.indexOf('Examples:'))
      .split('\n')
      .map((line) => line.replace(/^ {2}/, '').replace(/ {4}see .*/, ''))
      .join('\n'),
  );

  test('are some', () => {
    expect(examples.length).toBeGreaterThan(1);
  });

  for (const line of examples) {
    mountTest(line, () => {
      expect(type(line)).toMatchObject({ status: 0, stderr: '' });
    });
  }
});
