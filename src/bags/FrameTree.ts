/** @file The rigid part of a robot: frames joined by /tf_static. */
import { IDENTITY_POSE, composePoses, invertPose } from '../geo/poseAlgebra.ts';
import type { Pose } from '../geo/Pose.ts';
import { withoutSlash, type StaticTransform } from './parseMessages.ts';

export class FrameTree {
  readonly #parentOf = new Map<string, StaticTransform>();

  /** A later transform of the same child replaces the earlier one, as in tf2. */
  add(transform: StaticTransform): void {
    this.#parentOf.set(transform.child, transform);
  }

  get size(): number {
    return this.#parentOf.size;
  }

  /** `targetFromSource`: the pose of `source` in `target`; null when no chain of transforms joins them. */
  lookup(target: string, source: string): Pose | null {
    const targetUp = this.#climb(withoutSlash(target));
    const sourceUp = this.#climb(withoutSlash(source));
    for (const [frame, frameFromSource] of sourceUp) {
      const frameFromTarget = targetUp.get(frame);
      if (frameFromTarget !== undefined) return composePoses(invertPose(frameFromTarget), frameFromSource);
    }
    return null;
  }

  /** Every ancestor of a frame, nearest first, with the frame's pose in it. */
  #climb(frame: string): Map<string, Pose> {
    const ancestors = new Map<string, Pose>([[frame, IDENTITY_POSE]]);
    let current = frame;
    let currentFromFrame: Pose = IDENTITY_POSE;
    for (;;) {
      const up = this.#parentOf.get(current);
      if (up === undefined || ancestors.has(up.parent)) return ancestors; // the root, or a loop that tf2 would refuse
      currentFromFrame = composePoses(up.parentFromChild, currentFromFrame);
      current = up.parent;
      ancestors.set(current, currentFromFrame);
    }
  }
}
