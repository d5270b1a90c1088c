/** @file The camera's topic: frames from its messages, and what the diagnostics must know of it. */
import { parseCompressedImageCdr, parseImageCdr } from '../bags/cdrImages.ts';
import type { CameraFrame } from '../image/CameraFrame.ts';
import { ArrivalMonitor } from './ArrivalMonitor.ts';
import type { InputFacts, InputSettings } from './inputHealth.ts';
import { SENSOR_QOS, type Destroyable, type Qos, type RosNode } from './RosNode.ts';

export type ImageTransport = 'raw' | 'compressed';

const TRANSPORTS = {
  raw: { topic: 'image', type: 'sensor_msgs/msg/Image', twin: 'compressed' },
  compressed: { topic: 'image/compressed', type: 'sensor_msgs/msg/CompressedImage', twin: 'raw' },
} as const;

/** `image/compressed` follows a remap of `image`, as with image_transport, unless it is remapped itself. */
export function resolveImageTopic(node: RosNode, transport: ImageTransport): string {
  const base = node.resolveTopic('image');
  if (transport === 'raw') return base;
  const own = node.resolveTopic('image/compressed');
  return own === node.expandTopic('image/compressed') ? `${base}/compressed` : own;
}

/** The sibling `camera_info` of an image topic (image_transport's getCameraInfoTopic). */
export function toCameraInfoTopic(imageTopic: string): string {
  return imageTopic.replace(/\/compressed$/, '').replace(/[^/]*$/, 'camera_info');
}

export interface ImageInputOptions {
  readonly transport: ImageTransport;
  readonly qos: Qos;
  readonly clockNs: () => bigint | null;
  readonly onFrame: (frame: CameraFrame, arrivedMs: number) => void;
}

export class ImageInput {
  readonly topic: string;
  readonly #node: RosNode;
  readonly #options: ImageInputOptions;
  readonly #subscriptions: readonly Destroyable[];
  readonly #arrivals = new ArrivalMonitor();
  readonly #cameraInfo = new ArrivalMonitor();
  readonly #sinceMs = performance.now();
  #frameId = '';

  constructor(node: RosNode, options: ImageInputOptions) {
    this.#node = node;
    this.#options = options;
    this.topic = resolveImageTopic(node, options.transport);
    const infoTopic = toCameraInfoTopic(this.topic);
    this.#subscriptions = [
      node.subscribeRaw(TRANSPORTS[options.transport].type, this.topic, {
        qos: options.qos,
        onMessage: (cdr) => {
          this.#receive(cdr);
        },
      }),
      node.subscribeRaw('sensor_msgs/msg/CameraInfo', infoTopic, {
        qos: SENSOR_QOS,
        onMessage: () => {
          this.#cameraInfo.arrived(performance.now(), 0n, null);
        },
      }),
    ];
  }

  /** Optical frame of the last image; empty before the first. */
  get frameId(): string {
    return this.#frameId;
  }

  readFacts(settings: InputSettings): InputFacts {
    const { transport, qos } = this.#options;
    const nowMs = performance.now();
    const other = TRANSPORTS[transport].twin;
    const twinTopic = resolveImageTopic(this.#node, other);
    const cameraInfo = this.#cameraInfo.read(nowMs);
    return {
      ...settings,
      topic: this.topic,
      type: TRANSPORTS[transport].type,
      qos,
      publishers: this.#node.publishersOf(this.topic),
      twin: { topic: twinTopic, transport: other, publishers: this.#node.publishersOf(twinTopic) },
      arrivals: this.#arrivals.read(nowMs),
      cameraInfoHz: cameraInfo.ageS !== null && cameraInfo.ageS < 2 ? cameraInfo.rateHz : 0,
      listeningS: (nowMs - this.#sinceMs) / 1000,
    };
  }

  destroy(): void {
    for (const subscription of this.#subscriptions) subscription.destroy();
  }

  #receive(cdr: Uint8Array): void {
    const arrivedMs = performance.now();
    const frame = this.#options.transport === 'raw' ? parseImageCdr(cdr) : parseCompressedImageCdr(cdr);
    this.#frameId = frame.frameId;
    this.#arrivals.arrived(arrivedMs, frame.stampNs, this.#options.clockNs());
    this.#options.onFrame(frame, arrivedMs);
  }
}
