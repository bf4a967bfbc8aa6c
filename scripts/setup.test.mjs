import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ROOT } from './host.mjs';

const skip = process.getuid() !== 0 && 'only root can hide a library and become another user';

// The other user need not be able to enter the clone.
const place = mkdtempSync(join(tmpdir(), 'fuselage-setup-'));
after(() => rmSync(place, { recursive: true }));
chmodSync(place, 0o755);
mkdirSync(join(place, 'scripts'));
copyFileSync(join(ROOT, 'scripts/setup'), join(place, 'scripts/setup'));

/** Hides libclang in a mount namespace of its own; ld.so.cache lists what is installed. */
const HIDDEN = `
mount --make-rprivate /
for file in $(find /usr/lib* /usr/local/lib -name 'libclang*.so*') /etc/ld.so.cache; do
  ! [ -e "$file" ] || mount --bind /dev/null "$file"
done
exec "$@"`;

/** How `scripts/setup --debian-only` ends for an ordinary user. */
function setUp({ hidden = false, words = [] } = {}) {
  const asUser = ['setpriv', '--reuid=12345', '--regid=12345', '--clear-groups', 'env', 'HOME=/'];
  const start = ['sh', join(place, 'scripts/setup'), '--debian-only', ...words];
  const hide = hidden ? ['unshare', '--mount', 'sh', '-c', HIDDEN, 'hide'] : [];
  const [program, ...rest] = [...hide, ...asUser, ...start];
  const env = { PATH: process.env.PATH };
  return spawnSync(program, rest, { cwd: place, env, encoding: 'utf8' });
}

test('an ordinary user gets the command that brings what is missing', { skip }, () => {
  const { status, stdout, stderr } = setUp({ hidden: true });
  assert.equal(status, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^setup: missing: libclang1 \(libclang\.so, /m);
  const command = 'apt-get update && apt-get install -y --no-install-recommends libclang1';
  assert.match(stderr, new RegExp(`^setup: {3}type: (sudo sh|su) -c '${command}'$`, 'm'));
});

test('it is silent where nothing is missing', { skip }, () => {
  const { status, stdout, stderr } = setUp();
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});

test('a purpose that it does not know is refused', { skip }, () => {
  const { status, stderr } = setUp({ words: ['tests'] });
  assert.equal(status, 1);
  assert.match(stderr, /unknown word tests .*\bbench\b/);
});
