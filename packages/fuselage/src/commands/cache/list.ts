import { Option } from 'clipanion';

import { cacheHome } from '../../cache/home.js';
import { agoText, json, sizeText, table, timeJson } from '../../cache/report.js';
import type { CacheListing } from '../../native/index.js';
import type { Answer } from '../../native/plan-types.js';
import { printable } from '../../printable.js';
import { BaseCommand } from '../base-command.js';

/** `fuselage cache list [--json]` */
export class CacheListCommand extends BaseCommand {
  static override paths = [['cache', 'list']];

  json = Option.Boolean('--json', false);

  override answer(): Answer {
    const { inputs, print } = this.context;
    const listing = inputs.cacheListing(cacheHome(inputs).home);
    print(this.json ? listJson(listing) : listText(listing));
    return { answer: 'done', exitCode: 0 };
  }
}

/** The listing for programs; its keys are documented and stay. */
export function listJson(listing: CacheListing): string {
  const entries = byUse(listing).map((entry) => ({
    name: entry.name,
    digest: entry.digest,
    kind: entry.kind,
    source: entry.source,
    archiveFormat: entry.archiveFormat,
    archiveBytes: entry.archiveBytes,
    bytes: entry.bytes,
    entries: entry.entries,
    created: timeJson(entry.created * 1000),
    lastUse: timeJson(entry.lastUse),
    inUse: entry.inUse,
    state: entry.state,
    why: entry.why,
    synced: entry.synced,
  }));
  return json({ path: listing.path, entries, sight: listing.sight, unseen: listing.why });
}

const HEADINGS = ['archive', 'kind', 'size', 'entries', 'last use', 'in use', 'state', 'name'];
const NUMBERS = [2, 3];

/** The listing for people, what was used last first. */
export function listText(listing: CacheListing): string {
  const { entries, now, path, why } = listing;
  if (entries.length === 0) return `There is nothing in the cache ${printable(path)}.\n`;
  const rows = byUse(listing).map((entry) => [
    entry.source,
    entry.kind,
    sizeText(entry.bytes),
    String(entry.entries),
    agoText(entry.lastUse, now),
    entry.inUse,
    entry.state,
    entry.name,
  ]);
  const reasons = byUse(listing).flatMap(({ name, state, why }) =>
    why === null ? [] : [`${printable(name)} is ${state}: ${printable(why)}\n`],
  );
  const unseen = why === null ? [] : [`In use is not known for certain: ${printable(why)}.\n`];
  const notes = [...reasons, ...unseen];
  const end = notes.length === 0 ? '' : `\n${notes.join('')}`;
  return table(HEADINGS, rows, NUMBERS) + end;
}

function byUse({ entries }: CacheListing) {
  return [...entries].sort((a, b) => b.lastUse - a.lastUse || (a.name < b.name ? -1 : 1));
}
