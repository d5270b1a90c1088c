/** @file Composition and inversion of rigid poses: `mapFromBase = composePoses(mapFromOdom, odomFromBase)`. */
import type { Pose } from './Pose.ts';
import { conjugate, multiplyQuaternions, quaternionFromYaw, rotateVector, yawFromQuaternion } from './quaternion.ts';
import type { Quaternion } from './quaternion.ts';

export const IDENTITY_POSE: Pose = { x: 0, y: 0, z: 0, qx: 0, qy: 0, qz: 0, qw: 1 };

export function createPose(
  position: { readonly x: number; readonly y: number; readonly z: number },
  q: Quaternion,
): Pose {
  return { x: position.x, y: position.y, z: position.z, qx: q[0], qy: q[1], qz: q[2], qw: q[3] };
}

/** A pose in the plane. */
export function planarPose(x: number, y: number, yawRad: number): Pose {
  return createPose({ x, y, z: 0 }, quaternionFromYaw(yawRad));
}

export function orientationOf(pose: Pose): Quaternion {
  return [pose.qx, pose.qy, pose.qz, pose.qw];
}

/** ENU yaw of a pose; NaN when the pose has no heading. */
export function yawOf(pose: Pose): number {
  return yawFromQuaternion(orientationOf(pose));
}

export function hasHeading(pose: Pose): boolean {
  return Number.isFinite(pose.qx + pose.qy + pose.qz + pose.qw);
}

/** aFromC = aFromB . bFromC */
export function composePoses(aFromB: Pose, bFromC: Pose): Pose {
  const [x, y, z] = rotateVector(orientationOf(aFromB), [bFromC.x, bFromC.y, bFromC.z]);
  const q = multiplyQuaternions(orientationOf(aFromB), orientationOf(bFromC));
  return createPose({ x: aFromB.x + x, y: aFromB.y + y, z: aFromB.z + z }, q);
}

/** bFromA of aFromB. */
export function invertPose(aFromB: Pose): Pose {
  const inverse = conjugate(orientationOf(aFromB));
  const [x, y, z] = rotateVector(inverse, [-aFromB.x, -aFromB.y, -aFromB.z]);
  return createPose({ x, y, z }, inverse);
}

/** firstFromSecond of two poses in one frame. */
export function relativePose(first: Pose, second: Pose): Pose {
  return composePoses(invertPose(first), second);
}

export function distanceM(a: Pose, b: Pose): number {
  return Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z);
}

export function horizontalDistanceM(
  a: { readonly x: number; readonly y: number },
  b: { readonly x: number; readonly y: number },
): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
