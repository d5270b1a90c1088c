/** @file Calibration: the fit against a grid search, what it learns of easy, aliased and tiny maps, what it stores. */
import assert from 'node:assert/strict';
import { computeCalibration, type CalibrationQuery } from '../../src/localization/computeCalibration.ts';
import { fitScaling, type LogitSample } from '../../src/localization/fitLogit.ts';
import { isForeign, isOwnView } from '../../src/localization/leaveOneOut.ts';
import { DEFAULT_LOCALIZER_OPTIONS } from '../../src/localization/localizerOptions.ts';
import { createMapGeometry, pointOf } from '../../src/localization/MapGeometry.ts';
import {
  defaultCalibration,
  logEvidence,
  parseCalibration,
  placeProbability,
} from '../../src/localization/PlaceCalibration.ts';
import { createRandom } from '../../src/math/random.ts';
import { logit, sigmoid } from '../../src/math/statistics.ts';
import { placeAt, street, topologicalStreet } from './syntheticMap.ts';

const geometryOf = (places = street(100)): ReturnType<typeof createMapGeometry> =>
  createMapGeometry(places, DEFAULT_LOCALIZER_OPTIONS);

/** Retrievals on a street whose right and wrong answers have the given evidence. */
function retrievals(
  count: number,
  evidenceOf: (index: number) => { right: number; wrong: number },
): CalibrationQuery[] {
  const geometry = geometryOf();
  return Array.from({ length: count }, (_, index) => {
    const row = 10 + (index % 80);
    const { right, wrong } = evidenceOf(index);
    const far = ((row + 40) % 100) + 1;
    return {
      truth: pointOf(geometry, row),
      matches: [
        { place: row + 3, similarity: 0.5, evidence: right },
        { place: far, similarity: 0.5, evidence: wrong },
      ],
      impostors: [{ place: far, similarity: 0.4, evidence: wrong }],
    };
  });
}

describe('fitScaling', () => {
  const negativeLogPosterior = (samples: readonly LogitSample[], a: number, b: number): number =>
    samples.reduce((sum, s) => sum - s.weight * Math.log(sigmoid((s.isRight ? 1 : -1) * (a + b * s.logit))), 0) +
    0.5 * (a / 2) ** 2 +
    0.5 * ((b - 1) / 0.5) ** 2;

  it('finds the maximum that a grid search finds', () => {
    const random = createRandom(5);
    const samples = Array.from({ length: 200 }, () => {
      const x = 8 * random.next() - 4;
      return { logit: x, isRight: random.next() < sigmoid(0.7 * x - 1), weight: 1 };
    });
    const { offset, slope } = fitScaling(samples);
    const found = negativeLogPosterior(samples, offset, slope);
    for (let a = offset - 1; a <= offset + 1; a += 0.05) {
      for (let b = Math.max(0.31, slope - 0.5); b <= slope + 0.5; b += 0.05) {
        assert.ok(found <= negativeLogPosterior(samples, a, b) + 1e-9);
      }
    }
  });

  it('converges when nearly all confident answers are wrong, and refits the offset when the slope is held', () => {
    const wrong = Array.from({ length: 84 }, (_, i) => ({ logit: 2 + (i % 9), isRight: i < 3, weight: 1 }));
    const { offset, slope } = fitScaling(wrong);
    const found = negativeLogPosterior(wrong, offset, slope);
    assert.equal(slope, 0.3);
    for (let a = offset - 2; a <= offset + 2; a += 0.05) {
      assert.ok(found <= negativeLogPosterior(wrong, a, slope) + 1e-9);
    }
    assert.ok(wrong.every(({ logit: x }) => sigmoid(offset + slope * x) < 0.3));
  });

  it('leaves the logit as it is without samples, and stays finite with separable ones', () => {
    assert.deepEqual(fitScaling([]), { offset: 0, slope: 1 });
    const separable = [-3, -2, 2, 3].flatMap((x) =>
      Array.from({ length: 1000 }, () => ({ logit: x, isRight: x > 0, weight: 1 })),
    );
    const { offset, slope } = fitScaling(separable);
    assert.ok(Number.isFinite(offset) && slope >= 0.3 && slope <= 2);
    assert.deepEqual(fitScaling([{ logit: Number.NaN, isRight: true, weight: 1 }]), { offset: 0, slope: 1 });
  });
});

