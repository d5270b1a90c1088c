/** @file Where the camera looks from, as seen from the body whose pose is known. */
import { IDENTITY_POSE, composePoses } from '../geo/poseAlgebra.ts';
import type { Pose } from '../geo/Pose.ts';
import type { FrameTree } from './FrameTree.ts';

/** Optical axes (z forward, x right, y down) from body axes (x forward, y left, z up), REP-103. */
const OPTICAL_FROM_FORWARD: Pose = { x: 0, y: 0, z: 0, qx: 0.5, qy: -0.5, qz: 0.5, qw: 0.5 };

/**
 * Pose in the body frame of the camera's x-forward axes; null when /tf_static does not join them. A frame whose name says
 * `optical` is turned from optical axes (REP-103 asks for that name).
 */
export function findCameraMount(frames: FrameTree, bodyFrame: string, cameraFrame: string): Pose | null {
  const mount = frames.lookup(bodyFrame, cameraFrame);
  if (mount === null) return null;
  return /optical/i.test(cameraFrame) ? composePoses(mount, OPTICAL_FROM_FORWARD) : mount;
}

/** As `findCameraMount`; frames that nothing joins are taken to be one: the camera looks forward from the body's place. */
export function bodyFromCamera(frames: FrameTree, bodyFrame: string | null, cameraFrame: string): Pose {
  return (bodyFrame === null ? null : findCameraMount(frames, bodyFrame, cameraFrame)) ?? IDENTITY_POSE;
}
