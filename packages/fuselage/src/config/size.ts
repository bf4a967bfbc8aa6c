const SIZE = /^([0-9]+)([KMGT]?)$/i;
const EXPONENTS: Record<string, number> = { '': 0, K: 1, M: 2, G: 3, T: 4 };

/**
 * Reads a size in bytes: a whole number, with K, M, G or T behind it for a power of 1024.
 *
 * @returns null when `text` is none, is 0, or is not exact as a number of JavaScript
 */
export function parseSize(text: string): number | null {
  const match = SIZE.exec(text);
  if (match === null) return null;
  const bytes = Number(match[1]) * 1024 ** (EXPONENTS[(match[2] ?? '').toUpperCase()] ?? 0);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null;
}

/** `bytes` for people: the largest unit in which it is at least 1, with one decimal. */
export function formatSize(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let size = bytes;
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return unit === 0 ? `${bytes} bytes` : `${size.toFixed(1)} ${units[unit]}`;
}
