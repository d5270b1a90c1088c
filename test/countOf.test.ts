/** @file Numbers of things, in words. */
import assert from 'node:assert/strict';
import { countOf } from '../src/countOf.ts';

describe('countOf', () => {
  const cases: readonly [string, string][] = [
    [countOf(0, 'place'), '0 places'],
    [countOf(1, 'place'), '1 place'],
    [countOf(2, 'place'), '2 places'],
    [countOf(1, 'query', 'queries'), '1 query'],
    [countOf(3, 'query', 'queries'), '3 queries'],
  ];
  for (const [said, expected] of cases) it(expected, () => { assert.equal(said, expected); }); // prettier-ignore
});
