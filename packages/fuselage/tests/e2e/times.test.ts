/** Times of a zip that have no zone, in zones of the caller: never in that of the machine. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { mountTest } from '../support/must-mount.js';
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

mountTest('a time of MS-DOS is local time of the caller, as unzip has it', () => {
  const who = caller();
  const directory = freshDirectory();
  const zip = writeZip(join(directory, 'a.zip'), [{ name: 'a', content: 'alpha' }]);
  for (const [zone, hours] of zones) {
    if (zone.includes('/') && !existsSync(`/usr/share/zoneinfo/${zone}`)) continue;
    const environment = { TZ: zone };
    const script = 'stat -c %Y "$FUSELAGE_STATIC/a/a"';
    const run = ['run', '-s', zip, '--', 'sh', '-c', script];
    const ended = runFuselage({ ...who, environment }, run);
    expect([zone, ended.stdout]).toEqual([zone, `${utc + hours * 3600}\n`]);
    const env = { ...process.env, ...environment };
    const unzipped = spawnSync('sh', ['-c', `unzip -qo ${zip} && stat -c %Y a`], {
      cwd: directory,
      env,
    });
    // Where there is no unzip, there is nothing to compare with.
    if (unzipped.status === 0) expect(unzipped.stdout.toString()).toBe(ended.stdout);
  }
});
