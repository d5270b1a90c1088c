/** @file Loop closures: a second lap is found, look-alikes and what is still in sight are not, each with its reason. */
import assert from 'node:assert/strict';
import { isPositiveDefinite } from '../../src/geo/covariance.ts';
import { planarPose } from '../../src/geo/poseAlgebra.ts';
import type { Pose } from '../../src/geo/Pose.ts';
import type { CandidateMatch } from '../../src/localization/Localizer.ts';
import type { LoopClosure } from '../../src/localization/LoopClosure.ts';
import { LoopClosureDetector } from '../../src/localization/LoopClosureDetector.ts';
import { logit } from '../../src/math/statistics.ts';

const LAP = 60;

interface Step {
  /** Keyframe of the first lap that this one shows; null = something new. */
  readonly shows: number | null;
  readonly evidence?: number;
  readonly odometry?: Pose | null;
}

/** Places 1, 2, ... one keyframe a second. Every keyframe also resembles the few before it, and two impostors weakly. */
function drive(steps: readonly Step[]): (LoopClosure | null)[] {
  const detector = new LoopClosureDetector();
  return steps.map(({ shows, evidence = 110, odometry = null }, index) => {
    const place = index + 1;
    const recent = [1, 2, 3].map((ago) => ({ place: place - ago, similarity: 0.9, evidence: 150 }));
    const loop: CandidateMatch[] =
      shows === null
        ? []
        : [0, -1, 1].map((offset) => ({
            place: shows + offset,
            similarity: 0.7,
            evidence: evidence - 20 * offset ** 2,
          }));
    const impostors = [7, 29].map((at) => ({ place: at, similarity: 0.3, evidence: 10 }));
    const stampNs = BigInt(index) * 1_000_000_000n;
    return detector.process({ place, stampNs, odometry, matches: [...recent, ...loop, ...impostors] });
  });
}

const firstLap: Step[] = Array.from({ length: LAP }, () => ({ shows: null }));
const secondLap = (count: number): Step[] => Array.from({ length: count }, (_, index) => ({ shows: index + 10 }));

