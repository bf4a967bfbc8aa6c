/** Numbers and tables of a cache, for people and for programs. */
import { readable } from '../bytes.js';
import { printable } from '../printable.js';

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'];

/** `bytes` in the largest unit of which there is one whole: `1.5 MiB`. */
export function sizeText(bytes: number): string {
  let unit = 'B';
  let left = bytes;
  for (const next of UNITS) {
    // What would be shown as 1024.0 is one of the next unit.
    if (left < 1023.95) break;
    left /= 1024;
    unit = next;
  }
  return `${unit === 'B' ? left : left.toFixed(1)} ${unit}`;
}

const MINUTE = 60_000;
const AGES = [
  { name: 'day', milliseconds: 24 * 60 * MINUTE },
  { name: 'hour', milliseconds: 60 * MINUTE },
  { name: 'minute', milliseconds: MINUTE },
];

/** How long ago `time` was, both in milliseconds since the epoch; the future is now. */
export function agoText(time: number, now: number): string {
  for (const { name, milliseconds } of AGES) {
    const count = Math.floor((now - time) / milliseconds);
    if (count >= 1) return `${counted(count, name)} ago`;
  }
  return 'just now';
}

/** `1 entry`, `2 entries`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A time as ISO 8601 has it, in UTC; null where it is none. */
export function timeJson(milliseconds: number | null): string | null {
  if (milliseconds === null) return null;
  const time = new Date(milliseconds);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

/** JSON for programs: well formed whatever bytes a name has. */
export function json(value: unknown): string {
  const clean = (_key: string, part: unknown) => (typeof part === 'string' ? readable(part) : part);
  return `${JSON.stringify(value, clean, 2)}\n`;
}

/** Columns under their headings, two spaces between them; numbers of `right` end in one line. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[],
): string {
  const clean = [headings, ...rows].map((row) => row.map(printable));
  const widths = headings.map((_, column) =>
    Math.max(...clean.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return `${clean.map(line).join('\n')}\n`;
}
