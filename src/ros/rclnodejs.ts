/**
 * @file The adapter to rclnodejs 2.x; no other file imports it. What must be known of that library is worked around here:
 * an exception that leaves a callback aborts the process, so every callback is guarded; an array that is a view into a
 * larger buffer is sent with wrong bytes, so views are copied; parameters, lifecycle and /clock are our own (parameters.ts,
 * Lifecycle.ts, NodeTime.ts), since the library's ignore fully qualified names, abort on invalid transitions, and ask /clock
 * for a reliability that rosbag2 does not offer.
 */
import { describeError, NetvladError } from '../errors.ts';
import type { Logger } from '../Logger.ts';
import type { MessageType, MessageTypes, RawMessageType, ServiceType, ServiceTypes } from './messages.ts';
import type { Destroyable, Endpoint, Publisher, Qos, RosNode } from './RosNode.ts';

/** rmw_qos_*_policy_t. */
const RELIABILITY = { reliable: 1, best_effort: 2 } as const;
const DURABILITY = { transient_local: 1, volatile: 2 } as const;
const KEEP_LAST = 1;
const LOG_LEVELS = { debug: 10, info: 20, warn: 30, error: 40 } as const;

interface NativeQos {
  readonly depth: number;
  readonly reliability: number;
  readonly durability: number;
}
interface NativeEndpoint {
  readonly node_name: string;
  readonly node_namespace: string;
  readonly topic_type: string;
  readonly qos_profile: NativeQos;
}
interface NativePublisher {
  publish(message: unknown): void;
  readonly subscriptionCount: number;
}
interface NativeLogger extends Record<'debug' | 'info' | 'warn' | 'error', (message: string) => void> {
  setLoggerLevel(level: number): void;
}
interface NativeResponse {
  send(response: unknown): void;
}
interface NativeNode {
  name(): string;
  getFullyQualifiedName(): string;
  getLogger(): NativeLogger;
  resolveTopicName(topic: string, onlyExpand?: boolean): string;
  createPublisher(type: string, topic: string, options: object): NativePublisher;
  destroyPublisher(publisher: NativePublisher): void;
  createSubscription(type: string, topic: string, options: object, callback: (message: never) => void): object;
  destroySubscription(subscription: object): void;
  createService(
    type: string,
    name: string,
    options: object,
    callback: (request: never, response: NativeResponse) => void,
  ): object;
  destroyService(service: object): void;
  getPublishersInfoByTopic(topic: string): readonly NativeEndpoint[];
  spin(timeoutMs?: number): void;
}
interface Rclnodejs {
  readonly Context: new () => object;
  readonly QoS: new (history: number, depth: number, reliability: number, durability: number) => object;
  init(context: object, argv: readonly string[]): Promise<void>;
  createNode(name: string, namespace: string, context: object, options: object): NativeNode;
  removeSignalHandlers(): void;
  shutdown(context: object): void;
}

/** Imported without ROS, rclnodejs would try to compile itself; so the environment is asked first. */
function assertRosEnvironment(): void {
  const missing = ['ROS_DISTRO', 'AMENT_PREFIX_PATH'].filter((name) => !process.env[name]);
  if (missing.length === 0) return;
  throw new NetvladError('environment', `No ROS 2 environment: ${missing.join(' and ')} not set in this shell.`, {
    hint: "Source one first: `. scripts/ros-env.sh` in the project, or `. /opt/ros/jazzy/setup.bash` and the workspace's install/setup.bash. `netvlad doctor` checks the rest.",
  });
}

async function importRclnodejs(): Promise<Rclnodejs> {
  assertRosEnvironment();
  try {
    const module = (await import('rclnodejs')) as unknown as { readonly default: Rclnodejs };
    return module.default;
  } catch (cause) {
    throw new NetvladError('environment', `rclnodejs cannot be loaded: ${describeError(cause)}.`, {
      hint: 'It is compiled by `make setup` for the ROS that is sourced; run that again in this environment.',
      cause,
    });
  }
}

/** A message whose typed arrays each own their buffer. */
function withOwnArrays(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) {
    const array = value as Uint8Array;
    if (array.constructor === Uint8Array && array.byteLength === array.buffer.byteLength) return array;
    return array instanceof Uint8Array ? new Uint8Array(array) : (value as Float64Array).slice();
  }
  if (Array.isArray(value)) return typeof value[0] === 'object' ? value.map(withOwnArrays) : value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, withOwnArrays(field)]));
}

function toPolicy<T extends string>(policies: Readonly<Record<T, number>>, value: number, fallback: T): T {
  return (Object.keys(policies) as T[]).find((name) => policies[name] === value) ?? fallback;
}

/** What the middleware says for a name (rmw_dds_common, graph_cache.cpp): endpoints are known before their nodes are. */
const NAMELESS: Readonly<Record<string, string>> = {
  _NODE_NAME_UNKNOWN_: '(a node whose name is not known yet)',
  _CREATED_BY_BARE_DDS_APP_: '(a DDS program outside ROS)',
};

