/** The report of cargo nextest, which is JUnit's XML (https://nexte.st/docs/machine-readable/junit). */
import { skipReason } from './tally.mjs';

const ENTITIES = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function unescaped(text) {
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (decimal) return String.fromCodePoint(Number.parseInt(decimal, 10));
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    return ENTITIES[name] ?? whole;
  });
}

/**
 * @param {string} xml
 * @returns {import('./tally.mjs').Tally}
 */
export function readJunit(xml) {
  const tally = { passed: 0, failed: 0, skipped: [] };
  // What a test wrote is escaped, so that no `<` of it is taken for a tag.
  for (const [, attributes, body = ''] of xml.matchAll(
    /<testcase\b((?:\s+[\w:.-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    const attribute = (name) =>
      unescaped(new RegExp(`\\s${name}="([^"]*)"`).exec(attributes)?.[1] ?? '');
    const why = skipReason(unescaped(body.replaceAll(/<[^>]*>/g, '\n')));
    if (/<(?:failure|error)\b/.test(body)) tally.failed += 1;
    else if (why === null) tally.passed += 1;
    else tally.skipped.push({ name: `${attribute('classname')} ${attribute('name')}`, why });
  }
  return tally;
}
