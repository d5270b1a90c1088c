/** @file Why no usable images come, and the cure: pure rules over what the graph and the arrivals show. */
import type { Arrivals } from './ArrivalMonitor.ts';
import type { Finding } from './DiagnosticUpdater.ts';
import type { Endpoint, Qos } from './RosNode.ts';

/** What is expected, from the parameters. */
export interface InputSettings {
  readonly expectedRateHz: number;
  readonly stampToleranceS: number;
  readonly simulatedTime: boolean;
  /** The node's time; null with use_sim_time before the first message on /clock. */
  readonly clockNs: bigint | null;
}

export interface InputFacts extends InputSettings {
  /** As it is on the graph. */
  readonly topic: string;
  readonly type: string;
  readonly qos: Qos;
  /** Publishers on the topic, of whatever type. */
  readonly publishers: readonly Endpoint[];
  /** The other transport's topic, with its publishers. */
  readonly twin: { readonly topic: string; readonly transport: string; readonly publishers: readonly Endpoint[] };
  readonly arrivals: Arrivals;
  /** Messages on the sibling `camera_info` in the last five seconds, per second. */
  readonly cameraInfoHz: number;
  /** Since the subscription was made. */
  readonly listeningS: number;
}

/** Silence is called so after this. */
const PATIENCE_S = 2;

/** The policy in which an offer does not meet a request, in words; null when they match (DDS request-offered rules). */
export function findQosConflict(offered: Qos, requested: Qos): string | null {
  if (requested.reliability === 'reliable' && offered.reliability === 'best_effort') {
    return 'reliability: it offers best effort, this node asks for reliable';
  }
  if (requested.durability === 'transient_local' && offered.durability === 'volatile') {
    return 'durability: it offers volatile, this node asks for transient local';
  }
  return null;
}

function checkPublishers(facts: InputFacts): readonly Finding[] {
  const { topic, type, publishers, twin } = facts;
  if (publishers.length === 0) {
    if (twin.publishers.length > 0) {
      const text = `Nobody publishes ${topic}, but ${twin.publishers[0]!.node} publishes ${twin.topic}. Set image_transport to ${twin.transport}.`;
      return [{ id: 'twin-only', level: 'error', text }];
    }
    const text = `Nobody publishes ${topic}. Start the camera, or remap: --ros-args -r image:=/your/camera/image_raw.`;
    return [{ id: 'no-publisher', level: 'error', text }];
  }
  const alien = publishers.find((publisher) => publisher.type !== type);
  if (alien !== undefined) {
    const text = `${alien.node} publishes ${topic} as ${alien.type}; this node needs ${type}. Remap \`image\` to an image topic, or set image_transport.`;
    return [{ id: 'other-type', level: 'error', text }];
  }
  return publishers.flatMap((publisher) => {
    const conflict = findQosConflict(publisher.qos, facts.qos);
    if (conflict === null) return [];
    const text = `${publisher.node} publishes ${topic} with incompatible QoS (${conflict}). Set qos_overrides.${topic}.subscription.* or change the publisher.`;
    return [{ id: 'incompatible-qos', level: 'error', text }];
  });
}

const FASTDDS_CURE =
  'Fast-DDS loses best-effort messages above 0.5 MB with its default shared-memory segment: start camera and node with ' +
  'FASTRTPS_DEFAULT_PROFILES_FILE=.../netvlad_localizer/config/fastdds.xml, or set image_transport to compressed.';

/** Compressed images are below the size that is lost. */
function cureOf({ type }: InputFacts): string {
  return type === 'sensor_msgs/msg/Image' ? FASTDDS_CURE : 'Check the network between camera and node.';
}

function checkLoss(facts: InputFacts): readonly Finding[] {
  const { topic, arrivals, cameraInfoHz } = facts;
  const cure = cureOf(facts);
  const silent = arrivals.ageS === null || arrivals.ageS > PATIENCE_S;
  if (silent && cameraInfoHz > 0) {
    const text = `camera_info comes at ${cameraInfoHz.toFixed(1)} Hz, but no image on ${topic}: frames are lost in the middleware. ${cure}`;
    return [{ id: 'frames-lost', level: 'error', text }];
  }
  if (silent) {
    const since = arrivals.ageS === null ? 'yet' : `for ${arrivals.ageS.toFixed(0)} s`;
    const text = `${topic} has a matching publisher, but no image came ${since}. The camera may be stalled, or frames are lost. ${cure}`;
    return [{ id: 'silent', level: 'error', text }];
  }
  if (cameraInfoHz > 1 && arrivals.rateHz < 0.7 * cameraInfoHz) {
    const text = `Images come at ${arrivals.rateHz.toFixed(1)} Hz, camera_info at ${cameraInfoHz.toFixed(1)} Hz: frames are lost in the middleware. ${cure}`;
    return [{ id: 'frames-lost', level: 'warn', text }];
  }
  return [];
}

function checkRate({ topic, arrivals, expectedRateHz, listeningS }: InputFacts): readonly Finding[] {
  if (arrivals.rateHz === 0 || listeningS < PATIENCE_S || arrivals.rateHz >= 0.9 * expectedRateHz) return [];
  const text = `${topic} comes at ${arrivals.rateHz.toFixed(1)} Hz, expected ${expectedRateHz} Hz (parameter expected_rate). Check the camera and the network.`;
  return [{ id: 'low-rate', level: 'warn', text }];
}

function checkStamps({ arrivals, stampToleranceS, simulatedTime }: InputFacts): readonly Finding[] {
  const offset = arrivals.stampOffsetS;
  if (offset === null || Math.abs(offset) <= stampToleranceS) return [];
  const where = offset > 0 ? 'in the future' : 'in the past';
  const cure = simulatedTime
    ? 'Is /clock from the same recording as the images?'
    : 'A recording is played? Set use_sim_time and play with --clock. Two machines? Synchronise their clocks (chrony).';
  const text = `Image stamps are ${Math.abs(offset).toFixed(1)} s ${where} of the node's clock. ${cure}`;
  return [{ id: offset > 0 ? 'stamps-future' : 'stamps-past', level: 'warn', text }];
}

/** Worst first; empty when all is well. */
export function checkInput(facts: InputFacts): readonly Finding[] {
  if (facts.listeningS < PATIENCE_S && facts.arrivals.count === 0) return []; // discovery takes a moment
  const publishers = checkPublishers(facts);
  if (publishers.some(({ level }) => level === 'error')) return publishers;
  if (facts.simulatedTime && facts.clockNs === null) {
    const text = 'use_sim_time is set, but nothing comes on /clock: play the recording with --clock, or unset it.';
    return [...checkLoss(facts), ...checkRate(facts), { id: 'no-clock', level: 'warn', text }];
  }
  return [...checkLoss(facts), ...checkRate(facts), ...checkStamps(facts)];
}
