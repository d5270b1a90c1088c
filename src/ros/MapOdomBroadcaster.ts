/** @file Sends map -> odom on /tf, never map -> base (REP-105), and says what keeps it from doing so. */
import type { Pose } from '../geo/Pose.ts';
import type { Decision } from '../localization/Localizer.ts';
import type { Finding } from './DiagnosticUpdater.ts';
import { MapOdomCorrection } from './MapOdomCorrection.ts';
import type { TFMessage } from './messages.ts';
import type { Destroyable, Publisher, RosNode } from './RosNode.ts';

export class MapOdomBroadcaster {
  readonly #node: RosNode;
  readonly #frames: { readonly map: string; readonly odom: string };
  readonly #correction: MapOdomCorrection;
  #publisher: (Publisher<TFMessage> & Destroyable) | null = null;
  #odomMissing = false;

  constructor(node: RosNode, frames: { readonly map: string; readonly odom: string }) {
    this.#node = node;
    this.#frames = frames;
    this.#correction = new MapOdomCorrection(frames);
  }

  get findings(): readonly Finding[] {
    if (!this.#odomMissing) return [];
    const text = `No transform ${this.#frames.odom} -> base in /tf at the image's stamp: publish_tf cannot send ${this.#frames.map} -> ${this.#frames.odom}. Is the odometry running, and odom_frame right?`;
    return [{ id: 'odom-tf-missing', level: 'warn', text }];
  }

  update(ofBase: Decision, odomFromBase: Pose | null, toleranceS: number): void {
    this.#odomMissing = odomFromBase === null;
    const message = this.#correction.update(ofBase, odomFromBase, toleranceS);
    if (message !== null) this.#send(message);
  }

  reset(): void {
    this.#correction.reset();
  }

  destroy(): void {
    this.#publisher?.destroy();
    this.#publisher = null;
  }

  #send(message: TFMessage): void {
    this.#publisher ??= this.#node.createPublisher('tf2_msgs/msg/TFMessage', '/tf', {
      reliability: 'reliable',
      durability: 'volatile',
      depth: 100,
    });
    this.#publisher.publish(message);
  }
}
