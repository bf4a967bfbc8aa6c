import { POLICY } from '../../src/config/policy.js';
import type { ArchiveFacts } from '../../src/native/index.js';
import type { MountPlan } from '../../src/native/plan-types.js';
import { gatherFacts } from '../../src/run/facts.js';
import { planRun } from '../../src/run/plan.js';
import { runRequest, type TreeOptions } from '../../src/run/request.js';
import { inputs, ROOT, squashfs, zip } from '../support/given.js';

const PROGRAM = { kind: 'command', index: 0, nearSubcommand: null } as const;

/** The plan of root, whose kernel can mount images. */
function planned(options: TreeOptions, archives: Record<string, ArchiveFacts>): MountPlan {
  const seen = inputs({ host: ROOT, archives });
  const request = runRequest(options, PROGRAM, seen);
  return planRun(request, gatherFacts(request, seen, POLICY), POLICY);
}

/** The plan of one static image. */
function ofImage(more: Partial<ArchiveFacts>): MountPlan {
  return planned({ static: ['a.sfs'] }, { 'a.sfs': { ...squashfs('1'), ...more } });
}

const kinds = ({ steps }: MountPlan) => steps.slice(3).map(({ step }) => step);

describe('an image', () => {
  test.each([
    [0, 5120],
    [4097, 4097 + 5120],
  ])('at %d of %d bytes is mounted where the kernel can, read-only by itself', (offset, length) => {
    const made = ofImage({ offset, length });
    const source = { path: 'a.sfs', identity: '1' };
    const image = { fileSystem: 'squashfs', offset, length: 5000 };
    const at = { procdir: 'static/a' };
    expect(made.steps.slice(3)).toEqual([{ step: 'image', id: 'tree-1', source, ...image, at }]);
    expect(made.reasons.at(-1)).toMatchObject({ strategy: 'mounted' });
  });

  test.each([{ length: 5119 }, { offset: 1, length: 5120 }])(
    'is extracted where a loop device would cut its end off: %j',
    (more) => {
      const made = ofImage(more);
      expect(kinds(made)).toEqual(['extract', 'readOnly']);
      expect(made.reasons.at(-1)?.why).toContain('would not show the last bytes');
    },
  );

  test('without bytes is left to who extracts it, and can say that it is damaged', () => {
    const made = ofImage({ imageLength: 0 });
    expect(kinds(made)).toEqual(['extract', 'readOnly']);
    expect(made.reasons.at(-1)?.why).toContain('has no bytes');
  });

  test('in base64 text is decoded and mounted, if it is seen that it is one', () => {
    const encoding = 'base64';
    const seen = ofImage({ encoding, length: 6700 });
    const source = { decoded: 'tree-1-decoded' };
    expect(seen.steps.slice(3)).toMatchObject([
      { step: 'decode' },
      { step: 'image', source, offset: 0, length: 5000 },
    ]);
    expect(seen.reasons.at(-1)).toMatchObject({ strategy: 'decoded, mounted' });
    for (const more of [{ format: null }, { imageLength: null }]) {
      expect(kinds(ofImage({ encoding, ...more }))).toEqual(['decode', 'extract', 'readOnly']);
    }
  });

  test('as a dynamic tree is a copy, also for root', () => {
    const made = planned({ dynamic: ['a.sfs'] }, { 'a.sfs': squashfs('1') });
    expect(kinds(made)).toEqual(['extract']);
  });

  test('is mounted before anything is extracted', () => {
    const archives = { 'a.sfs': squashfs('1'), 'b.zip': zip('2') };
    const made = planned({ dynamic: ['b.zip'], static: ['a.sfs'] }, archives);
    expect(made.steps.slice(-2).map(({ step }) => step)).toEqual(['image', 'extract']);
  });
});
