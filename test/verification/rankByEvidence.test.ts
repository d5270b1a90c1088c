/** @file Order of candidates by evidence and by the similarity that sets them apart. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dot } from '../../src/math/vectors.ts';
import { createRandom } from '../../src/math/random.ts';
import { mean } from '../../src/math/statistics.ts';
import { computeDistinctSimilarities, rankByEvidence } from '../../src/verification/rankByEvidence.ts';

interface Named {
  readonly name: string;
  readonly similarity: number;
  readonly evidence: number;
}

const names = (candidates: readonly Named[]): string => candidates.map(({ name }) => name).join(' ');

/** Candidate `a` looks along the first axis, `b` along the second, ...: none resembles another. */
const apart = ({ name }: Named): Float32Array => {
  const descriptor = new Float32Array(4);
  descriptor['abcd'.indexOf(name)] = 1;
  return descriptor;
};

describe('rankByEvidence', () => {
  it('adds the weight of similarity, rescaled among the verified, to the evidence', () => {
    const candidates = [
      { name: 'a', similarity: 0.9, evidence: 10 }, // 10 + 12 * 1 = 22
      { name: 'b', similarity: 0.6, evidence: 25 }, // 25 + 12 * 0 = 25
      { name: 'c', similarity: 0.75, evidence: 14 }, // 14 + 12 * 0.5 = 20
    ];
    const ranked = (similarity: number): string =>
      names(rankByEvidence(candidates, apart, { similarity, commonness: 0.5 }));
    assert.equal(ranked(12), 'b a c');
    assert.equal(ranked(0), 'b c a');
    assert.equal(ranked(100), 'a c b');
    assert.equal(names(candidates), 'a b c', 'the input stays as it was');
  });

  it('counts the similarity of a place that resembles all others for less', () => {
    const candidates = [
      { name: 'a', similarity: 0.62, evidence: 10 },
      { name: 'b', similarity: 0.6, evidence: 10 },
      { name: 'c', similarity: 0.4, evidence: 10 },
    ];
    // a lies between b and c: it resembles each by 0.6 and 0.8, which do not resemble each other.
    const descriptors = { a: [0.6, 0.8], b: [1, 0], c: [0, 1] };
    const descriptorOf = ({ name }: Named): Float32Array => Float32Array.from(descriptors[name as 'a' | 'b' | 'c']);
    const ranked = (commonness: number): string =>
      names(rankByEvidence(candidates, descriptorOf, { similarity: 12, commonness }));
    assert.equal(ranked(0), 'a b c');
    // They resemble the query as much as each other (0.54 against 0.47 in the mean), so half of it is taken off:
    // a 0.62 - 0.5 * 0.7 = 0.27, b 0.6 - 0.5 * 0.3 = 0.45, c 0.4 - 0.5 * 0.4 = 0.2.
    assert.equal(ranked(0.5), 'b a c');
  });

  it('takes off less where the query resembles the candidates less than they do each other', () => {
    const cluster = [
      Float32Array.of(0.8, 0.6),
      Float32Array.of(0.8, -0.6),
      Float32Array.of(1, 0),
      Float32Array.of(-1, 0),
    ];
    // Mean resemblance: 0.0933 twice (0.28 + 0.8 - 0.8), 0.2 (0.8 + 0.8 - 1), -0.8667; the sum is not positive.
    assert.deepEqual(computeDistinctSimilarities([0.2, 0.2, 0.3, 0.1], cluster, 0.5), [0.2, 0.2, 0.3, 0.1]);
    // Without the fourth: 0.54, 0.54 and 0.8; a sum of 1.88 against 0.94, so a quarter of it is taken off.
    const distinct = computeDistinctSimilarities([0.3, 0.24, 0.4], cluster.slice(0, 3), 0.5);
    for (const [at, expected] of [0.165, 0.105, 0.2].entries()) assert.ok(Math.abs(distinct[at]! - expected) < 1e-6);
  });

  it('puts what is not verified behind, as it came, and asks nothing of it', () => {
    const candidates = [
      { name: 'a', similarity: 0.9, evidence: NaN },
      { name: 'b', similarity: 0.8, evidence: 0 },
      { name: 'c', similarity: 0.7, evidence: NaN },
      { name: 'd', similarity: 0.6, evidence: 50 },
    ];
    const asked: string[] = [];
    const ranked = rankByEvidence(candidates, (candidate) => {
      asked.push(candidate.name);
      return apart(candidate);
    });
    assert.equal(names(ranked), 'd b a c');
    assert.deepEqual(asked, ['b', 'd']);
  });

  it('keeps the order of equals and of nothing verified', () => {
    const same = ['a', 'b', 'c'].map((name) => ({ name, similarity: 0.5, evidence: 3 }));
    assert.equal(names(rankByEvidence(same, apart)), 'a b c');
    const unverified = same.map((candidate) => ({ ...candidate, evidence: NaN }));
    assert.equal(names(rankByEvidence(unverified, apart)), 'a b c');
    assert.deepEqual(rankByEvidence([], apart), []);
  });

  it('does not magnify rounding: copies of one image keep their order', () => {
    const random = createRandom(3);
    const numbers = Float32Array.from({ length: 960 }, () => random.normal() / Math.sqrt(960));
    const copies = ['a', 'b', 'c', 'd'].map((name, at) => ({ name, similarity: 0.5 + at * 1e-8, evidence: 3 }));
    assert.equal(names(rankByEvidence(copies, () => numbers)), 'a b c d');
  });
});

describe('computeDistinctSimilarities', () => {
  it('takes off the share of the mean dot product with all the others', () => {
    const vector = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 });
    const candidate = fc.record({ vector, similarity: fc.double({ min: 0, max: 1, noNaN: true }) });
    fc.assert(
      fc.property(fc.array(candidate, { minLength: 2, maxLength: 8 }), (candidates) => {
        const descriptors = candidates.map((one) => Float32Array.from(one.vector));
        const resemblance = descriptors.map((one, at) =>
          mean(descriptors.filter((_, other) => other !== at).map((other) => dot(one, other))),
        );
        const similarities = candidates.map(({ similarity }) => similarity);
        const level = mean(resemblance) > 0 ? Math.min(1, mean(similarities) / mean(resemblance)) : 0;
        for (const [at, value] of computeDistinctSimilarities(similarities, descriptors, 0.5).entries()) {
          assert.ok(Math.abs(value - (similarities[at]! - 0.5 * level * resemblance[at]!)) < 1e-9);
        }
      }),
    );
  });

  it('leaves similarities as they are where candidates have nothing in common, or are alone', () => {
    const [east, west, north] = [Float32Array.of(1, 0), Float32Array.of(-1, 0), Float32Array.of(0, 1)];
    assert.deepEqual(computeDistinctSimilarities([0.5], [east], 0.5), [0.5]);
    assert.deepEqual(computeDistinctSimilarities([0.5, 0.2], [east, north], 0.5), [0.5, 0.2]);
    assert.deepEqual(computeDistinctSimilarities([0.5, 0.2], [east, west], 0.5), [0.5, 0.2]);
    assert.deepEqual(computeDistinctSimilarities([], [], 0.5), []);
  });
});
