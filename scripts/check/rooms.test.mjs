import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrongImports } from './rooms.mjs';

const broken = (path, text) => wrongImports([`packages/fuselage/src/${path}`], () => text);

test('a room imports from earlier rooms, itself and files beside the rooms', () => {
  for (const [path, to] of [
    ['cli/cli.ts', '../commands/run.js'],
    ['commands/run.ts', '../run/plan.js'],
    ['commands/run.ts', './base-command.js'],
    ['run/plan.ts', '../errors.js'],
    ['index.ts', './run/plan.js'],
  ]) {
    assert.deepEqual(broken(path, `import { x } from '${to}';`), [], `${path} ${to}`);
  }
});

test('and from no later one', () => {
  for (const [path, to] of [
    ['commands/run.ts', '../cli/cli.js'],
    ['run/plan.ts', '../host/capabilities.js'],
    ['native/load.ts', '../run/plan.js'],
    ['index.ts', './commands/run.js'],
    ['unheard-of/x.ts', '../errors.js'],
  ]) {
    assert.equal(broken(path, `import { x } from '${to}';`).length, 1, `${path} ${to}`);
  }
});

test('an import of any form is seen', () => {
  for (const text of [
    "import { x } from '../cli/cli.js';",
    "export * from '../cli/cli.js';",
    "import '../cli/cli.js';",
    "const { x } = await import('../cli/cli.js');",
    "const x = await import(\n  '../cli/cli.js'\n);",
    "type X = import('../cli/cli.js').X;",
    "const { x } = require('../cli/cli.js');",
  ]) {
    assert.equal(broken('run/plan.ts', text).length, 1, text);
    assert.deepEqual(broken('cli/bin.ts', text), [], text);
  }
});
