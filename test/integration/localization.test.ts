/**
 * @file The localizer on real photographs with the default model and the same settings for every set: what it accepts is
 * right, what is not on the map is refused, a kidnapped camera is found, loops are closed and only loops.
 */
import assert from 'node:assert/strict';
import { computeReliability } from '../../src/evaluation/calibrationError.ts';
import { geodesicDistanceM } from '../../src/geo/geodesicDistance.ts';
import { createLocalizer } from '../../src/localization/createLocalizer.ts';
import type { Decision } from '../../src/localization/Localizer.ts';
import { LoopClosureDetector, type LoopClosure } from '../../src/localization/LoopClosureDetector.ts';
import type { Place } from '../../src/map/Place.ts';
import type { PlaceMap } from '../../src/map/PlaceMap.ts';
import { DescribedSets, type Retrieval, type SetPart } from '../support/describedSets.ts';
import { sharedPath } from '../support/sharedData.ts';

/** How far a place may be from the query to be right: metres where there are positions, frames otherwise. */
const TOLERANCE = { metres: 25, robotMetres: 6, frames: 5 } as const;
const FRAME_NS = 500_000_000n;

interface Judged {
  readonly decision: Decision;
  readonly isRight: boolean;
}

/** Metres where there are positions (maps of one set have origins of their own), frames otherwise. */
function apart(a: Place, b: Place): number {
  if (a.geo !== null && b.geo !== null) return geodesicDistanceM(a.geo, b.geo);
  if (a.pose !== null && b.pose !== null) return Math.hypot(a.pose.x - b.pose.x, a.pose.y - b.pose.y);
  return Math.abs(a.frame! - b.frame!);
}

