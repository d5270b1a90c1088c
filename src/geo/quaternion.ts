/** @file Unit quaternions [x, y, z, w] (ROS order) as rotations. */
import { NetvladError } from '../errors.ts';

export type Quaternion = readonly [number, number, number, number];

export const IDENTITY_QUATERNION: Quaternion = [0, 0, 0, 1];

/** Rotation about z. */
export function quaternionFromYaw(yawRad: number): Quaternion {
  return [0, 0, Math.sin(yawRad / 2), Math.cos(yawRad / 2)];
}

/** Rotation about z of the fixed-axis decomposition roll, pitch, yaw; in (-pi, pi]. NaN in, NaN out. */
export function yawFromQuaternion([x, y, z, w]: Quaternion): number {
  return Math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z));
}

/** Hamilton product: apply b first, then a. */
export function multiplyQuaternions(a: Quaternion, b: Quaternion): Quaternion {
  const [ax, ay, az, aw] = a;
  const [bx, by, bz, bw] = b;
  return [
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
    aw * bw - ax * bx - ay * by - az * bz,
  ];
}

export function conjugate([x, y, z, w]: Quaternion): Quaternion {
  return [-x, -y, -z, w];
}

/** Throws `bad-input` for a zero or non-finite quaternion, which is no rotation. */
export function normalizeQuaternion([x, y, z, w]: Quaternion): Quaternion {
  const norm = Math.hypot(x, y, z, w);
  if (!(norm > 1e-12) || !Number.isFinite(norm)) {
    throw new NetvladError('bad-input', `[${[x, y, z, w].join(', ')}] is not a rotation: its length is ${norm}.`);
  }
  return [x / norm, y / norm, z / norm, w / norm];
}

export function rotateVector(q: Quaternion, v: readonly [number, number, number]): [number, number, number] {
  const [x, y, z, w] = q;
  const [vx, vy, vz] = v;
  // v + 2 w (u x v) + 2 u x (u x v)
  const tx = 2 * (y * vz - z * vy);
  const ty = 2 * (z * vx - x * vz);
  const tz = 2 * (x * vy - y * vx);
  return [vx + w * tx + y * tz - z * ty, vy + w * ty + z * tx - x * tz, vz + w * tz + x * ty - y * tx];
}

/** Row-major 3x3 rotation matrix. */
export function rotationMatrix([x, y, z, w]: Quaternion): Float64Array {
  return Float64Array.of(
    ...[1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
    ...[2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
    ...[2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
  );
}

/** Between two rotations at constant angular velocity, the short way; `t` 0 gives `a`, 1 gives `b`. */
export function slerp(a: Quaternion, b: Quaternion, t: number): Quaternion {
  const dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
  const sign = dot < 0 ? -1 : 1; // q and -q are one rotation
  const angle = Math.acos(Math.min(1, Math.abs(dot)));
  const nearlySame = angle < 1e-6;
  const weightA = nearlySame ? 1 - t : Math.sin((1 - t) * angle) / Math.sin(angle);
  const weightB = sign * (nearlySame ? t : Math.sin(t * angle) / Math.sin(angle));
  return normalizeQuaternion([
    weightA * a[0] + weightB * b[0],
    weightA * a[1] + weightB * b[1],
    weightA * a[2] + weightB * b[2],
    weightA * a[3] + weightB * b[3],
  ]);
}
