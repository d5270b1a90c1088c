/** @file Mean and covariance of a weighted set of places: moments of a mixture, plus a floor that says what the map cannot. */
import { circularMean } from '../geo/angles.ts';
import { poseCovariance } from '../geo/covariance.ts';
import { createPose } from '../geo/poseAlgebra.ts';
import type { Pose } from '../geo/Pose.ts';
import { quaternionFromYaw } from '../geo/quaternion.ts';
import type { MapGeometry } from './MapGeometry.ts';

export interface WeightedRow {
  readonly row: number;
  readonly weight: number;
}

export interface PoseEstimate {
  /** z is the mean height; roll and pitch are those of no place in particular: zero. */
  readonly pose: Pose;
  /** [6, 6] x y z rotX rotY rotZ. */
  readonly covariance: Float64Array;
}

/** Variances of what place recognition cannot see, and of a heading that the map does not know. */
const ROLL_PITCH_VARIANCE = (10 * Math.PI) ** 2 / 180 ** 2;
const YAW_FLOOR_RAD = (10 * Math.PI) / 180;
const UNKNOWN_YAW_VARIANCE = Math.PI ** 2;
/** Beyond these a map's numbers are no measurements. */
const HIGHEST_M = 1e5;
const LARGEST_SIGMA_M = 1e4;

/**
 * P = sum w_j (P_j + (x_j - m)(x_j - m)^T), P_j = sigma_j^2 I of the place's own position, plus `errorM`^2 I: how far from
 * its places a right answer is. Null when no row has a position. Without a heading the quaternion is the identity and
 * the yaw variance pi^2.
 */
export function estimatePose(
  geometry: MapGeometry,
  weighted: readonly WeightedRow[],
  errorM: number,
): PoseEstimate | null {
  const placed = weighted.filter(({ row, weight }) => geometry.chart[row] === 0 && weight > 0);
  const total = placed.reduce((sum, { weight }) => sum + weight, 0);
  if (!(total > 0)) return null;
  const shares = placed.map(({ row, weight }) => ({ row, share: weight / total }));
  const mean = { x: 0, y: 0, z: 0 };
  for (const { row, share } of shares) {
    mean.x += share * geometry.x[row]!;
    mean.y += share * geometry.y[row]!;
    mean.z += share * heightOf(geometry, row);
  }
  const planar = { xx: errorM ** 2, xy: 0, yy: errorM ** 2 };
  let zz = errorM ** 2;
  for (const { row, share } of shares) {
    const [dx, dy] = [geometry.x[row]! - mean.x, geometry.y[row]! - mean.y];
    const own = positionSigma(geometry, row) ** 2;
    planar.xx += share * (own + dx * dx);
    planar.xy += share * dx * dy;
    planar.yy += share * (own + dy * dy);
    zz += share * (own + (heightOf(geometry, row) - mean.z) ** 2);
  }
  const { yawRad, variance } = estimateYaw(geometry, shares);
  return {
    pose: createPose(mean, quaternionFromYaw(yawRad)),
    covariance: poseCovariance(planar, { z: zz, rollPitch: ROLL_PITCH_VARIANCE, yaw: variance }),
  };
}

/** Circular mean; the variance of a wrapped Gaussian of that resultant, -2 ln R, plus a floor. */
function estimateYaw(
  geometry: MapGeometry,
  shares: readonly { readonly row: number; readonly share: number }[],
): { readonly yawRad: number; readonly variance: number } {
  const { meanRad, resultant } = circularMean(
    shares.map(({ row }) => geometry.yaw[row]!),
    shares.map(({ share }) => share),
  );
  if (!(resultant > 1e-3)) return { yawRad: 0, variance: UNKNOWN_YAW_VARIANCE };
  return { yawRad: meanRad, variance: Math.min(UNKNOWN_YAW_VARIANCE, YAW_FLOOR_RAD ** 2 - 2 * Math.log(resultant)) };
}

function heightOf(geometry: MapGeometry, row: number): number {
  const z = geometry.places[row]!.pose?.z ?? 0;
  return Math.abs(z) <= HIGHEST_M ? z : 0;
}

function positionSigma(geometry: MapGeometry, row: number): number {
  const sigma = geometry.places[row]!.positionSigmaM ?? 0;
  return sigma > 0 ? Math.min(sigma, LARGEST_SIGMA_M) : 0;
}
