/**
 * @file The localizer on real photographs with the default model and the same settings for every set: what it accepts is
 * right, what is not on the map is refused, a kidnapped camera is found.
 */
import assert from 'node:assert/strict';
import { computeReliability } from '../../src/evaluation/calibrationError.ts';
import { geodesicDistanceM } from '../../src/geo/geodesicDistance.ts';
import { createLocalizer } from '../../src/localization/createLocalizer.ts';
import type { Decision } from '../../src/localization/Localizer.ts';
import type { Place } from '../../src/map/Place.ts';
import type { PlaceMap } from '../../src/map/PlaceMap.ts';
import { DescribedSets, searchMap, type Retrieval, type SetPart } from '../support/describedSets.ts';
import { sharedPath } from '../support/sharedData.ts';

/** How far a place may be from the query to be right: metres where there are positions, frames otherwise. */
const TOLERANCE = { metres: 25, robotMetres: 6, frames: 5 } as const;
const FRAME_NS = 500_000_000n;

interface Judged {
  readonly decision: Decision;
  readonly isRight: boolean;
}

/** How far the best hypothesis is from the query: metres where there are positions, frames otherwise. */
function errorOf(map: PlaceMap, query: Place, { hypotheses: [best] }: Decision): number {
  if (best === undefined) return Number.POSITIVE_INFINITY;
  // Maps of one set have origins of their own.
  if (best.geo !== null && query.geo !== null) return geodesicDistanceM(best.geo, query.geo);
  if (best.pose !== null && query.pose !== null)
    return Math.hypot(best.pose.x - query.pose.x, best.pose.y - query.pose.y);
  return Math.abs(map.place(best.place).frame! - query.frame!);
}

function localize(
  map: PlaceMap,
  frames: readonly Retrieval[],
  given: { sequence: boolean; tolerance: number },
): Judged[] {
  const { sequence, tolerance } = given;
  const { places, calibration, manifest } = map;
  const localizer = createLocalizer({ places, calibration, datum: manifest.datum, options: { sequence } });
  return frames.map(({ query, matches }, index) => {
    const observation = { stampNs: BigInt(index) * FRAME_NS, matches, odometry: null, fix: null };
    const decision = localizer.process(observation);
    return { decision, isRight: errorOf(map, query, decision) <= tolerance };
  });
}

function accepted(judged: readonly Judged[]): Judged[] {
  return judged.filter(({ decision }) => decision.state === 'located');
}

function assertAcceptance(
  judged: readonly Judged[],
  least: { readonly precision: number; readonly accepted: number },
): void {
  const located = accepted(judged);
  const precision = located.filter(({ isRight }) => isRight).length / located.length;
  const share = located.length / judged.length;
  assert.ok(share >= least.accepted, `accepted ${share}, expected at least ${least.accepted}`);
  assert.ok(precision >= least.precision, `precision ${precision}, expected at least ${least.precision}`);
}

function calibrationError(judged: readonly Judged[]): number {
  return computeReliability(
    judged.map(({ decision, isRight }) => ({ confidence: decision.confidence, isCorrect: isRight })),
  ).ece;
}

/** Kidnapped from 20 frames after `from` to `to`: wrong for at most 2 frames, found within 10. */
function assertFound(
  map: PlaceMap,
  frames: readonly Retrieval[],
  { from, to }: { readonly from: number; readonly to: number },
): void {
  const cut = [...frames.slice(from, from + 20), ...frames.slice(to, to + 20)];
  const after = localize(map, cut, { sequence: true, tolerance: TOLERANCE.frames }).slice(20);
  const wrong = accepted(after).filter(({ isRight }) => !isRight);
  assert.ok(wrong.length <= 2, `${from} -> ${to}: accepted at a wrong place in ${wrong.length} frames`);
  const found = after.findIndex(({ decision, isRight }) => decision.state === 'located' && isRight);
  assert.ok(found >= 0 && found < 10, `${from} -> ${to}: found after ${found + 1} frames`);
}

