/** @file Motion, time, maps of several parts, and GNSS: what the sequence filter does with what it is told. */
import assert from 'node:assert/strict';
import { planarPose } from '../../src/geo/poseAlgebra.ts';
import type { Pose } from '../../src/geo/Pose.ts';
import { createLocalizer } from '../../src/localization/createLocalizer.ts';
import type {
  CandidateMatch,
  Decision,
  Localizer,
  Observation,
  PositionPrior,
} from '../../src/localization/Localizer.ts';
import type { MapPlace } from '../../src/localization/MapPlace.ts';
import { clearView, foreignView, observe, placeAt, street, topologicalStreet } from './syntheticMap.ts';

const open = (places: readonly MapPlace[]): Localizer => createLocalizer({ places, calibration: null });

/** Two places that look alike, `a` a little less than `b`. */
function ambiguousView(a: number, b: number): CandidateMatch[] {
  return [
    { place: b, similarity: 0.61, evidence: 62 },
    { place: a, similarity: 0.6, evidence: 60 },
    { place: 99, similarity: 0.2, evidence: 8 },
  ];
}

function fixAt(frame: number, x: number, y = 0, sigmaM = 3): PositionPrior {
  return { stampNs: observe(frame, []).stampNs, x, y, covariance: [sigmaM ** 2, 0, 0, sigmaM ** 2] };
}

describe('with odometry', () => {
  const frame = (index: number, matches: readonly CandidateMatch[], pose: Pose): Observation => {
    const observation = observe(index, matches);
    return { ...observation, odometry: { stampNs: observation.stampNs, pose } };
  };

  it('keeps to the place it drove to when another looks as much alike', () => {
    const localizer = open(street(100));
    for (let i = 0; i < 6; i++) localizer.process(frame(i, clearView(20 + i), planarPose(5 * i, 0, 0)));
    const decision = localizer.process(frame(6, ambiguousView(26, 70), planarPose(30, 0, 0)));
    assert.equal(decision.state, 'located');
    assert.equal(decision.hypotheses[0]!.place, 26);
  });

  it('drives backwards when the robot does', () => {
    const localizer = open(street(100));
    for (let i = 0; i < 6; i++) localizer.process(frame(i, clearView(40 - i), planarPose(-5 * i, 0, 0)));
    const decision = localizer.process(frame(6, ambiguousView(34, 46), planarPose(-30, 0, 0)));
    assert.equal(decision.hypotheses[0]!.place, 34);
  });

  it('uses the heading of the place, whatever the axes of the odometry frame are', () => {
    const north = street(100).map((place) => placeAt(place.id, 0, place.pose!.x, Math.PI / 2));
    const localizer = open(north);
    for (let i = 0; i < 6; i++) localizer.process(frame(i, clearView(20 + i), planarPose(5 * i, 7, 0)));
    const decision = localizer.process(frame(6, ambiguousView(26, 70), planarPose(30, 7, 0)));
    assert.equal(decision.hypotheses[0]!.place, 26);
  });

  it('learns nothing from standing: an ambiguous view stays ambiguous', () => {
    const localizer = open(street(100));
    const decisions = Array.from({ length: 1000 }, (_, i) =>
      localizer.process(frame(i, ambiguousView(20, 60), planarPose(0, 0, 0))),
    );
    assert.ok(decisions.every(({ state }) => state !== 'located'));
    assert.ok(Math.abs(decisions[999]!.confidence - decisions[499]!.confidence) < 1e-3, 'it has come to rest');
  });
});

describe('time', () => {
  it('starts anew after a long gap and after a jump back, as a looped recording makes it', () => {
    for (const jump of [60, -60]) {
      const localizer = open(street(100));
      for (let i = 0; i < 5; i++) localizer.process(observe(200 + i, clearView(20 + i)));
      const after = { ...observe(204 + 2 * jump, ambiguousView(25, 70)) };
      assert.deepEqual(localizer.process(after), open(street(100)).process(after));
    }
  });

  it('takes a frame that comes late without losing its way', () => {
    const localizer = open(street(100));
    const stamps = [0, 1, 2, 4, 3, 5, 6];
    const states = stamps.map((stamp) => localizer.process(observe(stamp, clearView(20 + stamp))).state);
    assert.deepEqual(new Set(states), new Set(['located']));
  });
});

