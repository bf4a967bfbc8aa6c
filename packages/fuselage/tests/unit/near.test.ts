import { editDistance, nearest } from '../../src/run/near.js';

test.each([
  ['run', 'run', 0],
  ['runn', 'run', 1],
  ['urn', 'run', 1],
  ['doctro', 'doctor', 1],
  ['', 'run', 3],
  ['kitten', 'sitting', 3],
])('from %j to %j it is %d', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
  expect(editDistance(b, a)).toBe(distance);
});

test.each([
  ['docter', 'doctor'],
  ['runn', 'run'],
  ['hlep', 'help'],
  ['make', null],
  ['rm', null],
  ['x'.repeat(1000), null],
])('%j is perhaps %j', (word, near) => {
  expect(nearest(word, ['run', 'doctor', 'help'])).toBe(near);
});