function localize(
  map: PlaceMap,
  frames: readonly Retrieval[],
  given: { sequence: boolean; tolerance: number },
): Judged[] {
  const { sequence, tolerance } = given;
  const { places, calibration } = map;
  const localizer = createLocalizer({ places, calibration, options: { sequence } });
  return frames.map(({ query, matches }, index) => {
    const observation = { stampNs: BigInt(index) * FRAME_NS, matches, odometry: null, fix: null };
    const decision = localizer.process(observation);
    const best = decision.hypotheses[0];
    return { decision, isRight: best !== undefined && apart(map.place(best.place), query) <= tolerance };
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
    const frames = searched.get(condition) ?? sets.search(map, await asked(gardens(test, condition)));
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
        const cut = [...frames.slice(from, from + 20), ...frames.slice(to, to + 20)];
        const after = localize(map, cut, { sequence: true, tolerance: TOLERANCE.frames }).slice(20);
        const wrong = accepted(after).filter(({ isRight }) => !isRight);
        assert.ok(wrong.length <= 2, `${from} -> ${to}: accepted at a wrong place in ${wrong.length} frames`);
        const found = after.findIndex(({ decision, isRight }) => decision.state === 'located' && isRight);
        assert.ok(found >= 0 && found < 10, `${from} -> ${to}: found after ${found + 1} frames`);
      }
    });
  }

  it('cambridge_west, single street views of another split', async function () {
    const path = sharedPath(this, 'data', 'cambridge_west');
    const map = await sets.open({ path, role: 'validation_database' });
    const frames = await sets.search(map, await asked({ path, role: 'validation_query' }));
    const judged = localize(map, frames, { sequence: false, tolerance: TOLERANCE.metres });
    assertAcceptance(judged, { precision: 0.97, accepted: 0.2 });
    assert.ok(calibrationError(judged) <= 0.08, `ECE ${calibrationError(judged)}`);
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
        const frames = await sets.search(map, queryMap, { stride: Math.ceil(queryMap.size / 25) });
        for (const sequence of [true, false]) {
          const located = accepted(localize(map, frames, { sequence, tolerance: 0 }));
          const share = located.length / frames.length;
          assert.ok(share <= 0.01, `${name} on the map of ${mapName}: ${located.length} of ${frames.length} accepted`);
        }
      }
    }
  });

  it('driving off the map and back: off_map, and located again', async function () {
    const [map, frames] = await gardensFrames(this, 'day_left');
    const street = { path: sharedPath(this, 'data', 'cambridge_west'), role: 'validation_query' };
    const away = await sets.search(map, await asked(street), { stride: 10 });
    const drive = [...frames.slice(20, 40), ...away.slice(0, 20), ...frames.slice(60, 80)];
    const states = localize(map, drive, { sequence: true, tolerance: TOLERANCE.frames }).map(
      ({ decision }) => decision.state,
    );
    assert.ok(states.slice(20, 26).includes('off_map'), states.slice(20, 40).join(' '));
    assert.ok(states.slice(40, 46).includes('located'), states.slice(40).join(' '));
    assert.ok(!states.slice(23, 40).includes('located'), states.slice(20, 40).join(' '));
  });

  describe('loop closures', () => {
    async function closures(
      test: Mocha.Context,
      set: string,
    ): Promise<{ places: readonly Place[]; found: LoopClosure[] }> {
      const drive = await asked({ path: sharedPath(test, 'data', set) });
      const earlier = (place: number, query: Place): boolean => place < query.id - 10;
      const frames = await sets.search(drive, drive, { filter: earlier });
      const detector = new LoopClosureDetector({}, null);
      const found = frames.flatMap(({ query, matches }, index) => {
        const stampNs = BigInt(index) * 2n * FRAME_NS;
        return detector.process({ place: query.id, stampNs, odometry: null, matches }) ?? [];
      });
      return { places: drive.places, found };
    }

    it('rtabmap_hallway: the second lap is found, and nothing else', async function () {
      const { places, found } = await closures(this, 'rtabmap_hallway');
      const frameOf = new Map(places.map(({ id, frame }) => [id, frame!]));
      const good = found.filter(({ accepted: isAccepted }) => isAccepted);
      // One lap is 39 frames; the last frames are of a third lap.
      for (const { fromPlace, toPlace } of good) {
        const lag = (frameOf.get(fromPlace)! - frameOf.get(toPlace)! + 19) % 39;
        assert.ok(Math.abs(lag - 19) <= 2, `frame ${frameOf.get(fromPlace)} closed with ${frameOf.get(toPlace)}`);
      }
      const closed = new Set(good.map(({ fromPlace }) => frameOf.get(fromPlace)!));
      const lap = Array.from({ length: 32 }, (_, index) => 43 + index);
      assert.ok(lap.filter((frame) => closed.has(frame)).length >= 24, `closed: ${[...closed].join(' ')}`);
    });

    it('nakamura_campus_robot: the end of the drive is a candidate for its beginning, nothing false is accepted', async function () {
      const { places, found } = await closures(this, 'nakamura_campus_robot');
      const placeOf = new Map(places.map((place) => [place.id, place]));
      for (const closure of found.filter(({ accepted: isAccepted }) => isAccepted)) {
        const distance = apart(placeOf.get(closure.fromPlace)!, placeOf.get(closure.toPlace)!);
        assert.ok(distance <= 10, `${closure.fromPlace} closed with ${closure.toPlace}, ${distance} m away`);
      }
      const last = found.filter(({ fromPlace }) => fromPlace >= 71).map(({ toPlace }) => toPlace);
      assert.ok(
        last.some((place) => place <= 3),
        `candidates of the last two frames: ${last.join(' ')}`,
      );
    });
  });

  it('is sure where it has reason to be: campus robot within 6 m', async function () {
    const path = sharedPath(this, 'data', 'nakamura_campus_robot');
    const map = await sets.open({ path, role: 'database' });
    const frames = await sets.search(map, await asked({ path, role: 'query' }));
    const judged = localize(map, frames, { sequence: true, tolerance: TOLERANCE.robotMetres });
    const located = accepted(judged);
    assert.ok(located.length >= 0.9 * judged.length);
  });
});