describe('computeCalibration', () => {
  it('turns clear retrievals into confidence and keeps an aliased map humble', () => {
    const clear = computeCalibration(
      geometryOf(),
      retrievals(200, (i) => ({ right: 60 + (i % 40), wrong: 12 })),
      'leave-one-out',
    );
    // Every third retrieval is won by an impostor whose evidence is as good as that of a right one.
    const aliased = computeCalibration(
      geometryOf(),
      retrievals(200, (i) => (i % 3 === 0 ? { right: 60, wrong: 75 } : { right: 75, wrong: 60 })),
      'leave-one-out',
    );
    const seen = {
      ...{ similarity: 0.5, otherSimilarity: 0.5, evidence: 75 },
      ...{ otherEvidence: 60, otherLogEvidence: logEvidence(60) },
    };
    const clearView = { ...seen, otherEvidence: 12, otherLogEvidence: logEvidence(12) };
    assert.ok(placeProbability(clear, clearView) > 0.98);
    assert.ok(placeProbability(aliased, seen) < 0.75, `${placeProbability(aliased, seen)}`);
    assert.equal(clear.samples.right, 200);
    assert.equal(aliased.samples.right, 133);
    assert.equal(aliased.expectedRecall['5'], 1); // the right place is always among the two candidates
  });

  it('measures the position error with neighbours there, as a live image has them, and never below that of a gap', () => {
    const geometry = geometryOf();
    const at = (offset: number): CalibrationQuery[] =>
      retrievals(60, () => ({ right: 60, wrong: 12 })).map((query) => {
        const row = Math.round(query.truth.x / 5);
        return { ...query, nearMatches: [{ place: row + 1 + offset, similarity: 0.8, evidence: 90 }] };
      });
    const errorOf = (queries: CalibrationQuery[]): number =>
      computeCalibration(geometry, queries, 'leave-one-out').positionErrorSpacings;
    const gap = 1 / Math.sqrt(12); // the standard deviation of anywhere between two places
    assert.ok(errorOf(at(0)) > gap && errorOf(at(0)) < 1.1 * gap); // the answer is the very place
    // Two places off is 10 m: the 95 % ellipse, 2.45 sigma, has to reach that far.
    const needed = 2 / Math.sqrt(5.991);
    assert.ok(errorOf(at(2)) >= needed && errorOf(at(2)) < 1.2 * needed, `${errorOf(at(2))} of ${needed}`);
    // Without them the neighbours that were left out stand in.
    assert.ok(errorOf(retrievals(60, () => ({ right: 60, wrong: 12 }))) > gap);
  });

  it('never claims more certainty than its samples allow', () => {
    const few = computeCalibration(
      geometryOf(),
      retrievals(20, () => ({ right: 200, wrong: 5 })),
      'queries',
    );
    const seen = {
      ...{ similarity: 0.9, otherSimilarity: 0.1, evidence: 300 },
      ...{ otherEvidence: 1, otherLogEvidence: logEvidence(1) },
    };
    assert.ok(placeProbability(few, seen) <= 1 - 1 / 42);
  });

  it('says so and stays cautious when the map is too small or too sparse', () => {
    const calibration = computeCalibration(
      geometryOf(),
      retrievals(7, () => ({ right: 60, wrong: 12 })),
      'leave-one-out',
    );
    assert.equal(calibration.method, 'default');
    assert.match(calibration.warning!, /^7 images/);
    const sparse = geometryOf(Array.from({ length: 50 }, (_, i) => placeAt(i + 1, 1000 * i, 0)));
    const lonely = Array.from({ length: 50 }, (_, row) => ({
      truth: pointOf(sparse, row),
      matches: [],
      impostors: [],
    }));
    assert.equal(computeCalibration(sparse, lonely, 'leave-one-out').samples.retrievals, 0);
  });

  it('survives the JSON of the map manifest, and refuses what is none', () => {
    const calibration = computeCalibration(
      geometryOf(),
      retrievals(60, () => ({ right: 60, wrong: 12 })),
      'leave-one-out',
    );
    assert.deepEqual(parseCalibration(JSON.parse(JSON.stringify(calibration))), calibration);
    for (const stored of [null, {}, { ...calibration, format: 2 }]) assert.equal(parseCalibration(stored), null);
  });

  it('is monotone: more evidence never means less probability', () => {
    const calibration = defaultCalibration();
    let last = 0;
    for (let evidence = 0; evidence <= 300; evidence += 5) {
      const p = placeProbability(calibration, {
        ...{ similarity: 0.5, otherSimilarity: 0.4, evidence },
        ...{ otherEvidence: 20, otherLogEvidence: logEvidence(15) },
      });
      assert.ok(p >= last);
      last = p;
    }
    assert.ok(Math.abs(sigmoid(logit(0.3)) - 0.3) < 1e-12);
  });
});

describe('evidence in another light', () => {
  it('is compared with what the image gives elsewhere: when all of it halves, the probability stays', () => {
    const seen = (light: number): number =>
      placeProbability(defaultCalibration(), {
        ...{ similarity: 0.5, otherSimilarity: 0.45, evidence: 120 * light },
        ...{ otherEvidence: 60 * light, otherLogEvidence: logEvidence(40 * light) },
      });
    assert.ok(seen(1) > 0.8 && seen(1) < 0.95, `${seen(1)}`);
    assert.ok(Math.abs(seen(1) - seen(0.5)) < 0.03, `${seen(1)} by day, ${seen(0.5)} at dusk`);
  });
});

describe('leave-one-out', () => {
  it('leaves out the panorama and the neighbours of the pass, and calls only distant places foreign', () => {
    const drive = geometryOf(topologicalStreet(100));
    assert.deepEqual(
      [40, 41, 42].map((row) => isOwnView(drive, 40, row)),
      [true, true, false],
    );
    assert.ok(!isForeign(drive, pointOf(drive, 40), 55) && isForeign(drive, pointOf(drive, 40), 56));
    const panoramas = geometryOf(
      street(40).flatMap((place, i) => [
        { ...place, id: 2 * i },
        { ...place, id: 2 * i + 1 },
      ]),
    );
    assert.deepEqual(
      [4, 5, 6].map((row) => isOwnView(panoramas, 4, row)),
      [true, true, false],
    );
  });
});
