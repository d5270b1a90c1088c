/** @file The trail of located poses that viewers draw. */
import assert from 'node:assert/strict';
import type { PoseWithCovarianceStamped } from '../../../src/ros/messages.ts';
import { Trajectory } from '../../../src/ros/Trajectory.ts';

function poseAt(sec: number, x: number): PoseWithCovarianceStamped {
  const pose = { position: { x, y: 0, z: 0 }, orientation: { x: 0, y: 0, z: 0, w: 1 } };
  return {
    header: { stamp: { sec, nanosec: 0 }, frame_id: 'map' },
    pose: { pose, covariance: new Float64Array(36) },
  };
}

/** The x of each pose of the trail after these (second, x) were added; null = no message. */
function trailOf(added: readonly (readonly [number, number])[]): readonly number[] | null {
  const trajectory = new Trajectory();
  for (const [sec, x] of added) trajectory.add(poseAt(sec, x));
  return trajectory.toMessage()?.poses.map(({ pose }) => pose.position.x) ?? null;
}

describe('Trajectory', () => {
  it('leaves out steps shorter than half a metre', () => {
    assert.deepEqual(trailOf([1, 2, 3, 4, 5].map((sec) => [sec, 0.3 * sec])), [0.3, 0.8999999999999999, 1.5]);
  });

  it('goes on behind an excursion, with the stamps that tell of the gap', () => {
    const trajectory = new Trajectory();
    for (const [sec, x] of [[1, 0], [2, 5], [60, 90], [61, 95]] as const) trajectory.add(poseAt(sec, x)); // prettier-ignore
    assert.deepEqual(
      trajectory.toMessage()!.poses.map(({ header, pose }) => [header.stamp.sec, pose.position.x]),
      [[1, 0], [2, 5], [60, 90], [61, 95]], // prettier-ignore
    );
  });

  it('begins anew when time jumps back', () => {
    assert.deepEqual(trailOf([[10, 0], [11, 5], [3, 5.1], [4, 7]]), [5.1, 7]); // prettier-ignore
  });

  it('keeps the latest thousand', () => {
    const trail = trailOf(Array.from({ length: 1200 }, (_, i) => [i, i]))!;
    assert.deepEqual([trail.length, trail[0], trail.at(-1)], [1000, 200, 1199]);
  });

  it('has nothing to show before the first pose, and after it was cleared', () => {
    assert.equal(trailOf([]), null);
    const trajectory = new Trajectory();
    trajectory.add(poseAt(1, 0));
    trajectory.clear();
    assert.equal(trajectory.toMessage(), null);
  });
});
