/** @file A map that grows under the localizer, and how right the localizer has been lately. */
import assert from 'node:assert/strict';
import { createLocalizer } from '../../../src/localization/createLocalizer.ts';
import type { Decision } from '../../../src/localization/Localizer.ts';
import type { MapPlace } from '../../../src/localization/MapPlace.ts';
import type { Place } from '../../../src/map/Place.ts';
import { FreshPlaces } from '../../../src/ros/FreshPlaces.ts';
import { GrowingLocalizer } from '../../../src/ros/GrowingLocalizer.ts';
import { RecallMonitor } from '../../../src/ros/RecallMonitor.ts';
import { clearView, observe, street } from '../../localization/syntheticMap.ts';

const createOver = (places: readonly MapPlace[]): GrowingLocalizer<readonly MapPlace[]> =>
  new GrowingLocalizer((setup) => createLocalizer({ places: setup, calibration: null }), places);

/** Two places that look alike, the wrong one a little more. */
const AMBIGUOUS = [
  { place: 70, similarity: 0.61, evidence: 62 },
  { place: 26, similarity: 0.6, evidence: 60 },
];

describe('GrowingLocalizer', () => {
  it('stays where it is while the map grows', () => {
    const grown = createOver(street(100));
    const whole = createLocalizer({ places: street(120), calibration: null });
    for (let i = 0; i < 6; i++) {
      for (const localizer of [grown, whole]) localizer.process(observe(i, clearView(20 + i)));
    }
    grown.change(street(120));
    const decision = grown.process(observe(6, AMBIGUOUS));
    assert.equal(decision.hypotheses[0]!.place, 26, 'knows that it came from 25');
    assert.deepEqual(decision, whole.process(observe(6, AMBIGUOUS)), 'as if it had known the map from the start');
  });

  it('finds the new places, and not before it knows them', () => {
    const localizer = createOver(street(100));
    assert.equal(localizer.process(observe(0, clearView(110, []))).hypotheses.length, 0);
    localizer.change(street(120));
    for (let i = 1; i < 4; i++) localizer.process(observe(i, clearView(110 + i, [])));
    assert.equal(localizer.process(observe(4, clearView(114, []))).hypotheses[0]!.place, 114);
  });

  it('does not bring back what was forgotten by reset', () => {
    const localizer = createOver(street(100));
    for (let i = 0; i < 6; i++) localizer.process(observe(i, clearView(20 + i)));
    localizer.reset();
    localizer.change(street(100));
    const fresh = createLocalizer({ places: street(100), calibration: null });
    assert.deepEqual(localizer.process(observe(6, AMBIGUOUS)), fresh.process(observe(6, AMBIGUOUS)));
  });
});

function placeWith(id: number, x = 0): Place {
  const pose = { x, y: 0, z: 0, qx: 0, qy: 0, qz: 0, qw: 1 };
  const unknown = { geo: null, positionSigmaM: null, condition: null, label: null, sequence: null, frame: null };
  return { id, image: `${id}.jpg`, stampNs: BigInt(id), pose, ...unknown };
}

describe('FreshPlaces', () => {
  /** Old after five nanoseconds: a place's stamp is its id. */
  const create = (newestOld: number): FreshPlaces =>
    new FreshPlaces((place, { stampNs }) => stampNs - BigInt(place) >= 5n, newestOld);
  const at = (stampNs: bigint): { stampNs: bigint; odometry: null } => ({ stampNs, odometry: null });

  it('lets places go in their order as they grow old', () => {
    const fresh = create(10);
    assert.equal(fresh.newestOld, 10, 'the map of before may be searched');
    for (const id of [11, 12, 13]) fresh.add(placeWith(id));
    assert.deepEqual(fresh.release(at(15n)), []);
    assert.deepEqual(
      fresh.release(at(17n)).map(({ id }) => id),
      [11, 12],
    );
    assert.equal(fresh.newestOld, 12);
    assert.deepEqual(
      fresh.releaseAll().map(({ id }) => id),
      [13],
    );
    assert.equal(fresh.newestOld, 13);
  });
});

describe('RecallMonitor', () => {
  const places = Array.from({ length: 10 }, (_, i) => placeWith(i + 1, 10 * i));

  function locatedAt(x: number, confidence: number): Decision {
    const pose = { x, y: 0, z: 0, qx: 0, qy: 0, qz: 0, qw: 1 };
    const covariance = new Float64Array(36);
    const best = {
      ...{ rank: 0, place: 1, image: '', similarity: 1, evidence: NaN, probability: confidence },
      ...{ pose, covariance, geo: null, databaseStampNs: null },
    };
    return { state: 'located', stampNs: 0n, confidence, reason: '', hypotheses: [best], pose, covariance };
  }

  it('speaks of the last frames alone', () => {
    const monitor = new RecallMonitor(places);
    const against = { truth: { x: 20, y: 0 }, radiusM: 5, frames: 4 };
    for (let i = 0; i < 10; i++) monitor.judge(locatedAt(21, 0.9), [3], against);
    const good = monitor.read();
    assert.deepEqual([good.queries, good.queriesWithTruth, good.recall[0]], [4, 4, 1]);
    assert.deepEqual([good.acceptedPrecision, good.medianPositionErrorM], [1, 1]);
    assert.ok(Math.abs(good.calibrationError - 0.1) < 1e-9, 'right always, and said 0.9');
    for (let i = 0; i < 3; i++) monitor.judge(locatedAt(60, 0.9), [7, 3], against); // far away, second match right
    const mixed = monitor.read();
    assert.deepEqual(mixed.n.slice(0, 2), [1, 5]);
    assert.deepEqual(mixed.recall.slice(0, 2), [0.25, 1]);
    assert.deepEqual([mixed.acceptedPrecision, mixed.medianPositionErrorM], [0.25, 40]);
    monitor.judge(locatedAt(60, 0.9), [7, 3], against);
    assert.equal(monitor.read().acceptedPrecision, 0, 'the last right one has left the window');
  });

  it('counts a frame without truth as a frame alone, and one far from the map as no query with truth', () => {
    const monitor = new RecallMonitor(places);
    monitor.judge(locatedAt(0, 0.9), [1], { truth: null, radiusM: 5, frames: 9 });
    monitor.judge(locatedAt(0, 0.9), [1], { truth: { x: 5000, y: 0 }, radiusM: 5, frames: 9 });
    const { queries, queriesWithTruth, recall, acceptedPrecision } = monitor.read();
    assert.deepEqual([queries, queriesWithTruth, recall, acceptedPrecision], [2, 0, [], 0]);
  });

  it('knows the places that were mapped meanwhile', () => {
    const monitor = new RecallMonitor([]);
    monitor.addPlace(placeWith(3, 20));
    monitor.judge(locatedAt(20, 0.9), [3], { truth: { x: 20, y: 0 }, radiusM: 5, frames: 9 });
    assert.deepEqual(monitor.read().recall, [1, 1, 1, 1]);
  });
});
