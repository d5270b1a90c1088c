/** @file The localizer as its users see it: states, poses, reversals, kidnapping, off the map. */
import assert from 'node:assert/strict';
import { isPositiveDefinite } from '../../src/geo/covariance.ts';
import { Gate } from '../../src/localization/Gate.ts';
import { createLocalizer } from '../../src/localization/createLocalizer.ts';
import type { CandidateMatch, LocalizationState } from '../../src/localization/Localizer.ts';
import { clearView, foreignView, observe, placeAt, street, topologicalStreet } from './syntheticMap.ts';

const far = Array.from({ length: 10 }, (_, index) => 5 + 9 * index);

/** Places visited by the drive (null = off the map), and the state after each frame. */
function drive(
  visits: readonly (number | null)[],
  places = street(100),
): { state: LocalizationState; place: number }[] {
  const localizer = createLocalizer({ places, calibration: null });
  return visits.map((at, frame) => {
    const matches = at === null ? foreignView(far, frame) : clearView(at);
    const decision = localizer.process(observe(frame, matches));
    return { state: decision.state, place: decision.hypotheses[0]?.place ?? -1 };
  });
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.abs(to - from) + 1 }, (_, index) => from + Math.sign(to - from) * index);

describe('createLocalizer', () => {
  it('is located from the first clear frame on, at the right place, with an honest pose', () => {
    const localizer = createLocalizer({ places: street(100), calibration: null });
    const decision = localizer.process(observe(0, clearView(40)));
    assert.ok(decision.state === 'located');
    assert.ok(decision.pose !== null && decision.covariance !== null);
    assert.ok(Math.abs(decision.pose.x - 195) < 2.5, `x is ${decision.pose.x}, place 40 lies at 195 m`);
    assert.ok(isPositiveDefinite(decision.covariance, 6));
    assert.ok(decision.confidence >= 0.95 && decision.confidence < 1);
    assert.match(decision.reason, /image40\.jpg/);
  });

  it('follows a drive, its reversal and its stop', () => {
    const visits = [...range(20, 40), ...range(40, 30), ...Array.from({ length: 10 }, () => 30)];
    for (const [frame, { state, place }] of drive(visits).entries()) {
      assert.equal(state, 'located', `frame ${frame}`);
      assert.ok(Math.abs(place - visits[frame]!) <= 1, `frame ${frame}: place ${place}, was at ${visits[frame]}`);
    }
  });

  it('says off_map within 5 frames of leaving and is located again within 5 of coming back', () => {
    const away = Array.from({ length: 15 }, () => null);
    const states = drive([...range(20, 35), ...away, ...range(50, 60)]).map(({ state }) => state);
    assert.ok(!states.slice(18, 31).includes('located'), states.join(' '));
    assert.ok(
      states.slice(21, 31).every((state) => state === 'off_map'),
      states.join(' '),
    );
    assert.ok(
      states.slice(35).every((state) => state === 'located'),
      states.join(' '),
    );
  });

  it('counts modest evidence that agrees: half-sure frames one after the other are sure together', () => {
    // Each frame by itself: its place with about 0.75, its neighbours less, another place with some.
    const view = (at: number): CandidateMatch[] => [
      ...[0, -1, 1].map((offset) => ({
        place: at + offset,
        similarity: 0.5 + 0.03 * Math.sin(5 * at + offset),
        evidence: 33 - 8 * Math.abs(offset),
      })),
      { place: ((at * 37) % 90) + 1, similarity: 0.45, evidence: 18 },
    ];
    const localizer = createLocalizer({ places: street(100), calibration: null });
    const decisions = range(20, 40).map((at, frame) => localizer.process(observe(frame, view(at))));
    assert.ok(decisions[0]!.confidence > 0.5 && decisions[0]!.confidence < 0.9, `${decisions[0]!.confidence}`);
    assert.ok(decisions.slice(8).every(({ state }) => state === 'located'));
    // Which row of the place it is, is said by the matches, not by where the belief was before.
    for (const [frame, { hypotheses }] of decisions.entries()) {
      const off = hypotheses[0]!.pose!.x - 5 * (19 + frame);
      assert.ok(Math.abs(off) <= 5, `frame ${frame}: ${off} m off`);
    }
  });

  it('finds a kidnapped camera within 10 frames and is wrong for at most 2', () => {
    const frames = drive([...range(20, 35), ...range(80, 95)]);
    const after = frames.slice(16);
    const wrong = after.filter(({ state, place }) => state === 'located' && place < 70);
    assert.ok(wrong.length <= 2);
    assert.ok(after.slice(9).every(({ state, place }) => state === 'located' && place >= 79));
  });

  it('needs more than resemblance: matches that all look alike are never accepted', () => {
    for (const { state } of drive(Array.from({ length: 20 }, () => null))) assert.notEqual(state, 'located');
  });

  it('stays located for as long as it stands where it was located', () => {
    const localizer = createLocalizer({ places: street(100), calibration: null });
    for (const at of range(20, 30)) localizer.process(observe(at, clearView(at)));
    for (let frame = 31; frame < 2000; frame++) {
      // The image flickers a little; the place is less clear than on the way.
      const view: CandidateMatch[] = [
        ...[0, -1, 1].map((offset) => ({
          place: 30 + offset,
          similarity: 0.5 + 0.002 * Math.sin(3 * frame + offset),
          evidence: 40 - 8 * Math.abs(offset),
        })),
        { place: 80, similarity: 0.4, evidence: 15 },
      ];
      const { state, reason } = localizer.process(observe(frame, view));
      assert.equal(state, 'located', `frame ${frame}: ${reason}`);
    }
  });

  it('is not worn down by one image of the map that resembles everything a little', () => {
    // Another road, 1000 frames long: its best match is always place 50, half-sure, in ever different views.
    const view = (frame: number): CandidateMatch[] => [
      { place: 50, similarity: 0.5 + 0.05 * Math.sin(7 * frame), evidence: 23.5 },
      { place: ((frame * 37) % 40) + 1, similarity: 0.42, evidence: 13 },
    ];
    const localizer = createLocalizer({ places: street(100), calibration: null });
    const decisions = Array.from({ length: 1000 }, (_, frame) => localizer.process(observe(frame, view(frame))));
    assert.ok(decisions[0]!.confidence > 0.55 && decisions[0]!.confidence < 0.9, `${decisions[0]!.confidence}`);
    const located = decisions.filter(({ state }) => state === 'located').length;
    assert.equal(located, 0, `located in ${located} frames`);
  });

  it('works without positions: the order is the geometry, and no pose is given', () => {
    const localizer = createLocalizer({ places: topologicalStreet(100), calibration: null });
    for (const at of range(20, 30)) {
      const decision = localizer.process(observe(at, clearView(at)));
      assert.ok(decision.state === 'located' && decision.pose === null && decision.covariance === null);
      assert.ok(Math.abs(decision.hypotheses[0]!.place - at) <= 1);
    }
  });

  it('tells two headings of one place apart as hypotheses, and is located all the same', () => {
    const places = street(20).flatMap((place, index) => [
      placeAt(2 * index + 1, place.pose!.x, 0, 0),
      placeAt(2 * index + 2, place.pose!.x, 0, Math.PI),
    ]);
    const localizer = createLocalizer({ places, calibration: null });
    const decision = localizer.process(
      observe(0, [
        { place: 21, similarity: 0.8, evidence: 120 },
        { place: 22, similarity: 0.75, evidence: 100 },
        { place: 1, similarity: 0.2, evidence: 9 },
      ]),
    );
    assert.equal(decision.state, 'located');
    assert.deepEqual(
      decision.hypotheses.slice(0, 2).map(({ place }) => place),
      [21, 22],
    );
    assert.ok(decision.hypotheses[0]!.probability > decision.hypotheses[1]!.probability);
  });

  it('forgets everything on reset', () => {
    const fresh = createLocalizer({ places: street(100), calibration: null });
    const used = createLocalizer({ places: street(100), calibration: null });
    for (const at of range(20, 30)) used.process(observe(at, clearView(at)));
    used.reset();
    assert.deepEqual(used.process(observe(50, clearView(70))), fresh.process(observe(50, clearView(70))));
  });

  it('answers on an empty map and without matches', () => {
    const empty = createLocalizer({ places: [], calibration: null });
    assert.equal(empty.process(observe(0, clearView(3))).state, 'lost');
    const blind = createLocalizer({ places: street(3), calibration: null });
    assert.equal(blind.process(observe(0, [])).state, 'lost');
  });

  it('takes a gate that is lower than what keeps a place: staying asks for no more than coming in', () => {
    const gate = new Gate({ acceptProbability: 0.6, keepProbability: 0.8, offMapProbability: 0.7 });
    const frame = { row: 1, image: 'a.jpg', second: 0, offMap: 0.1, continues: true, empty: false };
    const states = [0.65, 0.65, 0.59].map((confidence) => gate.decide({ ...frame, confidence }).state);
    assert.deepEqual(states, ['located', 'located', 'uncertain']);
    assert.doesNotThrow(() => createLocalizer({ places: [], calibration: null, options: { acceptProbability: 0.6 } }));
  });

  it('refuses settings out of range by name', () => {
    assert.throws(
      () => createLocalizer({ places: [], calibration: null, options: { acceptProbability: 2 } }),
      /acceptProbability is 2, expected 0\.5\.\.0\.9999/,
    );
  });
});