describe('LoopClosureDetector', () => {
  it('accepts a second lap from the third keyframe on, at the right places', () => {
    const closures = drive([...firstLap, ...secondLap(20)]);
    assert.ok(closures.slice(0, LAP).every((closure) => !closure?.accepted));
    const lap = closures.slice(LAP);
    assert.deepEqual(
      lap.slice(0, 3).map((closure) => [closure?.accepted, closure?.reason]),
      [
        [false, '1 of 3 keyframes in a row agree.'],
        [false, '2 of 3 keyframes in a row agree.'],
        [true, '3 keyframes in a row agree.'],
      ],
    );
    lap.slice(2).forEach((closure, index) => {
      assert.ok(closure?.accepted);
      assert.equal(closure.toPlace, index + 12);
      assert.equal(closure.fromStampNs, BigInt(LAP + 2 + index) * 1_000_000_000n);
    });
  });

  it('follows a lap driven the other way round', () => {
    const reversed = Array.from({ length: 10 }, (_, index) => ({ shows: 40 - index }));
    assert.ok(drive([...firstLap, ...reversed]).at(-1)?.accepted);
  });

  it('never accepts look-alikes that jump about, and says why', () => {
    const jumps = [10, 38, 22, 40, 12, 36, 20, 34].map((shows) => ({ shows }));
    const closures = drive([...firstLap, ...jumps]).slice(LAP);
    assert.ok(closures.every((closure) => closure?.accepted === false));
    assert.match(closures[3]!.reason, /does not lie to the candidate before as the keyframes do/);
  });

  it('takes what is still in sight for no loop', () => {
    // Every keyframe of a straight road resembles the one 12 before it.
    const road = Array.from({ length: 80 }, (_, index) => ({
      shows: index > 14 ? index + 1 - 12 : null,
      evidence: 40,
    }));
    assert.ok(drive(road).every((closure) => closure === null));
  });

  it('takes a robot that stands for no loop, however long', () => {
    const moving = Array.from({ length: 30 }, (_, i) => ({ shows: null, odometry: planarPose(i, 0, 0) }));
    const standing = Array.from({ length: 60 }, () => ({ shows: 29, odometry: planarPose(29, 0, 0) }));
    assert.ok(drive([...moving, ...standing]).every((closure) => !closure?.accepted));
  });

  it('checks the shape by odometry where there is some', () => {
    const at = (i: number): Pose => planarPose(i * 2, 0, 0);
    const out = Array.from({ length: LAP }, (_, i) => ({ shows: null, odometry: at(i) }));
    const home = Array.from({ length: 10 }, (_, i) => ({ shows: i + 10, odometry: planarPose(i * 2 + 20, 3, 0) }));
    assert.ok(drive([...out, ...home]).at(-1)?.accepted);
    // The old ends lie 8 m apart where the new ones lie 2 m apart.
    const wrong = Array.from({ length: 10 }, (_, i) => ({ shows: 8 + 6 * (i % 8), odometry: planarPose(i * 2, 3, 0) }));
    assert.ok(drive([...out, ...wrong]).every((closure) => !closure?.accepted));
  });

  /** Keyframe `i` of laps of a circle, 2 m apart. */
  const onCircle = (i: number): Pose => {
    const angle = (2 * Math.PI * i) / LAP;
    const radiusM = (LAP * 2) / (2 * Math.PI);
    return planarPose(radiusM * Math.cos(angle), radiusM * Math.sin(angle), angle + Math.PI / 2);
  };

  it('accepts the second keyframe where odometry brings the ends together, and none where it keeps them apart', () => {
    const circle = Array.from({ length: LAP }, (_, i) => ({ shows: null, odometry: onCircle(i) }));
    const home = drive([...circle, ...[0, 1].map((i) => ({ shows: i + 2, odometry: onCircle(LAP + i) }))]).slice(LAP);
    assert.deepEqual(
      home.map((closure) => closure?.accepted),
      [false, true],
    );
    // The same two views, said to be the far side of the circle.
    const far = drive([...circle, ...[0, 1].map((i) => ({ shows: i + 30, odometry: onCircle(LAP + i) }))]).slice(LAP);
    assert.ok(far.every((closure) => closure?.accepted === false && closure.probability < home[1]!.probability));
  });

  it('counts half of what odometry says for a loop: streets that look alike are neighbours', () => {
    const circle = Array.from({ length: LAP }, (_, i) => ({ shows: null, odometry: onCircle(i) }));
    const views = [0, 1, 2].map((i) => ({ shows: i + 2, evidence: 30 }));
    const odds = (steps: readonly Step[]): number => logit(drive(steps).at(-1)!.probability);
    const seen = odds([...firstLap, ...views]);
    const near = odds([...circle, ...views.map((view, i) => ({ ...view, odometry: onCircle(LAP + i) }))]);
    // Within its drift (11 m) of a circle 38 m wide, odometry explains this end four times as well as any old one.
    const gain = near - seen;
    assert.ok(gain > 0.4 * Math.log(4) && gain < 0.6 * Math.log(4), `log odds of the chain rose by ${gain}`);
  });

  it('believes a long chain of strong views before odometry: it may have slipped', () => {
    const circle = Array.from({ length: LAP }, (_, i) => ({ shows: null, odometry: onCircle(i) }));
    const slipped = Array.from({ length: 8 }, (_, i) => ({ shows: i + 30, odometry: onCircle(LAP + i) }));
    assert.ok(drive([...circle, ...slipped]).at(-1)?.accepted);
  });

  it('never adds up weak resemblance to a loop: a street that looks like another does so for its whole length', () => {
    const alike = Array.from({ length: 30 }, (_, index) => ({ shows: index + 10, evidence: 15 }));
    const closures = drive([...firstLap, ...alike]).slice(LAP);
    const probabilities = closures.flatMap((closure) => closure?.probability ?? []);
    assert.ok(probabilities.length > 20 && Math.max(...probabilities) > 0.5, 'they are candidates');
    assert.ok(closures.every((closure) => !closure?.accepted));
  });

  it('does not follow a chain that turns back on itself', () => {
    // The car drives straight on where it once turned: the corner stays in view, and the old ends run to and fro.
    const corner = [10, 11, 12, 13, 14, 15, 16, 17, 15, 16, 15, 15].map((shows) => ({ shows }));
    const closures = drive([...firstLap, ...corner]).slice(LAP);
    assert.ok(closures.slice(2, 8).every((closure) => closure?.accepted));
    assert.ok(closures.slice(8).every((closure) => closure?.accepted === false));
  });

  it('accepts nothing that was not verified', () => {
    const closures = drive([...firstLap, ...secondLap(10).map((step) => ({ ...step, evidence: Number.NaN }))]);
    assert.ok(closures.every((closure) => !closure?.accepted));
  });

  it('gives a weak prior: the same place, not a metric pose', () => {
    const closure = drive([...firstLap, ...secondLap(5)]).at(-1)!;
    assert.ok(isPositiveDefinite(closure.covariance, 6));
    assert.equal(Math.sqrt(closure.covariance[0]!), 5);
    assert.equal(closure.toFromFrom.qw, 1);
  });

  it('offers a filter that leaves recent keyframes out of the search', () => {
    const detector = new LoopClosureDetector();
    for (let index = 0; index < 30; index++) {
      detector.process({ place: index + 1, stampNs: BigInt(index) * 1_000_000_000n, odometry: null, matches: [] });
    }
    const now = { stampNs: 30_000_000_000n, odometry: null };
    assert.deepEqual(
      [1, 21, 22, 30, 99].map((place) => detector.isOld(place, now)),
      [true, true, false, false, false],
    );
  });
});