export function toEndpoint({ node_name, node_namespace, topic_type, qos_profile }: NativeEndpoint): Endpoint {
  return {
    node: NAMELESS[node_name] ?? `${node_namespace === '/' ? '' : node_namespace}/${node_name}`,
    type: topic_type,
    qos: {
      depth: qos_profile.depth,
      reliability: toPolicy(RELIABILITY, qos_profile.reliability, 'reliable'),
      durability: toPolicy(DURABILITY, qos_profile.durability, 'volatile'),
    },
  };
}

class RclNode implements RosNode {
  readonly name: string;
  readonly fullyQualifiedName: string;
  readonly logger: Logger;
  readonly #rcl: Rclnodejs;
  readonly #context: object;
  readonly #node: NativeNode;

  constructor(rcl: Rclnodejs, context: object, node: NativeNode) {
    this.#rcl = rcl;
    this.#context = context;
    this.#node = node;
    this.name = node.name();
    this.fullyQualifiedName = node.getFullyQualifiedName();
    const native = node.getLogger();
    this.logger = {
      debug: (message) => {
        native.debug(message);
      },
      info: (message) => {
        native.info(message);
      },
      warn: (message) => {
        native.warn(message);
      },
      error: (message) => {
        native.error(message);
      },
    };
  }

  setLogLevel(level: keyof typeof LOG_LEVELS): void {
    this.#node.getLogger().setLoggerLevel(LOG_LEVELS[level]);
  }

  resolveTopic(topic: string): string {
    return this.#node.resolveTopicName(topic);
  }

  expandTopic(topic: string): string {
    return this.#node.resolveTopicName(topic, true);
  }

  createPublisher<T extends MessageType>(type: T, topic: string, qos: Qos): Publisher<MessageTypes[T]> & Destroyable {
    const publisher = this.#node.createPublisher(type, topic, { qos: this.#toNativeQos(qos) });
    return {
      publish: (message) => {
        publisher.publish(withOwnArrays(message));
      },
      get subscriptionCount() {
        return publisher.subscriptionCount;
      },
      destroy: () => {
        this.#node.destroyPublisher(publisher);
      },
    };
  }

  subscribe<T extends MessageType>(
    type: T,
    topic: string,
    { qos, onMessage }: { readonly qos: Qos; readonly onMessage: (message: MessageTypes[T]) => void },
  ): Destroyable {
    const callback = this.#guard(`Message on ${topic}`, onMessage);
    return this.#destroyable(this.#node.createSubscription(type, topic, { qos: this.#toNativeQos(qos) }, callback));
  }

  subscribeRaw(
    type: RawMessageType,
    topic: string,
    { qos, onMessage }: { readonly qos: Qos; readonly onMessage: (cdr: Uint8Array) => void },
  ): Destroyable {
    const native = { qos: this.#toNativeQos(qos), isRaw: true };
    const callback = this.#guard(`Message on ${topic}`, onMessage);
    return this.#destroyable(this.#node.createSubscription(type, topic, native, callback));
  }

  serve<T extends ServiceType>(
    type: T,
    name: string,
    handler: (
      request: ServiceTypes[T]['request'],
    ) => ServiceTypes[T]['response'] | Promise<ServiceTypes[T]['response']>,
  ): Destroyable {
    const answer = async (request: ServiceTypes[T]['request'], response: NativeResponse): Promise<void> => {
      response.send(withOwnArrays(await handler(request)));
    };
    const service = this.#node.createService(type, name, {}, (request: never, response) => {
      answer(request, response).catch((error: unknown) => {
        this.logger.error(`Service ${name}: ${describeError(error)}`);
      });
    });
    return {
      destroy: () => {
        this.#node.destroyService(service);
      },
    };
  }

  publishersOf(resolvedTopic: string): readonly Endpoint[] {
    return this.#node.getPublishersInfoByTopic(resolvedTopic).map(toEndpoint);
  }

  shutdown(): void {
    this.#rcl.shutdown(this.#context);
  }

  #toNativeQos({ reliability, durability, depth }: Qos): object {
    return new this.#rcl.QoS(KEEP_LAST, depth, RELIABILITY[reliability], DURABILITY[durability]);
  }

  #destroyable(subscription: object): Destroyable {
    return {
      destroy: () => {
        this.#node.destroySubscription(subscription);
      },
    };
  }

  #guard<M>(what: string, callback: (message: M) => void): (message: M) => void {
    return (message) => {
      try {
        callback(message);
      } catch (error) {
        this.logger.error(`${what}: ${describeError(error)}`);
      }
    };
  }
}

/**
 * Joins the graph. `rosArguments` are those of rcl itself (remaps, log levels, enclave), without parameters, which
 * rclnodejs would misread. Throws a NetvladError('environment') that says what is missing.
 */
export async function createRosNode(name: string, rosArguments: readonly string[]): Promise<RosNode> {
  const rcl = await importRclnodejs();
  const context = new rcl.Context();
  await rcl.init(context, [name, ...rosArguments]);
  rcl.removeSignalHandlers();
  const node = rcl.createNode(name, '', context, { startParameterServices: false, startTypeDescriptionService: false });
  node.spin();
  return new RclNode(rcl, context, node);
}
