/** @file Eigen decomposition, PCA and whitening against worked values and identities. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  computePca,
  computePcaDual,
  computePcaOfCovariance,
  createCovarianceAccumulator,
  project,
  toWhitening,
} from '../../src/math/pca.ts';
import { createRandom } from '../../src/math/random.ts';
import { symmetricEigen } from '../../src/math/symmetricEigen.ts';
import { dot, l2Normalize } from '../../src/math/vectors.ts';

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `[${i}]: ${actual[i]} is not ${expected[i]}`);
  }
}

function randomSymmetric(n: number, seed: number): Float64Array {
  const random = createRandom(seed);
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) a[i * n + j] = a[j * n + i] = random.normal();
  return a;
}

describe('symmetricEigen', () => {
  it('solves a matrix whose values are known: the second difference of length n has 2 - 2 cos(i pi / (n + 1))', () => {
    const n = 30;
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      a[i * n + i] = 2;
      if (i + 1 < n) a[i * n + i + 1] = a[(i + 1) * n + i] = -1;
    }
    const expected = Array.from({ length: n }, (_unused, i) => 2 - 2 * Math.cos(((n - i) * Math.PI) / (n + 1)));
    assertClose(symmetricEigen(a, n).values, expected, 1e-13);
  });

  it('solves matrices of low rank: fewer samples than dimensions leave rounding errors on the diagonal', () => {
    const [n, rank] = [150, 30];
    const random = createRandom(1);
    const a = new Float64Array(n * n);
    for (let sample = 0; sample < rank; sample++) {
      const x = Float64Array.from({ length: n }, () => random.normal() * Math.exp(-3 * random.next()));
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) a[i * n + j]! += (x[i]! * x[j]!) / (rank * n);
    }
    const { values, vectors } = symmetricEigen(a, n);
    assert.ok(values[rank - 1]! > 1e-4 * values[0]!);
    assertClose(values.subarray(rank), new Float64Array(n - rank), 1e-15);
    const rebuilt = new Float64Array(n * n);
    for (let k = 0; k < rank; k++) {
      const v = vectors.subarray(k * n, (k + 1) * n);
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) rebuilt[i * n + j]! += values[k]! * v[i]! * v[j]!;
    }
    assertClose(rebuilt, a, 1e-15);
  });

  it('gives orthonormal vectors with A v = lambda v, values descending', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(), (n, seed) => {
        const a = randomSymmetric(n, seed);
        const { values, vectors } = symmetricEigen(a, n);
        for (let i = 0; i < n; i++) {
          const v = vectors.subarray(i * n, (i + 1) * n);
          const image = Float64Array.from({ length: n }, (_unused, r) => dot(a.subarray(r * n, (r + 1) * n), v));
          assertClose(
            image,
            v.map((x) => x * values[i]!),
            1e-11 * n,
          );
          if (i > 0) assert.ok(values[i - 1]! >= values[i]!);
          for (let j = 0; j <= i; j++) {
            const product = dot(v, vectors.subarray(j * n, (j + 1) * n));
            assert.ok(Math.abs(product - (i === j ? 1 : 0)) < 1e-11 * n);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('handles repeated, zero and missing values, and refuses NaN', () => {
    assertClose(symmetricEigen(Float64Array.of(3, 0, 0, 0, 3, 0, 0, 0, 3), 3).values, [3, 3, 3], 0);
    assertClose(symmetricEigen(new Float64Array(16), 4).values, [0, 0, 0, 0], 0);
    assertClose(symmetricEigen(new Float64Array(25).fill(1), 5).values, [5, 0, 0, 0, 0], 1e-14);
    assert.throws(() => symmetricEigen(Float64Array.of(Number.NaN), 1), /NaN/);
  });
});

/** Five points and what an independent float64 computation found for them. */
const Y = Float64Array.of(2, 0, 1, 0, 1, 0, 1, 1, 3, 3, 2, 2, 4, 0, -1);
const VALUES = [3.4377125074277854, 1.8340521210940288, 0.4282353714781856];
const DIRECTIONS = [
  [-0.6444980243635707, 0.2562088429345346, 0.7204021969661121],
  [0.7645236881850006, 0.22976158312777673, 0.6022567103176366],
  [-0.01121725436362142, 0.9389178045605295, -0.34395861594642035],
].flat();
const QUERY = Float64Array.of(1, 2, 0);

describe('PCA', () => {
  it('reproduces mean, values and directions of the worked example, primal and dual', () => {
    for (const pca of [computePca(Y, 3), computePcaDual(Y, 3)]) {
      assertClose(pca.mean, [2, 0.8, 1], 1e-15);
      assertClose(pca.values, VALUES, 1e-14);
      assertClose(pca.directions, DIRECTIONS, 1e-13);
    }
  });

  it('whitens the query of the worked example; truncation before and after L2 agree', () => {
    const pca = computePca(Y, 3);
    const white = project(toWhitening(pca, 3, 0.5), QUERY, false);
    assertClose(white, [0.12488300170489677, -0.8056480941558025, 2.264492871379351], 1e-13);
    assertClose(project(toWhitening(pca, 2, 0.5), QUERY), [0.15317999441622093, -0.9881983046487414], 1e-14);
    assertClose(l2Normalize(l2Normalize(white).slice(0, 2)), [0.1531799944162209, -0.9881983046487413], 1e-14);
    assertClose(project(toWhitening(pca, 2, 0), QUERY, false), [0.23154643891890014, -1.091066498749305], 1e-14);
  });

  it('whitened data has unit covariance, half-whitened data the square roots of the values', () => {
    const pca = computePca(Y, 3);
    for (const [power, expected] of [
      [0.5, [1, 1, 1]],
      [0.25, VALUES.map(Math.sqrt)],
    ] as const) {
      const projection = toWhitening(pca, 3, power);
      const accumulator = createCovarianceAccumulator(3);
      for (let i = 0; i < 15; i += 3) accumulator.add(project(projection, Y.subarray(i, i + 3), false));
      const covariance = accumulator.covariance();
      assertClose(
        [0, 1, 2].map((i) => covariance[i * 4]!),
        expected,
        1e-8,
      );
      assertClose([covariance[1]!, covariance[2]!, covariance[5]!], [0, 0, 0], 1e-8);
    }
  });

  it('accumulates the same statistics in any blocks', () => {
    const blocks = createCovarianceAccumulator(3);
    for (const [from, to] of [
      [0, 6],
      [6, 6],
      [6, 15],
    ] as const) {
      blocks.add(Y.subarray(from, to));
    }
    assert.equal(blocks.count, 5);
    assertClose(computePcaOfCovariance(blocks).values, VALUES, 1e-14);
    assert.throws(() => createCovarianceAccumulator(3).covariance(), RangeError);
  });

  it('refuses more dimensions than the data spans', () => {
    const fewer = computePcaDual(Y.subarray(0, 6), 3); // two points span one direction
    assert.equal(fewer.values.length, 1);
    assert.throws(() => toWhitening(fewer, 2, 0.5), /1 to 1/);
  });
});
