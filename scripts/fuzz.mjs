/**
 * Feeds the targets in fuzz/ with what a stranger might: each for some time, one after the other.
 *
 *     node scripts/fuzz.mjs [--seconds N] [TARGET…]
 *
 * Without a TARGET all of them, N is 20 unless given. What was found worth keeping stays in
 * fuzz/corpus, which the next run goes on from. The exit status is the number of targets that
 * failed; each says which file in fuzz/artifacts does it and how to repeat it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { canStart, runShown } from './command.mjs';
import { makeSeeds } from './fuzz/seeds.mjs';
import { host, ROOT } from './host.mjs';

const TARGETS = ['zip', 'squashfs', 'base64', 'elf', 'plan', 'list'];
/** Bytes of the longest input. */
const LONGEST = 64 << 10;
/** Seconds after which an input counts as one that hangs, and MiB as one that takes too much. */
const HANGS = 20;
const MEMORY = 1024;

/** The environment in which fuzz targets are built: unstable flags, and C code checked as well. */
function environment() {
  const env = { ...process.env, RUSTC_BOOTSTRAP: '1' };
  if (canStart(['clang', '--version'])) {
    const suffix = host().target.replaceAll('-', '_');
    env[`CC_${suffix}`] = 'clang';
    env[`CFLAGS_${suffix}`] = '-fsanitize=address,fuzzer-no-link';
  }
  return env;
}

async function fuzz(target, seconds, env) {
  const dictionary = join(ROOT, 'fuzz/dictionaries', `${target}.dict`);
  const options = [
    `-max_total_time=${seconds}`,
    `-max_len=${LONGEST}`,
    `-timeout=${HANGS}`,
    `-rss_limit_mb=${MEMORY}`,
    '-print_final_stats=1',
    ...(existsSync(dictionary) ? [`-dict=${dictionary}`] : []),
  ];
  const words = ['cargo', 'fuzz', 'run', '--target', host().target, target, '--', ...options];
  return (await runShown(words, { env })).ok;
}

async function main() {
  const { values, positionals } = parseArgs({
    options: { seconds: { type: 'string', default: '20' } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((target) => !TARGETS.includes(target));
  if (unknown.length > 0 || !/^[1-9]\d*$/.test(values.seconds)) {
    console.error(`fuzz: usage: fuzz.mjs [--seconds N] [${TARGETS.join('|')}]…`);
    process.exitCode = 100;
    return;
  }
  makeSeeds(join(ROOT, 'fuzz/corpus'));
  const env = environment();
  const failed = [];
  for (const target of positionals.length > 0 ? positionals : TARGETS) {
    if (!(await fuzz(target, values.seconds, env))) failed.push(target);
  }
  console.log(failed.length === 0 ? 'fuzz: nothing found' : `fuzz: failed: ${failed.join(' ')}`);
  process.exitCode = failed.length;
}

await main();
