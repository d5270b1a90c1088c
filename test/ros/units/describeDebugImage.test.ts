/** @file The captions of the debug image. */
import assert from 'node:assert/strict';
import type { CandidateMatch, Decision, PoseHypothesis } from '../../../src/localization/Localizer.ts';
import { describeDebugImage } from '../../../src/ros/describeDebugImage.ts';

function hypothesis(rank: number, place: number, similarity: number, probability: number): PoseHypothesis {
  const rest = { pose: null, covariance: null, geo: null, databaseStampNs: null };
  return { ...{ rank, place, image: `${place}.jpg`, similarity, evidence: NaN, probability }, ...rest };
}

function lost(hypotheses: readonly PoseHypothesis[]): Decision {
  return { ...{ state: 'lost', stampNs: 5n, confidence: 0.234, reason: 'too little' }, hypotheses };
}

describe('describeDebugImage', () => {
  it('names place, probability and similarity, and no similarity where the image itself did not call the place up', () => {
    const { title, shown } = describeDebugImage(
      lost([hypothesis(0, 46, 0.6261, 0.23), hypothesis(1, 48, NaN, 0.02)]),
      [],
    );
    assert.equal(title, 'lost 23 %');
    assert.deepEqual(
      shown.map(({ caption }) => caption),
      ['#46 23 % (0.63)', '#48 2 %'],
    );
  });

  it('shows what was retrieved where there is no hypothesis, at most four', () => {
    const matches = [9, 8, 7, 6, 5].map((place): CandidateMatch => ({
      ...{ place, image: `${place}.jpg` },
      similarity: place / 10,
      evidence: NaN,
    }));
    const { shown } = describeDebugImage(lost([]), matches);
    assert.deepEqual(
      shown.map(({ caption }) => caption),
      ['#9 (0.90)', '#8 (0.80)', '#7 (0.70)', '#6 (0.60)'],
    );
  });
});
