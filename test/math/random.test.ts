/** @file The seeded generator: repeatable, unbiased, independent forks. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createRandom } from '../../src/math/random.ts';

const draw = (seed: number, count: number): number[] => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => random.next());
};

describe('createRandom', () => {
  it('gives the same numbers for the same seed and others for another', () => {
    assert.deepEqual(draw(7, 5), draw(7, 5));
    assert.notDeepEqual(draw(7, 5), draw(8, 5));
  });

  it('follows xoshiro128** from a SplitMix32-seeded state', () => {
    // An independent evaluation with BigInt arithmetic of the published recurrences.
    const mask = (1n << 32n) - 1n;
    let state = 0n;
    const split = (): bigint => {
      state = (state + 0x9e3779b9n) & mask;
      let z = state;
      z = ((z ^ (z >> 16n)) * 0x85ebca6bn) & mask;
      z = ((z ^ (z >> 13n)) * 0xc2b2ae35n) & mask;
      return z ^ (z >> 16n);
    };
    const s = [split(), split(), split(), split()] as [bigint, bigint, bigint, bigint];
    const rotate = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (32n - k))) & mask;
    const expected = Array.from({ length: 20 }, () => {
      const result = (rotate((s[1] * 5n) & mask, 7n) * 9n) & mask;
      const t = (s[1] << 9n) & mask;
      s[2] ^= s[0];
      s[3] ^= s[1];
      s[1] ^= s[2];
      s[0] ^= s[3];
      s[2] ^= t;
      s[3] = rotate(s[3], 11n);
      return Number(result) / 2 ** 32;
    });
    assert.deepEqual(draw(0, 20), expected);
  });

  it('has the moments of its distributions', () => {
    const random = createRandom(3);
    const n = 20_000;
    const normals = Array.from({ length: n }, () => random.normal());
    const mean = normals.reduce((a, b) => a + b) / n;
    const variance = normals.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
    assert.ok(Math.abs(mean) < 4 / Math.sqrt(n), `mean ${mean}`);
    assert.ok(Math.abs(variance - 1) < 0.05, `variance ${variance}`);
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 12_000; i++) counts[random.int(6)]!++;
    for (const count of counts) assert.ok(Math.abs(count - 2000) < 5 * Math.sqrt(2000), String(counts));
  });

  it('samples distinct integers of the range', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.nat(80), fc.nat(), (n, count, seed) => {
        const sample = createRandom(seed).sample(n, count);
        assert.equal(sample.length, Math.min(n, count));
        assert.equal(new Set(sample).size, sample.length);
        assert.ok(sample.every((i) => Number.isInteger(i) && i >= 0 && i < n));
      }),
    );
  });

  it('shuffles into a permutation', () => {
    const items = Array.from({ length: 50 }, (_unused, i) => i);
    const shuffled = createRandom(1).shuffle([...items]);
    assert.notDeepEqual(shuffled, items);
    assert.deepEqual(
      [...shuffled].sort((a, b) => a - b),
      items,
    );
  });

  it('forks by name, whatever was drawn before', () => {
    const early = createRandom(5);
    const late = createRandom(5);
    late.next();
    assert.equal(early.fork('kmeans').next(), late.fork('kmeans').next());
    assert.notEqual(early.fork('kmeans').next(), early.fork('images').next());
  });
});
