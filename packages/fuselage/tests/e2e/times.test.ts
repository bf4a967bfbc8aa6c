/** Times of a zip that have no zone, in zones of the caller: never in that of the machine. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { mountTest, mountTestWith } from '../support/must-mount.js';
import { freshDirectory } from '../support/places.js';
import { caller, runFuselage } from '../support/run-fuselage.js';
import { writeZip } from '../support/zip-file.js';

/** As {@link writeZip} writes it, 2001-02-03 04:05:06, in UTC. */
const utc = Date.UTC(2001, 1, 3, 4, 5, 6) / 1000;

/** Zones by rule, which need no database, and those of the database where there is one. */
const zones: [string, number][] = [
  ['UTC0', 0],
  ['EST5EDT,M3.2.0,M11.1.0', 5],
  ['JST-9', -9],
  ['America/New_York', 5],
  ['Asia/Tokyo', -9],
];

const hasZone = (zone: string) => !zone.includes('/') || existsSync(`/usr/share/zoneinfo/${zone}`);

function packed(): [directory: string, zip: string] {
  const directory = freshDirectory();
  return [directory, writeZip(join(directory, 'a.zip'), [{ name: 'a', content: 'alpha' }])];
}

/** What `fuselage run` of a caller in `zone` makes of it: seconds, as stat(1) has them. */
function taken(zone: string, zip: string): string {
  const script = 'stat -c %Y "$FUSELAGE_STATIC/a/a"';
  const run = ['run', '-s', zip, '--', 'sh', '-c', script];
  return runFuselage({ ...caller(), environment: { TZ: zone } }, run).stdout;
}

describe.each(zones)('a time of MS-DOS where the caller has %s', (zone, hours) => {
  if (!hasZone(zone)) {
    test.skip(`(skipped: there is no time zone database with ${zone})`, () => {});
    return;
  }

  mountTest('is local time', () => {
    expect(taken(zone, packed()[1])).toBe(`${utc + hours * 3600}\n`);
  });

  mountTestWith('unzip')('is what unzip makes of it', () => {
    const [directory, zip] = packed();
    const script = `unzip -qo '${zip}' && stat -c %Y a`;
    const env = { ...process.env, TZ: zone };
    const unzipped = spawnSync('sh', ['-c', script], { cwd: directory, env });
    expect(unzipped.status).toBe(0);
    expect(taken(zone, zip)).toBe(unzipped.stdout.toString());
  });
});
