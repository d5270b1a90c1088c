/** @file A drive through the synthetic town with the default model: its loop closures, and a later drive at dusk that leaves the map. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wrapAngle } from '../../src/geo/angles.ts';
import { createDatum, toEnu } from '../../src/geo/LocalDatum.ts';
import { chiSquare2Quantile, mahalanobis2, planarBlock } from '../../src/geo/covariance.ts';
import { yawOf } from '../../src/geo/poseAlgebra.ts';
import { createLocalizer } from '../../src/localization/createLocalizer.ts';
import type { Place } from '../../src/map/Place.ts';
import type { PlaceMap } from '../../src/map/PlaceMap.ts';
import { silentProgress } from '../../src/Progress.ts';
import { simulateTown } from '../../src/simulation/simulateTown.ts';
import { DescribedSets, searchMap } from '../support/describedSets.ts';
import { detectLoops, driftingOdometry, judgeLoops } from '../support/driveLoops.ts';

/** Farther from every place, the camera is off the map. */
const GONE_M = 10;
/** Nearer to a place and looking its way, it is back. */
const BACK_M = 4;
const SAME_WAY_RAD = Math.PI / 6;

describe('the town', function () {
  this.timeout(400_000);
  const sets = new DescribedSets();
  let folder = '';
  let map: PlaceMap;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'netvlad-town-'));
    const settings = {
      ...{ seed: 1, frames: 300, conditions: ['day', 'dusk'] as const, width: 320, height: 240, spacingM: 3 },
      ...{ districts: 1, testDistricts: 0, blocks: null, excursion: true, deviation: 1, jpegQuality: 88 },
      datum: { latDeg: 47.5, lonDeg: 8.5, altM: 430 },
    };
    const run = { signal: new AbortController().signal, progress: silentProgress };
    await simulateTown(settings, { folder: join(folder, 'town'), bag: null }, run);
    map = await sets.open({ path: join(folder, 'town'), role: 'database' });
  });
  after(async () => {
    await sets.dispose();
    await rm(folder, { recursive: true });
  });

  it('closes the streets driven twice and no others, with odometry and without', async () => {
    for (const odometry of [null, driftingOdometry(map.places.map(({ pose }) => pose!))]) {
      const judged = judgeLoops(map.places, await detectLoops(map, odometry), { sameM: 4, falseM: 10 });
      assert.ok(judged.regions.length > 0, 'the drive comes back to streets it knows');
      assert.equal(judged.regionsFound, judged.regions.length);
      assert.deepEqual(judged.falseOnes, []);
      const share = judged.revisitsClosed / judged.revisits;
      assert.ok(share >= 0.7, `${judged.revisitsClosed} of ${judged.revisits} revisits closed`);
    }
  });

  it('at dusk: off_map within 5 frames of leaving the mapped streets, located within 5 of coming back', async () => {
    const drive = await sets.open({ path: join(folder, 'town'), role: 'query' }, { calibrated: false });
    const frames = await searchMap(map, drive);
    const datum = createDatum(map.manifest.datum!);
    const nearest = (query: Place, counts: (place: Place) => boolean): number => {
      const at = toEnu(datum, query.geo!);
      const distances = map.places.filter(counts).map(({ pose }) => Math.hypot(pose!.x - at.x, pose!.y - at.y));
      return Math.min(...distances);
    };
    const isGone = (query: Place): boolean => nearest(query, () => true) > GONE_M;
    const isBack = (query: Place): boolean =>
      nearest(query, ({ pose }) => Math.abs(wrapAngle(yawOf(pose!) - yawOf(query.pose!))) <= SAME_WAY_RAD) <= BACK_M;

    const localizer = createLocalizer({
      ...{ places: map.places, calibration: map.calibration, datum: map.manifest.datum },
    });
    const decisions = frames.map(({ query, matches }) =>
      localizer.process({ stampNs: query.stampNs!, matches, odometry: null, fix: null }),
    );
    const states = decisions.map(({ state }) => state);
    const gone = frames.findIndex(({ query }) => isGone(query));
    const stillGone = frames.findLastIndex(({ query }) => isGone(query));
    const back = stillGone + frames.slice(stillGone).findIndex(({ query }) => isBack(query));
    assert.ok(stillGone - gone > 30, `off the map from frame ${gone} to ${stillGone}`);
    assert.ok(states.slice(gone, gone + 5).includes('off_map'), states.slice(gone - 3, gone + 8).join(' '));
    assert.ok(!states.slice(gone + 2, stillGone).includes('located'), states.slice(gone, stillGone).join(' '));
    assert.ok(states.slice(back, back + 5).includes('located'), states.slice(back - 3, back + 8).join(' '));

    const located = decisions.flatMap((decision, i) => (decision.state === 'located' ? [{ decision, i }] : []));
    const right = located.filter(({ decision, i }) => {
      const [at, pose] = [toEnu(datum, frames[i]!.query.geo!), decision.pose!];
      return Math.hypot(pose.x - at.x, pose.y - at.y) <= GONE_M;
    });
    const inside = located.filter(({ decision, i }) => {
      const [at, pose] = [toEnu(datum, frames[i]!.query.geo!), decision.pose!];
      const distance2 = mahalanobis2(planarBlock(decision.covariance!), pose.x - at.x, pose.y - at.y);
      return distance2 <= chiSquare2Quantile(0.95);
    });
    const onMap = frames.filter(({ query }) => isBack(query)).length;
    assert.ok(right.length >= 0.99 * located.length, `${right.length} of ${located.length} right`);
    const coverage = inside.length / located.length;
    assert.ok(coverage >= 0.9 && coverage <= 0.99, `the 95 % ellipse holds ${coverage}`);
    assert.ok(located.length >= 0.8 * onMap, `${located.length} of ${onMap} frames located`);
  });
});
