/** What the settings of the cache mean, and what becomes of those that mean nothing. */
import { cacheLimits, cacheUse, otherCaches, writable } from '../../src/config/cache.js';
import { inputs } from '../support/given.js';

const set = (name: string, value: string) => inputs({ environment: { [name]: value } });

describe('what the cache is used for', () => {
  test.each([
    [undefined, '0', 'off'],
    [undefined, '1', 'all'],
    [undefined, 'static', 'static'],
    [undefined, '', 'unset'],
    [true, '0', 'all'],
    ['static', '0', 'static'],
    [false, '1', 'off'],
    [false, 'nonsense', 'off'],
  ] as const)('the option %p and FUSELAGE_CACHE=%s: %s', (option, value, use) => {
    expect(cacheUse(option, set('FUSELAGE_CACHE', value))).toBe(use);
  });

  test.each(['2', 'true', 'STATIC', ' 1'])('FUSELAGE_CACHE=%s is refused', (value) => {
    expect(() => cacheUse(undefined, set('FUSELAGE_CACHE', value))).toThrow(
      expect.objectContaining({
        code: 'ERR_USAGE',
        message: `\`FUSELAGE_CACHE\` is \`${value}\``,
        hints: ['it must be one of 0, 1, static'],
      }),
    );
  });

  test('an option of the library that is none is refused', () => {
    expect(() => cacheUse('dynamic' as never, inputs())).toThrow('`cache` is `dynamic`');
  });
});

describe('how dynamic trees are made writable', () => {
  test('as the option says, else the variable, else by the length', () => {
    expect(writable(undefined, inputs())).toBe('auto');
    expect(writable(undefined, set('FUSELAGE_WRITABLE', 'overlay'))).toBe('overlay');
    expect(writable('copy', set('FUSELAGE_WRITABLE', 'overlay'))).toBe('copy');
  });

  test('anything else is refused, with where it stands', () => {
    expect(() => writable('x', inputs())).toThrow('`--writable` is `x`');
    expect(() => writable(undefined, set('FUSELAGE_WRITABLE', 'y'))).toThrow(
      '`FUSELAGE_WRITABLE` is `y`',
    );
  });
});

describe('the maximal age', () => {
  test.each([
    ['0', 0],
    ['7', 7],
    ['0.5', 0.5],
    ['', 30],
  ])('%p', (value, maxAgeDays) => {
    const limits = cacheLimits(set('FUSELAGE_CACHE_MAX_AGE_DAYS', value));
    expect(limits).toEqual({ maxAgeDays, maxSize: null, notices: [] });
  });

  test.each(['-1', 'x', '1d', '1e3', 'Infinity', '9'.repeat(400), '.', ' 1'])(
    '%p is nonsense: said, and as ever',
    (value) => {
      const { maxAgeDays, notices } = cacheLimits(set('FUSELAGE_CACHE_MAX_AGE_DAYS', value));
      expect(maxAgeDays).toBe(30);
      expect(notices).toEqual([
        `FUSELAGE_CACHE_MAX_AGE_DAYS is \`${value}\`, which is no number of days: it counts as 30`,
      ]);
    },
  );
});

describe('the maximal size', () => {
  test('is a size', () => {
    expect(cacheLimits(set('FUSELAGE_CACHE_MAX_SIZE', '2G'))).toEqual({
      maxAgeDays: 30,
      maxSize: 2 * 1024 ** 3,
      notices: [],
    });
  });

  test.each(['0', '-1', 'x', '1.5G'])('%p is nonsense: said, and no limit', (value) => {
    const { maxSize, notices } = cacheLimits(set('FUSELAGE_CACHE_MAX_SIZE', value));
    expect(maxSize).toBe(null);
    expect(notices).toEqual([
      `FUSELAGE_CACHE_MAX_SIZE is \`${value}\`, which is no size: there is no limit`,
    ]);
  });
});

describe('further caches', () => {
  test('none, unless told', () => {
    expect(otherCaches(inputs())).toEqual({ paths: [], notices: [] });
    expect(otherCaches(set('FUSELAGE_CACHE_PATH', ''))).toEqual({ paths: [], notices: [] });
  });

  test('in their order; what is no absolute path is left out and said', () => {
    expect(otherCaches(set('FUSELAGE_CACHE_PATH', '/b:c/d::/a'))).toEqual({
      paths: ['/b', '/a'],
      notices: [
        'FUSELAGE_CACHE_PATH has `c/d`, which is no absolute path: it is ignored',
        'FUSELAGE_CACHE_PATH has an empty element, which is no absolute path: it is ignored',
      ],
    });
  });
});
