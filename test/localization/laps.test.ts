/** @file Laps of a drive without positions: laid over each other, so that a place has one position however often it was passed. */
import assert from 'node:assert/strict';
import { createLocalizer } from '../../src/localization/createLocalizer.ts';
import { DEFAULT_LOCALIZER_OPTIONS } from '../../src/localization/localizerOptions.ts';
import type { Revisit } from '../../src/localization/layOutCharts.ts';
import { createMapGeometry } from '../../src/localization/MapGeometry.ts';
import { defaultCalibration } from '../../src/localization/PlaceCalibration.ts';
import { observe, street, topologicalStreet } from './syntheticMap.ts';

const LAP = 40;
const geometryOf = (revisits: readonly Revisit[]): ReturnType<typeof createMapGeometry> =>
  createMapGeometry(topologicalStreet(3 * LAP), DEFAULT_LOCALIZER_OPTIONS, revisits);
const between = (revisits: readonly Revisit[], a: number, b: number): number => {
  const geometry = geometryOf(revisits);
  return geometry.distance(geometry.rowOf(a)!, geometry.rowOf(b)!);
};

describe('laps', () => {
  /** Every fourth place of the second lap was recognised. */
  const second = Array.from({ length: 10 }, (_, i): Revisit => [LAP + 2 + 4 * i, 2 + 4 * i]);

  it('puts a recognised place, and what lies between two of them, where the first lap was', () => {
    assert.equal(between([], 10, LAP + 10), LAP);
    for (const place of [2, 3, 4, 10, 21]) assert.equal(between(second, place, LAP + place), 0);
    // The third lap was never recognised.
    assert.equal(between(second, 10, 2 * LAP + 10), 2 * LAP);
  });

  it('follows a lap the other way round', () => {
    const reversed = Array.from({ length: 10 }, (_, i): Revisit => [LAP + 2 + 4 * i, LAP - 4 * i]);
    assert.equal(between(reversed, 30, LAP + 12), 0);
    assert.equal(between(reversed, 29, LAP + 13), 0);
  });

  it('does not stretch from the end of one lap over to the beginning of the next', () => {
    const wrapped: Revisit[] = [
      [2 * LAP - 1, LAP - 1],
      [2 * LAP + 2, 2],
    ];
    assert.equal(between(wrapped, 2 * LAP, 2 * LAP + 1), 1);
  });

  it('leaves places with positions, unknown places and other sequences alone', () => {
    const metric = createMapGeometry(street(2 * LAP), DEFAULT_LOCALIZER_OPTIONS, second);
    assert.equal(metric.distance(metric.rowOf(2)!, metric.rowOf(LAP + 2)!), 5 * LAP);
    assert.equal(between([[999, 1]], 1, 2), 1);
    const two = [...topologicalStreet(LAP, 'a'), ...topologicalStreet(2 * LAP, 'b').slice(LAP)];
    const apart = createMapGeometry(two, DEFAULT_LOCALIZER_OPTIONS, second);
    assert.equal(apart.distance(apart.rowOf(2)!, apart.rowOf(LAP + 2)!), Infinity);
  });

  it('two laps are one place to the localizer, not two rivals', () => {
    const both = (at: number): Parameters<typeof observe>[1] =>
      [at, LAP + at].map((place) => ({ place, similarity: 0.7, evidence: 80 }));
    const decide = (revisits: Revisit[]): string =>
      createLocalizer({
        places: topologicalStreet(3 * LAP),
        calibration: { ...defaultCalibration(), revisits },
      }).process(observe(0, [...both(20), { place: 2 * LAP + 35, similarity: 0.3, evidence: 10 }])).state;
    assert.notEqual(decide([]), 'located');
    assert.equal(decide(second), 'located');
  });
});
