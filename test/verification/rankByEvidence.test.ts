/** @file Order of candidates by evidence and similarity. */
import assert from 'node:assert/strict';
import { rankByEvidence } from '../../src/verification/rankByEvidence.ts';

const names = (candidates: readonly { readonly name: string }[]): string =>
  candidates.map(({ name }) => name).join(' ');

describe('rankByEvidence', () => {
  it('adds the weight of similarity, rescaled among the verified, to the evidence', () => {
    const candidates = [
      { name: 'a', similarity: 0.9, evidence: 10 }, // 10 + 12 * 1 = 22
      { name: 'b', similarity: 0.6, evidence: 25 }, // 25 + 12 * 0 = 25
      { name: 'c', similarity: 0.75, evidence: 14 }, // 14 + 12 * 0.5 = 20
    ];
    assert.equal(names(rankByEvidence(candidates, 12)), 'b a c');
    assert.equal(names(rankByEvidence(candidates, 0)), 'b c a');
    assert.equal(names(rankByEvidence(candidates, 100)), 'a c b');
    assert.equal(names(candidates), 'a b c', 'the input stays as it was');
  });

  it('puts what is not verified behind, as it came', () => {
    const candidates = [
      { name: 'a', similarity: 0.9, evidence: NaN },
      { name: 'b', similarity: 0.8, evidence: 0 },
      { name: 'c', similarity: 0.7, evidence: NaN },
      { name: 'd', similarity: 0.6, evidence: 50 },
    ];
    assert.equal(names(rankByEvidence(candidates)), 'd b a c');
  });

  it('keeps the order of equals and of nothing verified', () => {
    const same = ['a', 'b', 'c'].map((name) => ({ name, similarity: 0.5, evidence: 3 }));
    assert.equal(names(rankByEvidence(same)), 'a b c');
    const unverified = ['a', 'b', 'c'].map((name) => ({ name, similarity: 0.5, evidence: NaN }));
    assert.equal(names(rankByEvidence(unverified)), 'a b c');
    assert.deepEqual(rankByEvidence([]), []);
  });
});
