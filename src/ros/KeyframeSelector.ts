/** @file Which frames of a drive become places: far enough, turned enough, or new enough. Pure. */
import { dot } from '../math/vectors.ts';
import type { Pose } from '../geo/Pose.ts';
import { distanceM, hasHeading, yawOf } from '../geo/poseAlgebra.ts';
import { wrapAngle } from '../geo/angles.ts';

export interface KeyframeThresholds {
  readonly distanceM: number;
  readonly turnRad: number;
  /** A frame less similar to the last keyframe than this is new, whatever the poses say. */
  readonly similarity: number;
}

export interface KeyframeCandidate {
  /** Null where the frame has no pose: then only the descriptor speaks. */
  readonly pose: Pose | null;
  /** [D] unit L2. */
  readonly descriptor: Float32Array;
}

/** Why a frame is a keyframe after another; null when it is not. */
export function findNovelty(
  last: KeyframeCandidate | null,
  next: KeyframeCandidate,
  thresholds: KeyframeThresholds,
): 'first' | 'distance' | 'turn' | 'novelty' | null {
  if (last === null) return 'first';
  const [before, now] = [last.pose, next.pose];
  if (before === null && now !== null) return 'first'; // the poses begin: there is nothing to measure from yet
  if (before !== null && now !== null) {
    if (distanceM(before, now) >= thresholds.distanceM) return 'distance';
    const turned = hasHeading(before) && hasHeading(now) ? Math.abs(wrapAngle(yawOf(now) - yawOf(before))) : 0;
    if (turned >= thresholds.turnRad && thresholds.turnRad > 0) return 'turn';
  }
  return dot(last.descriptor, next.descriptor) < thresholds.similarity ? 'novelty' : null;
}
