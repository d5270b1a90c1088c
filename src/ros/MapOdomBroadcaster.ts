/** @file map -> odom on /tf, as amcl sends it: the correction of the odometry, post-dated, never map -> base (REP-105). */
import { toRosTime } from '../bags/rosTime.ts';
import { composePoses, hasHeading, invertPose } from '../geo/poseAlgebra.ts';
import type { Pose } from '../geo/Pose.ts';
import type { Decision } from '../localization/Localizer.ts';
import type { Finding } from './DiagnosticUpdater.ts';
import type { TFMessage } from './messages.ts';
import type { Destroyable, Publisher, RosNode } from './RosNode.ts';

export class MapOdomBroadcaster {
  readonly #node: RosNode;
  readonly #frames: { readonly map: string; readonly odom: string };
  #publisher: (Publisher<TFMessage> & Destroyable) | null = null;
  #mapFromOdom: Pose | null = null;
  #odomMissing = false;

  constructor(node: RosNode, frames: { readonly map: string; readonly odom: string }) {
    this.#node = node;
    this.#frames = frames;
  }

  get findings(): readonly Finding[] {
    if (!this.#odomMissing) return [];
    const text = `No transform ${this.#frames.odom} -> base in /tf at the image's stamp: publish_tf cannot send ${this.#frames.map} -> ${this.#frames.odom}. Is the odometry running, and odom_frame right?`;
    return [{ id: 'odom-tf-missing', level: 'warn', text }];
  }

  /**
   * A located base gives a new correction; the last one is repeated while the place is merely uncertain, since odometry
   * carries on; nothing is sent while lost.
   */
  update(ofBase: Decision, odomFromBase: Pose | null, toleranceS: number): void {
    this.#odomMissing = odomFromBase === null;
    if (ofBase.state === 'lost' || ofBase.state === 'off_map') this.#mapFromOdom = null;
    if (ofBase.state === 'located' && ofBase.pose !== null && hasHeading(ofBase.pose) && odomFromBase !== null) {
      this.#mapFromOdom = composePoses(ofBase.pose, invertPose(odomFromBase));
    }
    if (this.#mapFromOdom !== null)
      this.#send(this.#mapFromOdom, ofBase.stampNs + BigInt(Math.round(toleranceS * 1e9)));
  }

  reset(): void {
    this.#mapFromOdom = null;
  }

  destroy(): void {
    this.#publisher?.destroy();
    this.#publisher = null;
  }

  #send({ x, y, z, qx, qy, qz, qw }: Pose, stampNs: bigint): void {
    this.#publisher ??= this.#node.createPublisher('tf2_msgs/msg/TFMessage', '/tf', {
      reliability: 'reliable',
      durability: 'volatile',
      depth: 100,
    });
    this.#publisher.publish({
      transforms: [
        {
          header: { stamp: toRosTime(stampNs), frame_id: this.#frames.map },
          child_frame_id: this.#frames.odom,
          transform: { translation: { x, y, z }, rotation: { x: qx, y: qy, z: qz, w: qw } },
        },
      ],
    });
  }
}