describe('maps of several parts', () => {
  it('keeps areas apart: mass never crosses to another area or sequence', () => {
    const parts = [
      ...topologicalStreet(40, 'a'),
      ...topologicalStreet(40, 'b').map((place) => ({ ...place, id: place.id + 100 })),
    ];
    const localizer = open(parts);
    for (let i = 0; i < 8; i++) {
      const decision = localizer.process(observe(i, clearView(10 + i)));
      assert.ok(decision.hypotheses[0]!.place <= 40);
    }
    const elsewhere = Array.from({ length: 6 }, (_, i) => localizer.process(observe(8 + i, clearView(110 + i))));
    assert.ok(elsewhere.at(-1)!.state === 'located' && elsewhere.at(-1)!.hypotheses[0]!.place > 100);
  });

  it('takes two visits to one place for one place', () => {
    const twice = [...street(40), ...street(40).map((place) => ({ ...place, id: place.id + 100 }))];
    const both = clearView(20).flatMap((match) => [match, { ...match, place: match.place + 100 }]);
    const decision = open(twice).process(observe(0, both));
    assert.equal(decision.state, 'located');
    assert.ok(Math.abs(decision.hypotheses[0]!.pose!.x - 95) < 5);
  });
});

describe('position prior', () => {
  it('decides between places that look alike', () => {
    const at = (x: number): Decision =>
      open(street(100)).process({ ...observe(0, ambiguousView(20, 60)), fix: fixAt(0, x) });
    assert.equal(at(95).hypotheses[0]!.place, 20);
    assert.equal(at(295).hypotheses[0]!.place, 60);
    assert.ok(at(95).confidence > open(street(100)).process(observe(0, ambiguousView(20, 60))).confidence);
  });

  it('never overrules what is plainly seen', () => {
    const localizer = open(street(100));
    for (let i = 0; i < 4; i++) localizer.process(observe(i, clearView(20 + i)));
    const decision = localizer.process({ ...observe(4, clearView(24)), fix: fixAt(4, 400) });
    assert.equal(decision.state, 'located');
    assert.equal(decision.hypotheses[0]!.place, 24);
    assert.match(decision.reason, /fix lies \d+\.\d m from where the images say/);
  });

  it('notices a jump of the fix and says so', () => {
    const localizer = open(street(100));
    localizer.process({ ...observe(0, []), fix: fixAt(0, 100) });
    const decision = localizer.process({ ...observe(1, []), fix: fixAt(1, 250) });
    assert.match(decision.reason, /The fix jumped by 150\.0 m in 0\.5 s: it is not used/);
  });

  it('leaves out a fix without a usable covariance', () => {
    const bad: PositionPrior = { ...fixAt(0, 95), covariance: [0, 0, 0, 0] };
    const decision = open(street(100)).process({ ...observe(0, clearView(20)), fix: bad });
    assert.equal(decision.state, 'located');
    assert.match(decision.reason, /no usable position or covariance/);
  });
});

describe('a chain of answers', () => {
  const halfSure = (at: number, frame: number): Observation =>
    observe(frame, [
      { place: at, similarity: 0.5 + 0.03 * Math.sin(5 * frame), evidence: 22 },
      { place: ((at * 37) % 90) + 1, similarity: 0.45, evidence: 14 },
    ]);

  it('believes answers in the order of the street more than each by itself, and the same out of order less', () => {
    const inOrder = Array.from({ length: 20 }, (_, i) => 20 + i);
    const outOfOrder = inOrder.map((_, i) => 20 + ((7 * i) % 20));
    const [first, second] = [inOrder, outOfOrder].map((answers) => {
      const localizer = open(street(100, 10));
      return answers.map((at, frame) => localizer.process(halfSure(at, frame)));
    });
    assert.ok(first![0]!.confidence > 0.5 && first![0]!.confidence < 0.75, `${first![0]!.confidence}`);
    assert.ok(first!.slice(8).every(({ confidence }) => confidence > 0.85));
    assert.ok(second!.slice(8).every(({ confidence }) => confidence < 0.2));
  });
});

describe('gate', () => {
  it('once lost, takes two frames that agree', () => {
    const localizer = open(street(100));
    for (let i = 0; i < 10; i++) localizer.process(observe(i, foreignView([5, 25, 45, 65, 85], i)));
    const glimpse = [clearView(50), foreignView([5, 25, 45, 65, 85], 1)];
    const states = [...glimpse, ...[50, 51, 52].map((at) => clearView(at))].map(
      (view, i) => localizer.process(observe(10 + i, view)).state,
    );
    assert.ok(!states.slice(0, 3).includes('located'), states.join(' '));
    assert.equal(states[4], 'located');
  });

  it('does not flicker: once located a weaker frame at the same place is enough, a weaker one elsewhere is not', () => {
    const weak = (at: number): CandidateMatch[] => [
      { place: at, similarity: 0.5, evidence: 34 },
      { place: 99, similarity: 0.4, evidence: 15 },
    ];
    const fresh = open(street(100)).process(observe(0, weak(30)));
    assert.notEqual(fresh.state, 'located');
    const localizer = open(street(100));
    for (let i = 0; i < 5; i++) localizer.process(observe(i, clearView(25 + i)));
    assert.equal(localizer.process(observe(5, weak(30))).state, 'located');
    assert.notEqual(localizer.process(observe(6, weak(70))).hypotheses[0]!.place, 70);
  });
});
