/** @file k-means: recovers separated groups, never gets worse, survives degenerate input. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { kmeans } from '../../src/math/kmeans.ts';
import { createRandom } from '../../src/math/random.ts';

const GROUPS = [
  [0, 0],
  [10, 0],
  [0, 10],
] as const;

/** 40 points around each of three corners, standard deviation 0.5. */
function createBlobs(seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from(
    Array.from({ length: 120 }, (_unused, i) =>
      GROUPS[i % 3]!.map((coordinate) => coordinate + 0.5 * random.normal()),
    ).flat(),
  );
}

describe('kmeans', () => {
  it('finds well separated groups and their means', () => {
    const { centres, assignment, inertia } = kmeans(createBlobs(1), 2, { clusters: 3, random: createRandom(2) });
    for (const [x, y] of GROUPS) {
      const distances = [0, 1, 2].map((k) => Math.hypot(centres[2 * k]! - x, centres[2 * k + 1]! - y));
      assert.ok(Math.min(...distances) < 0.3, `no centre near (${x}, ${y})`);
    }
    for (let i = 3; i < 120; i++) assert.equal(assignment[i], assignment[i % 3]);
    assert.ok(Math.abs(inertia - 0.5) < 0.1, `inertia ${inertia}: two coordinates of variance 0.25`);
  });

  it('is repeatable', () => {
    const run = (): Float64Array => kmeans(createBlobs(4), 2, { clusters: 5, random: createRandom(9) }).centres;
    assert.deepEqual(run(), run());
  });

  it('ends at a fixed point: every centre is the mean of its points', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 8 }), (seed, clusters) => {
        const points = createBlobs(seed);
        const options = { clusters, random: createRandom(seed), tolerance: 0, maxIterations: 500 };
        const { centres, assignment } = kmeans(points, 2, options);
        for (let k = 0; k < clusters; k++) {
          const members = [...assignment.keys()].filter((i) => assignment[i] === k);
          assert.ok(members.length > 0);
          const meanX = members.reduce((sum, i) => sum + points[2 * i]!, 0) / members.length;
          assert.ok(Math.abs(meanX - centres[2 * k]!) < 1e-9);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('accepts fewer distinct points than clusters and refuses none at all', () => {
    const { centres, inertia } = kmeans(Float64Array.of(1, 1, 1, 1), 2, { clusters: 3, random: createRandom(0) });
    assert.deepEqual([...centres], [1, 1, 1, 1, 1, 1]);
    assert.equal(inertia, 0);
    assert.throws(() => kmeans(new Float64Array(0), 2, { clusters: 3, random: createRandom(0) }), RangeError);
  });
});
