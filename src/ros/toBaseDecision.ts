/** @file A decision about the camera, turned into one about the robot's base. Pure. */
import { composePoses } from '../geo/poseAlgebra.ts';
import { rotateVector } from '../geo/quaternion.ts';
import type { Pose } from '../geo/Pose.ts';
import type { Decision } from '../localization/Localizer.ts';

function hasOrientation(pose: Pose): boolean {
  return !Number.isNaN(pose.qw);
}

/** Without the camera's heading the base lies somewhere on a circle around it: the camera's position is the best guess. */
function toBasePose(camera: Pose, cameraFromBase: Pose): Pose {
  return hasOrientation(camera) ? composePoses(camera, cameraFromBase) : camera;
}

/**
 * Covariance of another point of the same body: a turn by d moves the point at lever arm l by d x l, so the variance of yaw
 * adds [[ly^2, -lx ly], [-lx ly, lx^2]] to x and y, and a shared term to yaw. Roll and pitch are taken to be small.
 */
function toBaseCovariance(covariance: Float64Array, camera: Pose, cameraFromBase: Pose): Float64Array {
  const result = Float64Array.from(covariance);
  if (!hasOrientation(camera)) {
    const reach = Math.hypot(cameraFromBase.x, cameraFromBase.y) ** 2;
    result[0] = result[0]! + reach;
    result[7] = result[7]! + reach;
    return result;
  }
  const { x, y, z } = cameraFromBase;
  const [lx, ly] = rotateVector([camera.qx, camera.qy, camera.qz, camera.qw], [x, y, z]);
  const yaw = covariance[35]!;
  result[0] = result[0]! + yaw * ly * ly;
  result[7] = result[7]! + yaw * lx * lx;
  result[1] = result[6] = result[1]! - yaw * lx * ly;
  result[5] = result[30] = result[5]! - yaw * ly;
  result[11] = result[31] = result[11]! + yaw * lx;
  return result;
}

export function toBaseDecision(decision: Decision, cameraFromBase: Pose): Decision {
  const convert = <T extends { readonly pose: Pose | null; readonly covariance: Float64Array | null }>(of: T): T =>
    of.pose === null
      ? of
      : {
          ...of,
          pose: toBasePose(of.pose, cameraFromBase),
          covariance: of.covariance === null ? null : toBaseCovariance(of.covariance, of.pose, cameraFromBase),
        };
  const hypotheses = decision.hypotheses.map(convert);
  return decision.state === 'located' ? { ...convert(decision), hypotheses } : { ...decision, hypotheses };
}
