/** Where codes are listed: every one stands in both. */
const TYPE = 'packages/fuselage/src/errors.ts';
const DOCS = 'docs/errors.md';

/** What may say a code: the sources, and not their tests. */
const SOURCE = /^(crates\/[^/]+\/src\/.*\.rs|packages\/fuselage\/(src\/.*\.[jt]s|bin\/fuselage))$/;

function codes(text, pattern) {
  return new Set([...text.matchAll(pattern)].map(([, code]) => code));
}

/**
 * The codes that are not the same in the sources, in the type and in the documentation, a sentence
 * each.
 *
 * @param {string[]} paths of all files
 * @param {(path: string) => string} read
 */
export function unequalCodes(paths, read) {
  const listed = codes(read(TYPE), /'(ERR_[A-Z_]+)'/g);
  const documented = codes(read(DOCS), /^\*\*(ERR_[A-Z_]+)\*\*/gm);
  const used = new Map();
  for (const path of paths.filter((path) => SOURCE.test(path) && path !== TYPE)) {
    for (const code of codes(read(path), /\b(ERR_[A-Z]+(?:_[A-Z]+)*)\b/g)) used.set(code, path);
  }
  const lacking = (set, where) => (code) => (set.has(code) ? [] : [`${code} is not in ${where}`]);
  return [
    ...[...used.keys()].flatMap((code) =>
      lacking(listed, TYPE)(code).map((broken) => `${broken}, and ${used.get(code)} has it`),
    ),
    ...[...listed].flatMap(lacking(documented, DOCS)),
    ...[...listed].flatMap(lacking(used, 'any source')),
    ...[...documented].flatMap(lacking(listed, TYPE)),
  ];
}
