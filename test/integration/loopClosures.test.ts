/** @file Loop closures on real drives and in the synthetic town, with the default model: every revisited region, and nothing else. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentProgress } from '../../src/Progress.ts';
import { simulateTown } from '../../src/simulation/simulateTown.ts';
import { DescribedSets } from '../support/describedSets.ts';
import { detectLoops, driftingOdometry, judgeLoops } from '../support/driveLoops.ts';
import { sharedPath } from '../support/sharedData.ts';

describe('loop closures', function () {
  this.timeout(300_000);
  const sets = new DescribedSets();
  after(() => sets.dispose());

  it('rtabmap_hallway: the second lap is found, and nothing else', async function () {
    const map = await sets.open({ path: sharedPath(this, 'data', 'rtabmap_hallway') }, { calibrated: false });
    const frameOf = new Map(map.places.map(({ id, frame }) => [id, frame!]));
    const good = (await detectLoops(map, null)).filter(({ accepted }) => accepted);
    // One lap is 39 frames; the last frames are of a third lap.
    for (const { fromPlace, toPlace } of good) {
      const lag = (frameOf.get(fromPlace)! - frameOf.get(toPlace)! + 19) % 39;
      assert.ok(Math.abs(lag - 19) <= 2, `frame ${frameOf.get(fromPlace)} closed with ${frameOf.get(toPlace)}`);
    }
    const closed = new Set(good.map(({ fromPlace }) => frameOf.get(fromPlace)!));
    const lap = Array.from({ length: 32 }, (_, index) => 43 + index);
    assert.ok(lap.filter((frame) => closed.has(frame)).length >= 24, `closed: ${[...closed].join(' ')}`);
  });

  it('rtabmap_hallway: a map of all laps knows that they are one, and expects to find its places', async function () {
    const { calibration } = await sets.open({ path: sharedPath(this, 'data', 'rtabmap_hallway') });
    const { revisits = [], samples } = calibration!;
    assert.ok(revisits.length >= 24, `${revisits.length} revisits`);
    assert.ok(samples.right >= 0.75 * samples.retrievals, `${samples.right} of ${samples.retrievals} right`);
  });

  it('nakamura_campus_robot: the end of the drive closes with its beginning, and nothing else', async function () {
    const map = await sets.open({ path: sharedPath(this, 'data', 'nakamura_campus_robot') }, { calibrated: false });
    const poses = map.places.map(({ pose }) => pose!);
    const closures = await detectLoops(map, driftingOdometry(poses));
    const { falseOnes } = judgeLoops(map.places, closures, { sameM: 6, falseM: 10 });
    assert.deepEqual(falseOnes, []);
    const frameOf = new Map(map.places.map(({ id, frame }) => [id, frame!]));
    const good = closures.filter(({ accepted }) => accepted);
    const ends = good.map(({ fromPlace, toPlace }) => [frameOf.get(fromPlace)!, frameOf.get(toPlace)!]);
    // The robot stops 5 m before it is back where it started: the last two frames see the first again.
    assert.ok(
      ends.some(([from, to]) => from! >= 70 && to! <= 3),
      `closed: ${ends.join(' ')}`,
    );
    // Without odometry two frames are no proof.
    const blind = await detectLoops(map, null);
    assert.deepEqual(judgeLoops(map.places, blind, { sameM: 6, falseM: 10 }).falseOnes, []);
  });

  it('the town: a street driven twice, with odometry and without', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'netvlad-loops-'));
    try {
      const settings = {
        ...{ seed: 1, frames: 300, conditions: ['day'] as const, width: 320, height: 240, spacingM: 3 },
        ...{ districts: 1, testDistricts: 0, blocks: null, excursion: false, deviation: 1, jpegQuality: 88 },
        datum: { latDeg: 47.5, lonDeg: 8.5, altM: 430 },
      };
      const run = { signal: new AbortController().signal, progress: silentProgress };
      await simulateTown(settings, { folder: join(folder, 'town'), bag: null }, run);
      const map = await sets.open({ path: join(folder, 'town') }, { calibrated: false });
      for (const odometry of [null, driftingOdometry(map.places.map(({ pose }) => pose!))]) {
        const judged = judgeLoops(map.places, await detectLoops(map, odometry), { sameM: 4, falseM: 10 });
        assert.ok(judged.regions.length > 0, 'the drive comes back to streets it knows');
        assert.equal(judged.regionsFound, judged.regions.length);
        assert.deepEqual(judged.falseOnes, []);
        const share = judged.revisitsClosed / judged.revisits;
        assert.ok(share >= 0.7, `${judged.revisitsClosed} of ${judged.revisits} revisits closed`);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
