/** @file Covariances: planar 2x2, pose 6x6 (x y z rotX rotY rotZ, fixed axes, row-major: REP-103), ellipses. */
import { rotationMatrix } from './quaternion.ts';
import type { Quaternion } from './quaternion.ts';

/** Symmetric 2x2 [xx, xy, yy]. */
export interface Covariance2 {
  readonly xx: number;
  readonly xy: number;
  readonly yy: number;
}

/** Quantile of chi-square with two degrees of freedom: -2 ln(1 - p). The 95 % ellipse is 5.991. */
export function chiSquare2Quantile(probability: number): number {
  return -2 * Math.log(1 - probability);
}

export interface Ellipse {
  /** Half axes, metres. */
  readonly majorM: number;
  readonly minorM: number;
  /** Direction of the major axis, ENU radians. */
  readonly angleRad: number;
}

/** The ellipse that holds `probability` of a Gaussian (0.95: `robot_localization`, RViz and our coverage tests). */
export function covarianceEllipse(covariance: Covariance2, probability: number): Ellipse {
  const { xx, xy, yy } = covariance;
  const mean = (xx + yy) / 2;
  const spread = Math.hypot((xx - yy) / 2, xy);
  const scale = chiSquare2Quantile(probability);
  return {
    majorM: Math.sqrt(scale * Math.max(0, mean + spread)),
    minorM: Math.sqrt(scale * Math.max(0, mean - spread)),
    angleRad: Math.atan2(2 * xy, xx - yy) / 2,
  };
}

/** Squared Mahalanobis distance of (dx, dy); Infinity for a covariance that is not positive definite. */
export function mahalanobis2(covariance: Covariance2, dx: number, dy: number): number {
  const { xx, xy, yy } = covariance;
  const determinant = xx * yy - xy * xy;
  if (!(determinant > 0) || !(xx > 0)) return Number.POSITIVE_INFINITY;
  return (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / determinant;
}

/** True when symmetric by construction, finite and positive definite. */
export function isPositiveDefinite2({ xx, xy, yy }: Covariance2): boolean {
  return xx > 0 && yy > 0 && xx * yy - xy * xy > 0 && Number.isFinite(xx + xy + yy);
}

export function addCovariance2(a: Covariance2, b: Covariance2): Covariance2 {
  return { xx: a.xx + b.xx, xy: a.xy + b.xy, yy: a.yy + b.yy };
}

/** R P R^T for a rotation by `yawRad`. */
export function rotateCovariance2(covariance: Covariance2, yawRad: number): Covariance2 {
  const [c, s] = [Math.cos(yawRad), Math.sin(yawRad)];
  const { xx, xy, yy } = covariance;
  return {
    xx: c * c * xx - 2 * c * s * xy + s * s * yy,
    xy: c * s * (xx - yy) + (c * c - s * s) * xy,
    yy: s * s * xx + 2 * c * s * xy + c * c * yy,
  };
}

/** [6, 6] with the planar block, and independent z, roll, pitch and yaw variances (m^2, rad^2). */
export function poseCovariance(
  planar: Covariance2,
  variances: { readonly z: number; readonly rollPitch: number; readonly yaw: number },
): Float64Array {
  const out = new Float64Array(36);
  out[0] = planar.xx;
  out[1] = planar.xy;
  out[6] = planar.xy;
  out[7] = planar.yy;
  out[14] = variances.z;
  out[21] = variances.rollPitch;
  out[28] = variances.rollPitch;
  out[35] = variances.yaw;
  return out;
}

/** The planar block of a [6, 6] covariance. */
export function planarBlock(covariance: Float64Array): Covariance2 {
  return { xx: covariance[0]!, xy: (covariance[1]! + covariance[6]!) / 2, yy: covariance[7]! };
}

/** Position and rotation blocks of a [6, 6] covariance expressed in a rotated frame: diag(R, R) P diag(R, R)^T. */
export function rotateCovariance6(covariance: Float64Array, rotation: Quaternion): Float64Array {
  const r = rotationMatrix(rotation);
  const out = new Float64Array(36);
  for (const blockRow of [0, 3]) {
    for (const blockColumn of [0, 3]) rotateBlock(covariance, { r, out, blockRow, blockColumn });
  }
  return out;
}

function rotateBlock(
  p: Float64Array,
  target: { r: Float64Array; out: Float64Array; blockRow: number; blockColumn: number },
): void {
  const { r, out, blockRow, blockColumn } = target;
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      let sum = 0;
      for (let k = 0; k < 3; k++) {
        for (let l = 0; l < 3; l++) sum += r[i * 3 + k]! * p[(blockRow + k) * 6 + blockColumn + l]! * r[j * 3 + l]!;
      }
      out[(blockRow + i) * 6 + blockColumn + j] = sum;
    }
  }
}

/** Symmetric and positive definite, by Cholesky. `p` is [n, n] row-major. */
export function isPositiveDefinite(p: Float64Array, n: number): boolean {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const asymmetry = Math.abs(p[i * n + j]! - p[j * n + i]!);
      if (!(asymmetry <= 1e-9 * (Math.abs(p[i * n + j]!) + 1e-300))) return false;
      let sum = p[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= l[i * n + k]! * l[j * n + k]!;
      if (i === j && !(sum > 0 && Number.isFinite(sum))) return false;
      l[i * n + j] = i === j ? Math.sqrt(sum) : sum / l[j * n + j]!;
    }
  }
  return true;
}
