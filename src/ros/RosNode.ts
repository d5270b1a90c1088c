/** @file The port to ROS: the little that the node asks of a client library. The adapter is rclnodejs.ts. */
import type { Logger } from '../Logger.ts';
import type { MessageType, MessageTypes, RawMessageType, ServiceType, ServiceTypes } from './messages.ts';

export type Reliability = 'reliable' | 'best_effort';
export type Durability = 'volatile' | 'transient_local';

/** Quality of service; history is always keep-last. */
export interface Qos {
  readonly reliability: Reliability;
  readonly durability: Durability;
  readonly depth: number;
}

/** A consumer of sensor data: works with reliable and best-effort publishers (REP-2003). */
export const SENSOR_QOS: Qos = { reliability: 'best_effort', durability: 'volatile', depth: 5 };
export const DEFAULT_QOS: Qos = { reliability: 'reliable', durability: 'volatile', depth: 10 };
/** For late joiners, as /tf_static. */
export const LATCHED_QOS: Qos = { reliability: 'reliable', durability: 'transient_local', depth: 100 };

/** One publisher or subscription on the graph. */
export interface Endpoint {
  /** Fully qualified name of its node, or in words what is known of one that has no name yet. */
  readonly node: string;
  /** `sensor_msgs/msg/Image`. */
  readonly type: string;
  readonly qos: Qos;
}

export interface Publisher<M> {
  publish(message: M): void;
  readonly subscriptionCount: number;
}

/** A subscription, publisher or service that can be taken off the graph. */
export interface Destroyable {
  destroy(): void;
}

/**
 * Callbacks run on the main thread, one at a time, and may throw: the adapter logs it. Names are expanded and remapped
 * as ROS does.
 */
export interface RosNode {
  readonly name: string;
  /** `/namespace/name`. */
  readonly fullyQualifiedName: string;
  readonly logger: Logger;
  /** The name as it is on the graph: expanded and remapped. */
  resolveTopic(topic: string): string;
  /** The name in its namespace, not remapped. */
  expandTopic(topic: string): string;
  createPublisher<T extends MessageType>(type: T, topic: string, qos: Qos): Publisher<MessageTypes[T]> & Destroyable;
  subscribe<T extends MessageType>(
    type: T,
    topic: string,
    options: { readonly qos: Qos; readonly onMessage: (message: MessageTypes[T]) => void },
  ): Destroyable;
  /** Messages as CDR bytes, owned by the receiver. */
  subscribeRaw(
    type: RawMessageType,
    topic: string,
    options: { readonly qos: Qos; readonly onMessage: (cdr: Uint8Array) => void },
  ): Destroyable;
  serve<T extends ServiceType>(
    type: T,
    name: string,
    handler: (
      request: ServiceTypes[T]['request'],
    ) => ServiceTypes[T]['response'] | Promise<ServiceTypes[T]['response']>,
  ): Destroyable;
  /** Who publishes on a topic, given as it is on the graph. */
  publishersOf(resolvedTopic: string): readonly Endpoint[];
  setLogLevel(level: 'debug' | 'info' | 'warn' | 'error'): void;
  /** Leaves the graph; nothing of the node may be used afterwards. */
  shutdown(): void;
}
