/** `entry.js` in the hands of programs that are no usable node. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformSync } from 'esbuild';

const ENTRY = join(__dirname, '../../src/entry.js');

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'fuselage-entry-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

function answer(versions: Record<string, string>): { answer: string; reason: string } {
  const pretend = join(directory, 'pretend.js');
  const value = JSON.stringify(versions);
  writeFileSync(pretend, `Object.defineProperty(process, 'versions', { value: ${value} });`);
  const { output, status } = spawnSync(process.execPath, ['--require', pretend, ENTRY], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  expect(status).toBe(0);
  const frame = output[3] as unknown as Buffer;
  expect(frame.readUInt32LE()).toBe(frame.length - 4);
  return JSON.parse(frame.subarray(4).toString());
}

test.each([
  [{ node: '0.12.18' }, 'it is Node.js 0.12.18, and fuselage needs 20.17 or newer'],
  [{ node: '18.20.8' }, 'it is Node.js 18.20.8, and fuselage needs 20.17 or newer'],
  [{ node: '20.16.0' }, 'it is Node.js 20.16.0, and fuselage needs 20.17 or newer'],
  [{ node: '22.6.0', bun: '1.3.0' }, 'it is Bun 1.3.0, not Node.js'],
  [{ node: '22.6.0', electron: '33.0.0' }, 'it is Electron 33.0.0, not Node.js'],
  [{ node: '20.11.1', deno: '2.0.0' }, 'it is Deno 2.0.0, not Node.js'],
])('%j is unsuitable', (versions, reason) => {
  expect(answer(versions)).toEqual({ answer: 'unsuitable', reason });
});

test.each(['20.17.0', '20.20.2', '22.0.0', '100.0.0'])('%s goes on', (node) => {
  const pretend = join(directory, 'pretend.js');
  const value = JSON.stringify({ node });
  writeFileSync(pretend, `Object.defineProperty(process, 'versions', { value: ${value} });`);
  const { stderr } = spawnSync(process.execPath, ['--require', pretend, ENTRY], {
    encoding: 'utf8',
  });
  // Beside the source there is no bundle: that it is looked for is the proof.
  expect(stderr).toContain("Cannot find module './cli.cjs'");
});

test('the oldest node that is accepted is the one of package.json', () => {
  const { engines } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8'));
  expect(engines.node).toBe('>=20.17');
});

describe('for every node there ever was', () => {
  /** What is newer, and nothing to translate: esbuild prints it away. */
  const printedAway = /,\s*\)|\d_\d/;

  /** Whether it is ES5: esbuild finds nothing to translate in it. */
  function isES5(text: string): boolean {
    const translated = (target: string) => transformSync(text, { target, logLevel: 'silent' }).code;
    try {
      return translated('es5') === translated('esnext') && !printedAway.test(text);
    } catch {
      return false;
    }
  }

  test('it is ES5', () => {
    expect(isES5(readFileSync(ENTRY, 'utf8'))).toBe(true);
  });

  test.each([
    'let a = 1;',
    'const a = 1;',
    'f(() => 1);',
    'f(`a`);',
    'f({ a });',
    'f({ a() {} });',
    'f({ [a]: 1 });',
    'f(...a);',
    'function f(a = 1) {}',
    'for (var a of b) f(a);',
    'class A {}',
    'async function f() {}',
    'try { f(); } catch {}',
    'f(a?.b);',
    'f(a ?? b);',
    'f(a ** b);',
    'f(1n);',
    'f(1_000);',
    'f(a,);',
  ])('%s is not', (text) => {
    expect(isES5(text)).toBe(false);
  });
});