describe('localization on real photographs', function () {
  this.timeout(600_000);
  const sets = new DescribedSets();
  after(() => sets.dispose());

  const gardens = (test: Mocha.Context, condition: string): SetPart => ({
    path: sharedPath(test, 'data', 'gardens_point'),
    condition,
  });
  const asked = (part: SetPart): Promise<PlaceMap> => sets.open(part, { calibrated: false });

  const searched = new Map<string, Promise<Retrieval[]>>();
  async function gardensFrames(test: Mocha.Context, condition: string): Promise<[PlaceMap, Retrieval[]]> {
    const map = await sets.open(gardens(test, 'day_right'));
    const frames = searched.get(condition) ?? searchMap(map, await asked(gardens(test, condition)));
    searched.set(condition, frames);
    return [map, await frames];
  }

  for (const [condition, least] of [
    ['day_left', 0.9],
    ['night_right', 0.8],
  ] as const) {
    it(`gardens_point ${condition}, as a sequence and frame by frame`, async function () {
      const [map, frames] = await gardensFrames(this, condition);
      const sequence = localize(map, frames, { sequence: true, tolerance: TOLERANCE.frames });
      assertAcceptance(sequence, { precision: 0.99, accepted: least });
      const single = localize(map, frames, { sequence: false, tolerance: TOLERANCE.frames });
      assertAcceptance(single, { precision: 0.97, accepted: 0.6 });
      assert.ok(calibrationError(single) <= 0.08, `ECE of single frames ${calibrationError(single)}`);
      assert.ok(calibrationError(sequence) <= 0.08, `ECE of the sequence ${calibrationError(sequence)}`);
    });

    it(`gardens_point ${condition}, kidnapped: wrong for at most 2 frames, found within 10`, async function () {
      const [map, frames] = await gardensFrames(this, condition);
      for (const [from, to] of [
        [20, 120],
        [60, 150],
        [100, 10],
        [150, 60],
        [170, 100],
      ] as const) {
        assertFound(map, frames, { from, to });
      }
    });
  }

  it('cambridge_west, single street views of another split', async function () {
    const path = sharedPath(this, 'data', 'cambridge_west');
    const map = await sets.open({ path, role: 'validation_database' });
    const frames = await searchMap(map, await asked({ path, role: 'validation_query' }));
    const judged = localize(map, frames, { sequence: false, tolerance: TOLERANCE.metres });
    assertAcceptance(judged, { precision: 0.97, accepted: 0.2 });
    assert.ok(calibrationError(judged) <= 0.08, `ECE ${calibrationError(judged)}`);
    const sequence = localize(map, frames, { sequence: true, tolerance: TOLERANCE.metres });
    assertAcceptance(sequence, { precision: 0.95, accepted: 0.4 });
    const unverified = frames.map(({ query, matches }) => {
      return { query, matches: matches.map((match) => ({ ...match, evidence: NaN })) };
    });
    // Similarity finds the street more surely than the spot: the mistakes are near ones.
    const nearby = localize(map, unverified, { sequence: true, tolerance: 1.5 * TOLERANCE.metres });
    assertAcceptance(nearby, { precision: 0.95, accepted: 0.2 });
  });

  it('corridor_fisheye, which resembles itself: cautious frame by frame, sure as a sequence', async function () {
    const path = sharedPath(this, 'data', 'corridor_fisheye');
    const map = await sets.open({ path, role: 'database' });
    const frames = await searchMap(map, await asked({ path, role: 'query' }));
    const single = localize(map, frames, { sequence: false, tolerance: TOLERANCE.frames });
    assert.ok(accepted(single).every(({ isRight }) => isRight));
    const judged = localize(map, frames, { sequence: true, tolerance: TOLERANCE.frames });
    assertAcceptance(judged, { precision: 0.99, accepted: 0.9 });
    assert.ok(calibrationError(judged) <= 0.05, `ECE ${calibrationError(judged)}`);
    // Cut anywhere, and continued elsewhere.
    for (let from = 0; from + 20 <= frames.length; from += 7) {
      for (const jump of [25, 40, 55, 70]) {
        const to = (from + 20 + jump) % frames.length;
        if (to + 20 <= frames.length) assertFound(map, frames, { from, to });
      }
    }
  });

  it('queries of any set against the map of any other are accepted in at most 1 % of the frames', async function () {
    const part = (set: string, selection: Omit<SetPart, 'path'>): SetPart => ({
      path: sharedPath(this, 'data', set),
      ...selection,
    });
    const campus = 'nakamura_campus_robot';
    const maps: [string, SetPart][] = [
      ['gardens', gardens(this, 'day_right')],
      ['street', part('cambridge_west', { role: 'validation_database' })],
      ['corridor', part('corridor_fisheye', { role: 'database' })],
      ['campus', part(campus, { role: 'database' })],
      ['hallway', part('rtabmap_hallway', {})],
    ];
    const queries: [string, SetPart][] = [
      ['gardens', gardens(this, 'night_right')],
      ['street', part('cambridge_west', { role: 'validation_query' })],
      ['corridor', part('corridor_fisheye', { role: 'query' })],
      ['campus', part(campus, { role: 'query' })],
      ['hallway', part('rtabmap_hallway', {})],
    ];
    for (const [mapName, mapPart] of maps) {
      for (const [name, queryPart] of queries.filter(([other]) => other !== mapName)) {
        const map = await sets.open(mapPart);
        const queryMap = await asked(queryPart);
        const frames = await searchMap(map, queryMap, { stride: Math.ceil(queryMap.size / 25) });
        for (const sequence of [true, false]) {
          const located = accepted(localize(map, frames, { sequence, tolerance: 0 }));
          const share = located.length / frames.length;
          assert.ok(share <= 0.01, `${name} on the map of ${mapName}: ${located.length} of ${frames.length} accepted`);
        }
      }
    }
  });

  for (const condition of ['day_left', 'night_right'] as const) {
    it(`gardens_point ${condition}: off_map within 5 frames of leaving, located within 5 of coming back`, async function () {
      const [map, frames] = await gardensFrames(this, condition);
      const street = { path: sharedPath(this, 'data', 'cambridge_west'), role: 'validation_query' };
      const corridor = { path: sharedPath(this, 'data', 'corridor_fisheye'), role: 'query' };
      for (const foreign of [street, corridor]) {
        const elsewhere = await searchMap(map, await asked(foreign));
        for (const awayFrames of [10, 60]) {
          for (const start of [0, 25, 50, 75, 100, 125, 150]) {
            const away = elsewhere.slice(start % 50, (start % 50) + awayFrames);
            const back = frames.slice((start + 30) % 180, ((start + 30) % 180) + 15);
            const drive = [...frames.slice(start, start + 20), ...away, ...back];
            const judged = localize(map, drive, { sequence: true, tolerance: TOLERANCE.frames });
            const states = judged.map(({ decision }) => decision.state);
            const what = `${awayFrames} frames away from ${start}: ${states.slice(18).join(' ')}`;
            assert.ok(states.slice(20, 25).includes('off_map'), what);
            assert.ok(!states.slice(22, 20 + awayFrames).includes('located'), what);
            assert.ok(states.slice(20 + awayFrames, 25 + awayFrames).includes('located'), what);
            assert.ok(
              accepted(judged.slice(20 + awayFrames)).every(({ isRight }) => isRight),
              what,
            );
          }
        }
      }
    });
  }

  it('is sure where it has reason to be: campus robot within 6 m', async function () {
    const path = sharedPath(this, 'data', 'nakamura_campus_robot');
    const map = await sets.open({ path, role: 'database' });
    const frames = await searchMap(map, await asked({ path, role: 'query' }));
    const judged = localize(map, frames, { sequence: true, tolerance: TOLERANCE.robotMetres });
    const located = accepted(judged);
    assert.ok(located.length >= 0.9 * judged.length);
  });
});
