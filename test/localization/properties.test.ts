/** @file What holds for every input, however absurd: no throw, no NaN, probabilities sum to 1, geometry moves nothing else. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isPositiveDefinite, rotateCovariance2, planarBlock } from '../../src/geo/covariance.ts';
import { planarPose } from '../../src/geo/poseAlgebra.ts';
import type { Pose } from '../../src/geo/Pose.ts';
import { createLocalizer } from '../../src/localization/createLocalizer.ts';
import type { CandidateMatch, Decision, Observation } from '../../src/localization/Localizer.ts';
import type { MapPlace } from '../../src/localization/MapPlace.ts';
import { createRandom, type Random } from '../../src/math/random.ts';
import { clearView, observe, placeAt, street } from './syntheticMap.ts';

/** Numbers that break things, among ordinary ones. */
const NASTY = [0, -0, 1, -1, 0.5, 1e-300, 1e300, -1e300, 2 ** 53, NaN, Infinity, -Infinity, 6_378_137, 180, -180, 90];

function nasty(random: Random): number {
  return random.next() < 0.3 ? NASTY[random.int(NASTY.length)]! : 50 * random.normal();
}

function nastyPose(random: Random): Pose {
  const kind = random.int(5);
  if (kind === 0) return planarPose(nasty(random), nasty(random), nasty(random));
  if (kind === 1) return { ...planarPose(random.int(3), 0, 0), qx: NaN, qy: NaN, qz: NaN, qw: NaN };
  return planarPose(5 * random.int(20), 5 * random.int(3), random.int(4));
}

/** Empty, one place, duplicates, zero spacing, half without positions, several sequences, the ends of the earth. */
function nastyMap(random: Random): MapPlace[] {
  const count = [0, 1, 2, 5, 30, 60][random.int(6)]!;
  const kind = random.int(4);
  return Array.from({ length: count }, (_, index) => ({
    ...placeAt(index + 1, 0, 0),
    stampNs: random.next() < 0.5 ? BigInt(random.int(5)) : null,
    sequence: [null, 'a', 'b'][random.int(3)]!,
    frame: random.next() < 0.5 ? random.int(9) : null,
    geo: { latDeg: nasty(random), lonDeg: nasty(random), altM: NaN },
    pose: kind === 0 || (kind === 1 && random.next() < 0.5) ? null : nastyPose(random),
    positionSigmaM: random.next() < 0.5 ? null : nasty(random),
  }));
}

function nastyObservation(random: Random, stampNs: bigint): Observation {
  const matches: CandidateMatch[] = Array.from({ length: random.int(12) }, () => ({
    place: random.int(70) - 3,
    similarity: random.next() < 0.2 ? nasty(random) : random.int(4) / 4,
    evidence: random.next() < 0.3 ? nasty(random) : 20 * random.int(8),
  }));
  const fixCovariance = [nasty(random), nasty(random), nasty(random), nasty(random)] as const;
  return {
    stampNs,
    matches,
    odometry: random.next() < 0.5 ? null : { stampNs, pose: nastyPose(random) },
    fix:
      random.next() < 0.7
        ? null
        : {
            ...{ stampNs, x: nasty(random), y: nasty(random) },
            covariance: random.next() < 0.5 ? [9, 0, 0, 9] : fixCovariance,
          },
  };
}

function assertSound(decision: Decision): void {
  const { confidence, hypotheses } = decision;
  assert.ok(confidence >= 0 && confidence <= 1, `confidence ${confidence}`);
  assert.ok(decision.reason.length > 0 && !decision.reason.includes('NaN'), decision.reason);
  let sum = 0;
  hypotheses.forEach((hypothesis, rank) => {
    assert.equal(hypothesis.rank, rank);
    assert.ok(hypothesis.probability >= 0 && hypothesis.probability <= 1 + 1e-9);
    sum += hypothesis.probability;
    if (hypothesis.pose === null) return;
    assert.ok(Object.values(hypothesis.pose).every(Number.isFinite), JSON.stringify(hypothesis.pose));
    assert.ok(isPositiveDefinite(hypothesis.covariance!, 6));
  });
  assert.ok(sum <= 1 + 1e-6, `probabilities sum to ${sum}`);
}

describe('Localizer, for any input', () => {
  it('does not throw and gives no NaN on 100,000 random and adversarial observations', function () {
    this.timeout(240_000);
    const random = createRandom(2026);
    const maps = 500;
    for (let map = 0; map < maps; map++) {
      const localizer = createLocalizer({
        places: nastyMap(random),
        calibration: null,
        options: { sequence: random.next() < 0.8 },
      });
      let stampNs = 0n;
      for (let frame = 0; frame < 100_000 / maps; frame++) {
        stampNs += BigInt([0, 100_000_000, -300_000_000, 3_000_000_000, 90_000_000_000][random.int(5)]!);
        assertSound(localizer.process(nastyObservation(random, stampNs)));
      }
    }
  });

  it('moves with the map: translation and rotation change the pose and nothing else', () => {
    const visits = [20, 21, 22, 23, 60, 61];
    const decide = (places: MapPlace[]): Decision[] => {
      const localizer = createLocalizer({ places, calibration: null });
      return visits.map((at, frame) => localizer.process(observe(frame, clearView(at))));
    };
    const original = decide(street(100));
    const real = fc.double({ min: -1000, max: 1000, noNaN: true });
    fc.assert(
      fc.property(real, real, fc.double({ min: -3, max: 3, noNaN: true }), (dx, dy, yaw) => {
        const [c, s] = [Math.cos(yaw), Math.sin(yaw)];
        const moved = street(100).map((place) =>
          placeAt(place.id, dx + c * place.pose!.x, dy + s * place.pose!.x, yaw),
        );
        decide(moved).forEach((decision, frame) => {
          const before = original[frame]!;
          assert.equal(decision.state, before.state);
          assert.equal(decision.hypotheses[0]!.place, before.hypotheses[0]!.place);
          assert.ok(Math.abs(decision.confidence - before.confidence) < 1e-6);
          const [was, is] = [before.hypotheses[0]!, decision.hypotheses[0]!];
          assert.ok(Math.hypot(is.pose!.x - (dx + c * was.pose!.x), is.pose!.y - (dy + s * was.pose!.x)) < 1e-6);
          const expected = rotateCovariance2(planarBlock(was.covariance!), yaw);
          assert.ok(Math.abs(planarBlock(is.covariance!).xy - expected.xy) < 1e-6);
        });
      }),
      { numRuns: 30 },
    );
  });

  it('does not care about the order of equal matches', () => {
    const equal = [12, 40, 41, 70].map((place) => ({ place, similarity: 0.6, evidence: 60 }));
    const decide = (matches: readonly CandidateMatch[]): unknown => {
      const localizer = createLocalizer({ places: street(100), calibration: null });
      return [0, 1, 2].map((frame) => localizer.process(observe(frame, matches)));
    };
    const expected = decide(equal);
    fc.assert(
      fc.property(fc.shuffledSubarray(equal, { minLength: equal.length }), (shuffled) => {
        assert.deepEqual(decide(shuffled), expected);
      }),
    );
  });

  it('gives the same answer to the same drive', () => {
    const run = (): unknown => {
      const random = createRandom(3);
      const localizer = createLocalizer({ places: street(60), calibration: null });
      return Array.from({ length: 50 }, (_, frame) =>
        localizer.process(nastyObservation(random, BigInt(frame) * 10n ** 8n)),
      );
    };
    assert.deepEqual(run(), run());
  });
});
