/** @file The pinhole camera: intrinsics, and where points of the map frame appear in its image. */
import type { Pose } from '../geo/Pose.ts';
import { rotateVector } from '../geo/quaternion.ts';
import type { Vec3 } from './Mesh.ts';

/** Pixel (0, 0) is the centre of the upper left pixel, as in CameraInfo. */
export interface CameraModel {
  readonly width: number;
  readonly height: number;
  readonly focalPx: number;
  readonly centreX: number;
  readonly centreY: number;
}

export const HORIZONTAL_VIEW_RAD = (78 * Math.PI) / 180;

export function createCamera(width: number, height: number, viewRad = HORIZONTAL_VIEW_RAD): CameraModel {
  const focalPx = width / 2 / Math.tan(viewRad / 2);
  return { width, height, focalPx, centreX: (width - 1) / 2, centreY: (height - 1) / 2 };
}

/** A camera standing somewhere; axes in the map frame. */
export interface View {
  readonly camera: CameraModel;
  readonly position: Vec3;
  readonly forward: Vec3;
  readonly right: Vec3;
  readonly down: Vec3;
}

/** The view of a camera whose body axes (x forward, y left, z up; REP-103) have this pose in the map frame. */
export function createView(camera: CameraModel, pose: Pose): View {
  const q = [pose.qx, pose.qy, pose.qz, pose.qw] as const;
  return {
    camera,
    position: [pose.x, pose.y, pose.z],
    forward: rotateVector(q, [1, 0, 0]),
    right: rotateVector(q, [0, -1, 0]),
    down: rotateVector(q, [0, 0, -1]),
  };
}

/** Pixel and depth along the optical axis; null behind the camera. */
export function projectPoint(view: View, point: Vec3): { x: number; y: number; depthM: number } | null {
  const { camera, position, forward, right, down } = view;
  const delta: Vec3 = [point[0] - position[0], point[1] - position[1], point[2] - position[2]];
  const along = (axis: Vec3): number => delta[0] * axis[0] + delta[1] * axis[1] + delta[2] * axis[2];
  const depthM = along(forward);
  if (depthM <= 0) return null;
  return {
    x: camera.centreX + (camera.focalPx * along(right)) / depthM,
    y: camera.centreY + (camera.focalPx * along(down)) / depthM,
    depthM,
  };
}
