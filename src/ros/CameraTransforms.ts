/**
 * @file Where the camera sits on the robot, and where the robot is in its odometry frame, from /tf_static and /tf.
 * Poses of the map are of the camera's body (x forward, y left, z up); images come in its optical frame (z forward, x right,
 * y down) when its name ends in `_optical` or `_optical_frame` (REP-103).
 */
import { parseRosTime } from '../bags/rosTime.ts';
import { composePoses, IDENTITY_POSE, invertPose } from '../geo/poseAlgebra.ts';
import type { Pose } from '../geo/Pose.ts';
import type { TransformStamped } from './messages.ts';
import { PoseHistory } from './PoseHistory.ts';
import { DEFAULT_QOS, LATCHED_QOS, type Destroyable, type RosNode } from './RosNode.ts';

/** Rotation of the optical axes in the body's: optical z is body x, optical x is -body y, optical y is -body z. */
export const BODY_FROM_OPTICAL: Pose = { ...IDENTITY_POSE, qx: -0.5, qy: 0.5, qz: -0.5, qw: 0.5 };

/** Deeper trees than any robot's mean a cycle. */
const MOST_LINKS = 100;

function toPose({ translation: t, rotation: q }: TransformStamped['transform']): Pose {
  return { x: t.x, y: t.y, z: t.z, qx: q.x, qy: q.y, qz: q.z, qw: q.w };
}

/** REP-103 names optical frames so. */
export function isOpticalFrame(frame: string): boolean {
  return /_optical(_frame)?$/.test(frame);
}

/** A tree of transforms: child -> parent and parentFromChild. */
export class FrameTree {
  readonly #links = new Map<string, { readonly parent: string; readonly parentFromChild: Pose }>();

  set(parent: string, child: string, parentFromChild: Pose): void {
    this.#links.set(child, { parent, parentFromChild });
  }

  /** targetFromSource; null when the two are not connected. */
  lookUp(target: string, source: string): Pose | null {
    const ups = this.#climb(source);
    const others = this.#climb(target);
    for (const [frame, frameFromSource] of ups) {
      const frameFromTarget = others.get(frame);
      if (frameFromTarget !== undefined) return composePoses(invertPose(frameFromTarget), frameFromSource);
    }
    return null;
  }

  /** Every ancestor with ancestorFromFrame, itself included, nearest first. */
  #climb(frame: string): Map<string, Pose> {
    const ancestors = new Map<string, Pose>([[frame, IDENTITY_POSE]]);
    let [at, fromFrame]: [string, Pose] = [frame, IDENTITY_POSE];
    for (let i = 0; i < MOST_LINKS; i++) {
      const link = this.#links.get(at);
      if (link === undefined) break;
      fromFrame = composePoses(link.parentFromChild, fromFrame);
      at = link.parent;
      ancestors.set(at, fromFrame);
    }
    return ancestors;
  }
}

/** Listens to /tf_static always, and to /tf for odom -> base where that is asked for. */
export class CameraTransforms {
  readonly #subscriptions: Destroyable[] = [];
  readonly #static = new FrameTree();
  readonly #odomFromBase = new PoseHistory();

  constructor(node: RosNode, frames: { readonly base: string; readonly odom: string; readonly dynamic: boolean }) {
    this.#subscriptions.push(
      node.subscribe('tf2_msgs/msg/TFMessage', '/tf_static', {
        qos: LATCHED_QOS,
        onMessage: ({ transforms }) => {
          for (const { header, child_frame_id: child, transform } of transforms) {
            this.#static.set(header.frame_id, child, toPose(transform));
          }
        },
      }),
    );
    if (!frames.dynamic) return;
    this.#subscriptions.push(
      node.subscribe('tf2_msgs/msg/TFMessage', '/tf', {
        qos: { ...DEFAULT_QOS, depth: 100 },
        onMessage: ({ transforms }) => {
          for (const { header, child_frame_id: child, transform } of transforms) {
            if (header.frame_id !== frames.odom || child !== frames.base) continue;
            this.#odomFromBase.add(parseRosTime(header.stamp), toPose(transform));
          }
        },
      }),
    );
  }

  /** cameraBodyFromBase for the frame of an image; null when /tf_static does not connect them. */
  cameraBodyFromBase(cameraFrame: string, baseFrame: string): Pose | null {
    const cameraFromBase = this.#static.lookUp(cameraFrame, baseFrame);
    if (cameraFromBase === null) return null;
    return isOpticalFrame(cameraFrame) ? composePoses(BODY_FROM_OPTICAL, cameraFromBase) : cameraFromBase;
  }

  odomFromBaseAt(stampNs: bigint, toleranceS: number): Pose | null {
    return this.#odomFromBase.at(stampNs, toleranceS);
  }

  destroy(): void {
    for (const subscription of this.#subscriptions) subscription.destroy();
    this.#subscriptions.length = 0;
  }
}
