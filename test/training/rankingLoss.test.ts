import assert from 'node:assert/strict';
import fc from 'fast-check';
import { computeRankingLoss, squaredDistance } from '../../src/training/rankingLoss.ts';

const vector = (...values: number[]): Float64Array => Float64Array.from(values);

describe('computeRankingLoss', () => {
  // d2(q,p) = .2^2 + .6^2 = .4; d2(q,n) = .8, .08, 2; only n2 violates: .4 + .1 - .08 = .42
  const tuple = {
    query: vector(1, 0),
    positive: vector(0.8, 0.6),
    negatives: [vector(0.6, 0.8), vector(0.96, 0.28), vector(0, 1)],
  };

  it('reproduces the worked tuple', () => {
    const result = computeRankingLoss(tuple);
    assert.ok(Math.abs(result.loss - 0.42) < 1e-12);
    assert.deepEqual(result.violating, [false, true, false]);
    const close = (actual: Float64Array, expected: number[]): void => {
      expected.forEach((value, i) => {
        assert.ok(Math.abs(actual[i]! - value) < 1e-12, `${actual[i]} against ${value}`);
      });
    };
    close(result.queryGradient, [0.32, -0.64]); // 2 (n2 - p)
    close(result.positiveGradient, [-0.4, 1.2]); // 2 (p - q)
    close(result.negativeGradients[0]!, [0, 0]);
    close(result.negativeGradients[1]!, [0.08, -0.56]); // 2 (q - n2)
    close(result.negativeGradients[2]!, [0, 0]);
  });

  // The table tells the paper's margin (.1 on squared distances) from the two variants found in other trainers.
  for (const { positiveDistance: dp, negativeDistance: dn, violates } of [
    { positiveDistance: 0.5, negativeDistance: 0.58, violates: true },
    { positiveDistance: 0.5, negativeDistance: 0.6, violates: false }, // sqrt(.1) on plain distances says true
    { positiveDistance: 0.5, negativeDistance: 0.8, violates: false },
    { positiveDistance: 1, negativeDistance: 1.04, violates: true },
    { positiveDistance: 1, negativeDistance: 1.06, violates: false },
  ]) {
    it(`distances ${dp} and ${dn} ${violates ? 'violate' : 'do not violate'} the margin`, () => {
      const result = computeRankingLoss({ query: vector(0), positive: vector(dp), negatives: [vector(dn)] });
      assert.deepEqual(result.violating, [violates]);
    });
  }

  it('has the gradient of central differences', () => {
    const unit = fc.float64Array({ minLength: 4, maxLength: 4, min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(unit, unit, unit, unit, (query, positive, n1, n2) => {
        const at = (q: Float64Array): number => computeRankingLoss({ query: q, positive, negatives: [n1, n2] }).loss;
        const result = computeRankingLoss({ query, positive, negatives: [n1, n2] });
        const limit = squaredDistance(query, positive) + 0.1;
        fc.pre([n1, n2].every((n) => Math.abs(limit - squaredDistance(query, n)) > 1e-3)); // away from the hinge's corner
        for (let i = 0; i < query.length; i++) {
          const moved = (by: number): Float64Array => query.map((value, j) => (j === i ? value + by : value));
          const slope = (at(moved(1e-6)) - at(moved(-1e-6))) / 2e-6;
          assert.ok(Math.abs(slope - result.queryGradient[i]!) < 1e-6);
        }
      }),
    );
  });
});
