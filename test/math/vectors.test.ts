/** @file Dot products, norms and the top k. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { topK } from '../../src/math/topK.ts';
import { argMax, dot, dotRow, l2Normalize, l2NormalizeRows, norm, squaredDistance } from '../../src/math/vectors.ts';

describe('vectors', () => {
  it('multiplies lengths that are no multiple of the unrolling', () => {
    for (const length of [0, 1, 3, 4, 5, 9]) {
      const a = Float64Array.from({ length }, (_unused, i) => i + 1);
      assert.equal(dot(a, a), (length * (length + 1) * (2 * length + 1)) / 6);
    }
    assert.equal(dotRow(Float32Array.of(9, 9, 9, 9, 9, 1, 2, 3, 4, 5), 1, Float32Array.of(1, 1, 1, 1, 2)), 20);
  });

  it('normalises to unit length and leaves zero at zero', () => {
    assert.deepEqual([...l2Normalize(Float64Array.of(3, 0, 4))], [0.6, 0, 0.8]);
    assert.deepEqual([...l2Normalize(new Float32Array(3))], [0, 0, 0]);
    assert.deepEqual([...l2NormalizeRows(Float64Array.of(3, 4, 0, 2), 2)], [0.6, 0.8, 0, 1]);
  });

  it('relates distance and dot product of unit vectors: |q - p|^2 = 2 - 2 q.p', () => {
    const component = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(component, component), { minLength: 2, maxLength: 40 }), (pairs) => {
        const q = l2Normalize(Float64Array.from(pairs, ([x]) => x));
        const p = l2Normalize(Float64Array.from(pairs, ([, y]) => y));
        fc.pre([q, p].every((v) => Math.abs(norm(v) - 1) < 1e-12)); // zero and denormal vectors are not brought to unit length
        assert.ok(Math.abs(squaredDistance(q, p) - (2 - 2 * dot(q, p))) < 1e-12);
      }),
    );
  });

  it('argMax takes the first of equals', () => {
    assert.equal(argMax([1, 3, 3, 2]), 1);
    assert.equal(argMax([]), -1);
  });
});

describe('topK', () => {
  it('agrees with sorting, ties by ascending index', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 60 }),
        fc.integer({ min: 0, max: 70 }),
        (v, k) => {
          const expected = v
            .map((value, index) => ({ index, value }))
            .sort((a, b) => b.value - a.value || a.index - b.index)
            .slice(0, k);
          assert.deepEqual(topK(v, k), expected);
        },
      ),
    );
  });

  it('never selects NaN, nor what the filter refuses', () => {
    assert.deepEqual(
      topK([Number.NaN, 2, 5, 4], 2, (index) => index !== 2).map(({ index }) => index),
      [3, 1],
    );
  });
});
