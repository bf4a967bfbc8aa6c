import { Option } from 'clipanion';

import { cacheHome } from '../../cache/home.js';
import { agoText, counted, json, sizeText, timeJson } from '../../cache/report.js';
import { type CacheLimits, cacheLimits, otherCaches } from '../../config/cache.js';
import type { CacheListing } from '../../native/index.js';
import type { Answer } from '../../native/plan-types.js';
import { printable } from '../../printable.js';
import { BaseCommand } from '../base-command.js';

/** `fuselage cache info [--json]` */
export class CacheInfoCommand extends BaseCommand {
  static override paths = [['cache', 'info']];

  json = Option.Boolean('--json', false);

  override answer(): Answer {
    const { inputs, print } = this.context;
    const { notices, ...limits } = cacheLimits(inputs);
    const info = {
      listing: inputs.cacheListing(cacheHome(inputs).home),
      limits,
      others: otherCaches(inputs).paths,
      notices,
    };
    print(this.json ? infoJson(info) : infoText(info));
    return { answer: 'done', exitCode: 0 };
  }
}

/** What is told about a cache. */
export interface CacheInfo {
  listing: CacheListing;
  /** Those in force. */
  limits: CacheLimits;
  /** Second caches, in the order in which they are looked at. */
  others: readonly string[];
  /** Settings that make no sense, a sentence each. */
  notices: readonly string[];
}

function totals({ entries, leavings }: CacheListing) {
  return {
    entries: entries.length,
    bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0),
    inUse: entries.filter(({ inUse }) => inUse === 'yes').length,
    trash: leavings.filter(({ kind }) => kind === 'trash').length,
    leavings: leavings.filter(({ kind }) => kind !== 'trash').length,
  };
}

/** The report for programs; its keys are documented and stay. */
export function infoJson({ listing, limits, others, notices }: CacheInfo): string {
  return json({
    path: listing.path,
    ...totals(listing),
    limits: { maxAgeDays: limits.maxAgeDays, maxSize: limits.maxSize },
    others,
    lastPrune: timeJson(listing.lastPrune),
    sight: listing.sight,
    unseen: listing.why,
    notices,
  });
}

/** The report for people. */
export function infoText({ listing, limits, others, notices }: CacheInfo): string {
  const { entries, bytes, inUse, trash, leavings } = totals(listing);
  const { maxAgeDays, maxSize } = limits;
  const lines: [string, string][] = [
    ['place', listing.path],
    ['entries', `${entries}, of which ${inUse} in use`],
    ['size', sizeText(bytes)],
    ['evicted', `${trash}, not deleted yet`],
    ['leavings', String(leavings)],
    ['maximal age', maxAgeDays === 0 ? 'none' : counted(maxAgeDays, 'day')],
    ['maximal size', maxSize === null ? 'none' : sizeText(maxSize)],
    ...(others.length === 0 ? ['none'] : others).map((path): [string, string] => [
      'second cache',
      path,
    ]),
    ['last prune', listing.lastPrune === null ? 'never' : agoText(listing.lastPrune, listing.now)],
    ...(listing.why === null
      ? []
      : [['in use', `not certain: ${listing.why}`] as [string, string]]),
    ...notices.map((notice): [string, string] => ['note', notice]),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}\n`).join('');
}
