/** @file The topics that carry what is recognized. Built at configure, taken off the graph at cleanup. */
import type { Decision } from '../localization/Localizer.ts';
import type { LoopClosure } from '../localization/LoopClosure.ts';
import type { CompressedImage, MessageType, MessageTypes } from './messages.ts';
import { DEFAULT_QOS, type Destroyable, type Publisher, type Qos, type RosNode } from './RosNode.ts';
import {
  toFix,
  toHypothesesMessage,
  toLoopClosureMessage,
  toMarkers,
  toPoseArray,
  toPoseStamped,
  toRejection,
  type MessageContext,
} from './toMessages.ts';
import { Trajectory } from './Trajectory.ts';

type Owned<T extends MessageType> = Publisher<MessageTypes[T]> & Destroyable;

/** Pictures are for eyes: a viewer that is slow gets the newest. */
const PICTURE_QOS: Qos = { reliability: 'best_effort', durability: 'volatile', depth: 1 };

export class Outputs {
  readonly #owned: Destroyable[] = [];
  readonly #hypotheses: Owned<'netvlad_localizer/msg/PlaceHypotheses'>;
  readonly #pose: Owned<'geometry_msgs/msg/PoseWithCovarianceStamped'>;
  readonly #fix: Owned<'sensor_msgs/msg/NavSatFix'>;
  readonly #poses: Owned<'geometry_msgs/msg/PoseArray'>;
  readonly #markers: Owned<'visualization_msgs/msg/MarkerArray'>;
  readonly #path: Owned<'nav_msgs/msg/Path'>;
  readonly #debugImage: Owned<'sensor_msgs/msg/CompressedImage'>;
  readonly #loopClosures: Owned<'netvlad_localizer/msg/LoopClosure'>;
  readonly #trajectory = new Trajectory();
  readonly #contextNow: () => MessageContext;

  /** `contextNow`: a map that grows may get its datum later. */
  constructor(node: RosNode, contextNow: () => MessageContext) {
    this.#contextNow = contextNow;
    const own = <T extends MessageType>(type: T, topic: string, qos = DEFAULT_QOS): Owned<T> => {
      const publisher = node.createPublisher(type, topic, qos);
      this.#owned.push(publisher);
      return publisher;
    };
    this.#hypotheses = own('netvlad_localizer/msg/PlaceHypotheses', '~/hypotheses');
    this.#pose = own('geometry_msgs/msg/PoseWithCovarianceStamped', '~/pose');
    this.#fix = own('sensor_msgs/msg/NavSatFix', '~/fix');
    this.#poses = own('geometry_msgs/msg/PoseArray', '~/hypotheses/poses');
    this.#markers = own('visualization_msgs/msg/MarkerArray', '~/hypotheses/markers');
    this.#loopClosures = own('netvlad_localizer/msg/LoopClosure', '~/loop_closures');
    this.#path = own('nav_msgs/msg/Path', '~/trajectory');
    this.#debugImage = own('sensor_msgs/msg/CompressedImage', '~/debug_image/compressed', PICTURE_QOS);
  }

  /**
   * Everything that a decision says; what nobody listens to is not even made, but for the hypotheses and the pose. Without
   * `withPose` the pose topics stay silent: the frame that they are asked for is not known.
   */
  publish(decision: Decision, { withPose }: { readonly withPose: boolean }): void {
    const context = this.#contextNow();
    this.#publishHypotheses(decision, context);
    if (!withPose) return;
    const pose = toPoseStamped(decision, context);
    if (pose !== null) {
      this.#pose.publish(pose);
      this.#trajectory.add(pose);
    }
    if (this.#fix.subscriptionCount > 0) {
      const fix = toFix(decision, context);
      if (fix !== null) this.#fix.publish(fix);
    }
  }

  /** A frame that could not be used: what viewers show of the one before goes away. */
  publishRejection(stampNs: bigint, reason: string): void {
    this.#publishHypotheses(toRejection(stampNs, reason), this.#contextNow());
  }

  publishLoopClosure(closure: LoopClosure): void {
    this.#loopClosures.publish(toLoopClosureMessage(closure, this.#contextNow()));
  }

  /** The whole trail once more, since a viewer may have come meanwhile. */
  publishTrajectory(): void {
    const path = this.#path.subscriptionCount > 0 ? this.#trajectory.toMessage() : null;
    if (path !== null) this.#path.publish(path);
  }

  /** The sequence starts anew. */
  clearTrajectory(): void {
    this.#trajectory.clear();
  }

  get wantsDebugImage(): boolean {
    return this.#debugImage.subscriptionCount > 0;
  }

  publishDebugImage(header: CompressedImage['header'], jpeg: Uint8Array): void {
    this.#debugImage.publish({ header, format: 'jpeg', data: jpeg });
  }

  destroy(): void {
    for (const publisher of this.#owned) publisher.destroy();
    this.#owned.length = 0;
  }

  #publishHypotheses(decision: Decision, context: MessageContext): void {
    this.#hypotheses.publish(toHypothesesMessage(decision, context));
    if (this.#poses.subscriptionCount > 0) this.#poses.publish(toPoseArray(decision, context));
    if (this.#markers.subscriptionCount > 0) this.#markers.publish({ markers: toMarkers(decision, context) });
  }
}
