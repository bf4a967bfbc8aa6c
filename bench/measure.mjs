/** Measuring commands against each other, in one run of hyperfine. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param {string[]} as the words before hyperfine, which runs as the ordinary user itself: what
 *   makes it one is then no part of what is measured
 * @param {string} directory where the raw results go, writable for that user
 * @param {string} name of the comparison
 * @param {Record<string, string>} commands by the names of the table
 * @param {{runs: number, warmup: number, failing?: boolean}} how `failing`: a command may fail
 * @returns {Record<string, number>} medians, in milliseconds
 */
export function medians(scene, name, commands, how) {
  const results = measured(scene, name, commands, how);
  return Object.fromEntries(results.map(({ command, median }) => [command, median * 1000]));
}

/**
 * The same, returning what hyperfine has written: of each command the median in seconds, and the
 * exit status of each run.
 */
export function measured({ as, results: directory }, name, commands, { runs, warmup, failing }) {
  const report = join(directory, `${name}.json`);
  const words = ['--shell=none', '--style=none', `--runs=${runs}`, `--warmup=${warmup}`];
  if (failing) words.push('--ignore-failure');
  const named = Object.entries(commands).flatMap(([label, command]) => [
    '--command-name',
    label,
    command,
  ]);
  const program = [...as, 'hyperfine'];
  execFileSync(program[0], [...program.slice(1), ...words, '--export-json', report, ...named], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return JSON.parse(readFileSync(report, 'utf8')).results;
}

/** One line of the table: our median over the peer's, and whether that is the aim. */
export function ratio(ours, peer, aim) {
  const value = ours / peer;
  return { value, line: `${value.toFixed(2)} (aim ≤ ${aim}${value <= aim ? '' : ', missed'})` };
}

/** Prints one comparison: the medians, and what they say. */
export function show(title, times, lines) {
  console.log(`\n${title}`);
  for (const [name, time] of Object.entries(times)) {
    console.log(`  ${time.toFixed(2).padStart(9)} ms  ${name}`);
  }
  for (const line of lines) console.log(`  ${line}`);
}
