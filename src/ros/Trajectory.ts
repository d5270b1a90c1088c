/** @file Where the robot was located since the sequence began: for viewers, which have no trail of their own for poses. */
import { parseRosTime } from '../bags/rosTime.ts';
import type { Path, PoseWithCovarianceStamped, Vector3 } from './messages.ts';

/** A pose nearer to the one before adds nothing that one could see. */
const SPACING_M = 0.5;
/** 80 KB a message; the oldest make room. */
const MOST_POSES = 1000;

function distance(a: Vector3, b: Vector3): number {
  return Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z);
}

/**
 * A nav_msgs/Path has no gaps: viewers join the pose before an excursion to the one behind it by a straight line. The trail is kept
 * nevertheless, for most of it is of use; the stamps of its poses tell where it was not located.
 */
export class Trajectory {
  #poses: Path['poses'][number][] = [];

  /** A pose as it was published. One that is older than the last begins a new trail: a recording has started anew. */
  add({ header, pose: { pose } }: PoseWithCovarianceStamped): void {
    const last = this.#poses.at(-1);
    if (last !== undefined && parseRosTime(header.stamp) < parseRosTime(last.header.stamp)) this.clear();
    else if (last !== undefined && distance(last.pose.position, pose.position) < SPACING_M) return;
    this.#poses.push({ header, pose });
    if (this.#poses.length > MOST_POSES) this.#poses.shift();
  }

  /** Null while there is nothing to show. Dated as its last pose. */
  toMessage(): Path | null {
    const header = this.#poses.at(-1)?.header;
    return header === undefined ? null : { header, poses: [...this.#poses] };
  }

  clear(): void {
    this.#poses = [];
  }
}
