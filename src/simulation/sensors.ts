/** @file What the car's other sensors say of a drive: GNSS with noise and bias, odometry that drifts. */
import { toGeodetic, type LocalDatum } from '../geo/LocalDatum.ts';
import type { GeoPoint, Pose } from '../geo/Pose.ts';
import { composePoses, IDENTITY_POSE, planarPose, relativePose, yawOf } from '../geo/poseAlgebra.ts';
import { createRandom } from '../math/random.ts';
import type { DriveFrame } from './drive.ts';

/** White noise and slowly wandering bias of a single-frequency receiver among houses. */
const FIX_NOISE_M = 1.6;
const FIX_BIAS_M = 1.4;
const FIX_BIAS_SECONDS = 40;
/** Wheel odometry: scale error, and heading that wanders with the way driven. */
const ODOMETRY_SCALE_SIGMA = 0.01;
const ODOMETRY_NOISE_PER_M = 0.012;
const ODOMETRY_YAW_PER_ROOT_M = 0.0025;

export interface GnssFix {
  readonly stampNs: bigint;
  readonly geo: GeoPoint;
  /** [3, 3] row-major east north up, m^2. */
  readonly covariance: readonly number[];
}

export interface OdometryReading {
  readonly stampNs: bigint;
  /** odomFromBase, planar. */
  readonly pose: Pose;
  /** [6, 6] row-major, m^2 and rad^2: what the drift may have grown to. */
  readonly covariance: readonly number[];
  /** In the base frame. */
  readonly speedMPerS: number;
  readonly yawRateRadPerS: number;
  /** [6, 6] row-major of (linear, angular) velocity in the base frame: this reading's noise, not the drift. */
  readonly twistCovariance: readonly number[];
}

/** Wheels that stand still are this sure of it, (m/s)^2 and (rad/s)^2; a zero would be perfect knowledge to a filter. */
const LEAST_TWIST_VARIANCE = 1e-6;

function diagonal(variances: readonly number[]): readonly number[] {
  return Array.from({ length: 36 }, (_unused, k) => (k % 7 === 0 ? variances[k / 7]! : 0));
}

function secondsBetween(a: bigint, b: bigint): number {
  return Number(b - a) / 1e9;
}

/** The car's base: on the road below the camera, level. */
export function baseOf(camera: Pose): Pose {
  return planarPose(camera.x, camera.y, yawOf(camera));
}

/** One fix a frame that begins a new second. */
export function simulateFixes(frames: readonly DriveFrame[], datum: LocalDatum, seed: number): GnssFix[] {
  const random = createRandom(seed).fork('gnss');
  const fixes: GnssFix[] = [];
  const bias = [random.normal() * FIX_BIAS_M, random.normal() * FIX_BIAS_M];
  let last: bigint | null = null;
  for (const { stampNs, pose } of frames) {
    if (last !== null && secondsBetween(last, stampNs) < 0.999) continue;
    const keep = Math.exp(-(last === null ? 0 : secondsBetween(last, stampNs)) / FIX_BIAS_SECONDS);
    for (let c = 0; c < 2; c++) bias[c] = bias[c]! * keep + Math.sqrt(1 - keep * keep) * FIX_BIAS_M * random.normal();
    last = stampNs;
    const noisy = {
      x: pose.x + bias[0]! + FIX_NOISE_M * random.normal(),
      y: pose.y + bias[1]! + FIX_NOISE_M * random.normal(),
      z: pose.z + 2 * FIX_NOISE_M * random.normal(),
    };
    const variance = FIX_NOISE_M ** 2 + FIX_BIAS_M ** 2;
    fixes.push({
      stampNs,
      geo: toGeodetic(datum, noisy),
      covariance: [variance, 0, 0, 0, variance, 0, 0, 0, 4 * variance],
    });
  }
  return fixes;
}

/** Odometry at every frame; it starts at the origin of the odom frame. */
export function simulateOdometry(frames: readonly DriveFrame[], seed: number): OdometryReading[] {
  const random = createRandom(seed).fork('odometry');
  const scale = 1 + ODOMETRY_SCALE_SIGMA * random.normal();
  let pose = IDENTITY_POSE;
  let wayM = 0;
  return frames.map((frame, i) => {
    let [speed, yawRate] = [0, 0];
    let [alongVariance, sidewaysVariance, yawRateVariance] = [0, 0, 0];
    if (i > 0) {
      const before = frames[i - 1]!;
      const step = relativePose(baseOf(before.pose), baseOf(frame.pose));
      const stepM = Math.hypot(step.x, step.y);
      const seconds = Math.max(1e-3, secondsBetween(before.stampNs, frame.stampNs));
      const yaw = yawOf(step) + ODOMETRY_YAW_PER_ROOT_M * Math.sqrt(stepM) * random.normal();
      const noiseM = ODOMETRY_NOISE_PER_M * stepM;
      const noise = { x: noiseM * random.normal(), y: noiseM * random.normal() };
      pose = composePoses(pose, planarPose(step.x * scale + noise.x, step.y * scale + noise.y, yaw));
      wayM += stepM;
      speed = (stepM * scale + noise.x) / seconds;
      yawRate = yaw / seconds;
      sidewaysVariance = (noiseM / seconds) ** 2;
      alongVariance = sidewaysVariance + ((ODOMETRY_SCALE_SIGMA * stepM) / seconds) ** 2;
      yawRateVariance = (ODOMETRY_YAW_PER_ROOT_M ** 2 * stepM) / seconds ** 2;
    }
    const positionVariance = 0.01 + (0.02 * wayM) ** 2;
    const yawVariance = 1e-4 + wayM * ODOMETRY_YAW_PER_ROOT_M ** 2;
    const variances = [positionVariance, positionVariance, 0.01, 0.001, 0.001, yawVariance];
    const twistVariances = [alongVariance, sidewaysVariance, 0, 0, 0, yawRateVariance];
    return {
      stampNs: frame.stampNs,
      pose,
      covariance: diagonal(variances),
      speedMPerS: speed,
      yawRateRadPerS: yawRate,
      twistCovariance: diagonal(twistVariances.map((variance) => Math.max(LEAST_TWIST_VARIANCE, variance))),
    };
  });
}
