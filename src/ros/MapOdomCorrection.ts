/** @file The correction of the odometry that a located base gives: map -> odom, as amcl sends it. Pure but for its memory. */
import { toRosTime } from '../bags/rosTime.ts';
import { composePoses, hasHeading, invertPose } from '../geo/poseAlgebra.ts';
import type { Pose } from '../geo/Pose.ts';
import type { Decision } from '../localization/Localizer.ts';
import type { TFMessage } from './messages.ts';

export class MapOdomCorrection {
  readonly #frames: { readonly map: string; readonly odom: string };
  #mapFromOdom: Pose | null = null;

  constructor(frames: { readonly map: string; readonly odom: string }) {
    this.#frames = frames;
  }

  /**
   * What to send on /tf, post-dated by the tolerance; null = nothing. A located base gives a new correction; the last one is
   * repeated while the place is merely uncertain, since odometry carries on; nothing is sent while lost.
   */
  update(ofBase: Decision, odomFromBase: Pose | null, toleranceS: number): TFMessage | null {
    if (ofBase.state === 'lost' || ofBase.state === 'off_map') this.#mapFromOdom = null;
    if (ofBase.state === 'located' && ofBase.pose !== null && hasHeading(ofBase.pose) && odomFromBase !== null) {
      this.#mapFromOdom = composePoses(ofBase.pose, invertPose(odomFromBase));
    }
    if (this.#mapFromOdom === null) return null;
    return this.#toMessage(this.#mapFromOdom, ofBase.stampNs + BigInt(Math.round(toleranceS * 1e9)));
  }

  reset(): void {
    this.#mapFromOdom = null;
  }

  #toMessage({ x, y, z, qx, qy, qz, qw }: Pose, stampNs: bigint): TFMessage {
    return {
      transforms: [
        {
          header: { stamp: toRosTime(stampNs), frame_id: this.#frames.map },
          child_frame_id: this.#frames.odom,
          transform: { translation: { x, y, z }, rotation: { x: qx, y: qy, z: qz, w: qw } },
        },
      ],
    };
  }
}
