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
