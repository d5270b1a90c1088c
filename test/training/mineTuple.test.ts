import assert from 'node:assert/strict';
import { mineTuple } from '../../src/training/mineTuple.ts';

/** Unit vectors at these angles; the query is at 0. */
const ANGLES_DEG = [10, 25, 40, 20, 24, 26, 30, 33, 90, 180];
const table = {
  dimension: 2,
  data: Float32Array.from(
    ANGLES_DEG.flatMap((deg) => [Math.cos((deg * Math.PI) / 180), Math.sin((deg * Math.PI) / 180)]),
  ),
};
const query = Float32Array.of(1, 0);
const options = { margin: 0.1, negativesPerQuery: 3, remembered: 4 };
const request = { query, positives: [1, 2], candidates: [9, 3, 4, 8, 5, 6, 7, 3] };

describe('mineTuple', () => {
  it('takes the nearest positive and the nearest violating negatives, and remembers the nearest candidates', () => {
    const mined = mineTuple(table, request, options);
    assert.ok(mined !== null);
    assert.equal(mined.positive, 1); // 25 degrees: 2 - 2 cos 25 = .18738
    assert.ok(Math.abs(mined.positiveDistance - 0.18738443) < 1e-6);
    assert.deepEqual(mined.negatives, [3, 4, 5]); // 20, 24, 26 degrees; 30 violates too, but three are the most
    assert.equal(mined.violating, 4); // 33 degrees (.3227) does not violate; on plain distances it would
    assert.deepEqual(mined.remembered, [3, 4, 5, 6]);
  });

  it('skips a query without potential positives', () => {
    assert.equal(mineTuple(table, { ...request, positives: [] }, options), null);
  });

  it('gives no negatives when none violates', () => {
    const mined = mineTuple(table, { query, positives: [0], candidates: [8, 9] }, options);
    assert.ok(mined !== null);
    assert.deepEqual(mined.negatives, []);
    assert.deepEqual(mined.remembered, [8, 9]);
  });
});
