/** Where the private directory goes, by what the home is. */
import { FuselageError } from '../../src/errors.js';
import type { HomeFacts } from '../../src/native/index.js';
import type { FallbackFact, RunFacts } from '../../src/run/facts.js';
import { ROOT, USER } from '../support/given.js';
import { FALLBACK, facts, plan, request } from '../support/planning.js';

describe('the home', () => {
  const home = (state: HomeFacts['state'], owner: number | null = null) => ({
    path: '/h',
    isTold: false,
    state,
    owner,
    why: 'the reason',
  });

  test.each(['usable', 'creatable'] as const)('%s: the private directory is there', (state) => {
    const made = plan(request(), facts({ home: home(state) }));
    expect(made.home).toBe('/h');
    expect(made.steps[0]).toEqual({ step: 'procdir', id: 'procdir', on: 'home', size: null });
  });

  test('unusable: a mirror of what is above /run/fuselage', () => {
    const made = plan(request(), facts({ home: home('unusable') }));
    expect(made.home).toBeNull();
    expect(made.steps.slice(0, 2)).toEqual([
      {
        step: 'mountPoint',
        id: 'fallback',
        path: '/run/fuselage',
        how: { way: 'mirror', ancestor: '/run' },
      },
      { step: 'procdir', id: 'procdir', on: { mountPoint: 'fallback' }, size: null },
    ]);
    expect(made.reasons[1]).toEqual({
      subject: 'home',
      strategy: 'not used',
      why: 'the reason',
      at: '/h',
    });
  });

  test('unusable, and /run/fuselage is there: on it', () => {
    const fallback: FallbackFact = { ...FALLBACK, kind: 'directory' };
    const made = plan(request(), facts({ home: home('unusable'), fallback }));
    expect(made.steps[0]).toMatchObject({ how: { way: 'directory' } });
  });

  test('unusable, and /run/fuselage may be made: it is', () => {
    const fallback: FallbackFact = { ...FALLBACK, creatable: true };
    const made = plan(request(), facts({ host: ROOT, home: home('unusable'), fallback }));
    expect(made.steps[0]).toMatchObject({ path: '/run/fuselage', how: { way: 'directory' } });
    expect(made.reasons[2]).toMatchObject({ strategy: 'on a directory that is made' });
  });

  test('one’s own whose mode keeps its owner out: an error with the fix', () => {
    const planned = () => plan(request(), facts({ home: home('lockedOut') }));
    expect(planned).toThrow('the home `/h` cannot be used');
    expect(planned).toThrow(
      expect.objectContaining({
        code: 'ERR_HOME_UNUSABLE',
        causes: ['the reason'],
        hints: ['give yourself all rights to it: chmod 0700 /h'],
      }),
    );
  });

  test('unusable, and /run/fuselage is a file: an error', () => {
    const fallback: FallbackFact = { ...FALLBACK, kind: 'file' };
    expect(() => plan(request(), facts({ home: home('unusable'), fallback }))).toThrow(
      'no place for the trees',
    );
  });

  test('unusable, and /run/fuselage cannot be relied on: the error that tells why', () => {
    const refused = new FuselageError('ERR_HOME_OWNER', 'cannot use it', {
      hints: ['h'],
    }).toReport();
    const fallback: FallbackFact = { ...FALLBACK, kind: 'directory', refused };
    const planned = (home: RunFacts['home']) => plan(request(), facts({ home, fallback }));
    expect(() => planned(home('unusable'))).toThrow(
      expect.objectContaining({ code: 'ERR_HOME_OWNER', message: 'cannot use it' }),
    );
    expect(planned(home('usable')).home).toBe('/h');
  });

  test("somebody else's: an error for a user", () => {
    expect(() => plan(request(), facts({ home: home('foreign', 7) }))).toThrow(
      'the home `/h` belongs to uid 7, you are uid 1000',
    );
  });

  test("somebody else's: root reads and writes nothing there", () => {
    const made = plan(request(), facts({ host: ROOT, home: home('foreign', 7) }));
    expect(made.home).toBeNull();
    expect(made.reasons[1]?.why).toContain('nothing is read or written there');
    expect(made.steps[0]?.step).toBe('mountPoint');
  });
});

describe('the home that FUSELAGE_HOME names', () => {
  const told = (state: HomeFacts['state'], owner: number | null = null) => ({
    path: '/h',
    isTold: true,
    state,
    owner,
    why: 'the reason',
  });

  test.each(['usable', 'creatable'] as const)('%s: is used', (state) => {
    expect(plan(request(), facts({ home: told(state) })).home).toBe('/h');
  });

  test('unusable: an error, and nothing takes its place', () => {
    for (const host of [USER, ROOT]) {
      const planned = () => plan(request(), facts({ host, home: told('unusable') }));
      expect(planned).toThrow(
        expect.objectContaining({
          code: 'ERR_HOME_UNUSABLE',
          message: 'the home `/h` cannot be used',
          causes: ['the reason', 'FUSELAGE_HOME names it, so nothing takes its place'],
        }),
      );
    }
  });

  test('that nobody can be told to own: the refusal that says why, and no word of the home', () => {
    const refused = new FuselageError('ERR_USERNS_DENIED', 'cannot make one', {
      causes: ['the ids have no mapping'],
      hints: ['map them'],
    }).toReport();
    const host = { ...USER, refused };
    for (const home of [told('foreign', 7), told('usable')]) {
      expect(() => plan(request(), facts({ host, home }))).toThrow(
        expect.objectContaining({ code: 'ERR_USERNS_DENIED', causes: refused.causes }),
      );
    }
    // Of a group without a mapping alone, real files know nothing.
    const allowed = request([], { extract: 'allow' });
    expect(plan(allowed, facts({ host, home: told('usable') })).otherwise).not.toBe(null);
    expect(() => plan(allowed, facts({ host, home: told('foreign', 7) }))).toThrow(
      expect.objectContaining({ code: 'ERR_USERNS_DENIED' }),
    );
  });

  test("somebody else's: an error for root, too", () => {
    for (const host of [USER, ROOT]) {
      const planned = () => plan(request(), facts({ host, home: told('foreign', 7) }));
      expect(planned).toThrow(
        expect.objectContaining({
          code: 'ERR_HOME_OWNER',
          hints: ['set FUSELAGE_HOME to a directory of your own, or unset it'],
        }),
      );
    }
  });
});
