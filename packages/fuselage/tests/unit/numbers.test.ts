import { readJobs, readLimits, readSize } from '../../src/config/numbers.js';
import { LIMIT_NAMES, POLICY } from '../../src/config/policy.js';
import { parseSize } from '../../src/config/size.js';

test.each([
  ['1', 1],
  ['512M', 512 * 1024 ** 2],
  ['2g', 2 * 1024 ** 3],
  ['1T', 1024 ** 4],
  ['4K', 4096],
  ['0', null],
  ['', null],
  ['-1', null],
  ['1.5G', null],
  ['1MB', null],
  ['9007199254740993', null],
  ['50%', null],
])('the size %j is %j', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test('jobs are whole numbers from 1 on', () => {
  expect(readJobs('8', '--jobs')).toBe(8);
  expect(readJobs(2, '--jobs')).toBe(2);
  for (const wrong of ['0', '', ' 1', '1e2', '-1', '513', 'x', 1.5, Number.NaN]) {
    expect(() => readJobs(wrong, 'FUSELAGE_JOBS')).toThrow('`FUSELAGE_JOBS` is');
  }
});

test('a wrong size names where it came from', () => {
  expect(() => readSize('lots', 'FUSELAGE_TMPFS_SIZE')).toThrow('`FUSELAGE_TMPFS_SIZE` is `lots`');
});

test('limits have names', () => {
  expect(readLimits(['entries=5', 'bytes=1G', 'entries=6', 'name-length=8K'])).toEqual({
    entries: 6,
    bytes: 1024 ** 3,
    nameLength: 8192,
  });
  const all = LIMIT_NAMES.map((name) => `${name}=7`);
  expect(Object.keys(readLimits(all))).toEqual(Object.keys(POLICY.limits));
  for (const wrong of [
    'entries',
    'entries=',
    'files=3',
    'depth=0',
    'ratio=1T',
    'nameLength=9',
    '=1',
  ]) {
    expect(() => readLimits([wrong])).toThrow();
  }
});
