/** @file One traverse of the town: where the camera is at every frame, exactly. */
import type { Pose } from '../geo/Pose.ts';
import { multiplyQuaternions, quaternionFromYaw } from '../geo/quaternion.ts';
import { createPose } from '../geo/poseAlgebra.ts';
import { createRandom } from '../math/random.ts';
import { valueNoise } from './noise.ts';
import type { Path } from './Path.ts';

/** Height of the camera above the road. */
export const CAMERA_HEIGHT_M = 1.65;
/** Middle of the right lane, measured from the middle of the street. */
const LANE_M = 1.5;

export interface DriveSettings {
  readonly path: Path;
  readonly frames: number;
  readonly spacingM: number;
  readonly speedMPerS: number;
  readonly startNs: bigint;
  readonly seed: number;
  /** How much this traverse differs from the first: 0 = drives as the map was made, 1 = other lane, other headings. */
  readonly deviation: number;
}

export interface DriveFrame {
  readonly stampNs: bigint;
  /** Camera in the map frame of its town, body axes (x forward). */
  readonly pose: Pose;
  /** Metres along the path. */
  readonly alongM: number;
  /** Leg of the path: the street between two crossings. */
  readonly leg: number;
}

/** A smooth function of the way in [-1, 1]. */
function sway(alongM: number, periodM: number, seed: number): number {
  return valueNoise(alongM / periodM, 0.5, seed) * 2 - 1;
}

function pitched(pitchRad: number): readonly [number, number, number, number] {
  return [0, Math.sin(pitchRad / 2), 0, Math.cos(pitchRad / 2)];
}

export function planDrive(settings: DriveSettings): DriveFrame[] {
  const { path, frames, spacingM, speedMPerS, startNs, deviation } = settings;
  const random = createRandom(settings.seed).fork('drive');
  const seed = random.int(2 ** 31);
  const phaseM = deviation === 0 ? 0 : spacingM * 0.5;
  const leanRad = deviation * (random.next() < 0.5 ? 1 : -1) * 0.06;
  const lift = deviation * (random.next() - 0.5) * 0.3;
  return Array.from({ length: frames }, (_unused, i) => {
    const alongM = Math.min(path.lengthM, i * spacingM + phaseM + deviation * 0.4 * spacingM * sway(i, 3, seed + 1));
    const shiftM = -deviation * (1.5 + 0.7 * sway(alongM, 60, seed + 2));
    const point = path.at(alongM, LANE_M + shiftM + 0.2 * sway(alongM, 25, seed + 3));
    const yaw = point.yawRad + leanRad + (0.015 + 0.1 * deviation) * sway(alongM, 14, seed + 4);
    const pitchRad = 0.01 * sway(alongM, 4, seed + 5);
    const q = multiplyQuaternions(quaternionFromYaw(yaw), pitched(pitchRad));
    return {
      stampNs: startNs + BigInt(Math.round((alongM / speedMPerS) * 1e9)),
      pose: createPose({ x: point.x, y: point.y, z: CAMERA_HEIGHT_M + lift }, q),
      alongM,
      leg: point.leg,
    };
  });
}
