/** @file Loop closures on real drives with the default model: every revisited region, and nothing else. */
import assert from 'node:assert/strict';
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
});
