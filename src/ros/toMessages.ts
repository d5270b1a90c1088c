/** @file A decision as the messages of interfaces.md. Pure; all stamps are the image's. */
import { toRosTime } from '../bags/rosTime.ts';
import { toGeodetic, type LocalDatum } from '../geo/LocalDatum.ts';
import { invertPose } from '../geo/poseAlgebra.ts';
import type { Pose } from '../geo/Pose.ts';
import type { Decision, LocalizationState, PoseHypothesis } from '../localization/Localizer.ts';
import type { LoopClosure } from '../localization/LoopClosure.ts';
import type {
  Header,
  LoopClosureMessage,
  Marker,
  NavSatFix,
  PlaceHypothesesMessage,
  PlaceHypothesisMessage,
  PoseMessage,
  PoseWithCovariance,
  PoseWithCovarianceStamped,
  RecallDiagnosticsMessage,
} from './messages.ts';
import type { MeasuredRecall } from './RecallMonitor.ts';

/** netvlad_localizer/msg/PlaceHypotheses. */
export const STATE_IDS: Readonly<Record<LocalizationState, number>> = { lost: 0, uncertain: 1, located: 2, off_map: 3 };

const UNKNOWN_POSE: Pose = { x: NaN, y: NaN, z: NaN, qx: NaN, qy: NaN, qz: NaN, qw: NaN };
const COVARIANCE_TYPE_DIAGONAL_KNOWN = 2;

/** nav2 (its main branch) drops covariances outside this range; robot_localization takes a zero for perfect knowledge. */
const LEAST_VARIANCE = 1e-9;
const MOST_VARIANCE = 1e9;

export function toPoseMessage(pose: Pose): PoseMessage {
  return {
    position: { x: pose.x, y: pose.y, z: pose.z },
    orientation: { x: pose.qx, y: pose.qy, z: pose.qz, w: pose.qw },
  };
}

export function fromPoseMessage({ position: p, orientation: q }: PoseMessage): Pose {
  return { x: p.x, y: p.y, z: p.z, qx: q.x, qy: q.y, qz: q.z, qw: q.w };
}

/**
 * [6, 6] that nav2's amcl accepts on initialpose (no negative element, none above 1e9) and that is nowhere more certain
 * than the given one: a negative covariance c of two axes is replaced by |c| on both variances, since
 * [[|c|, -c], [-c, |c|]] is positive semidefinite.
 */
export function toAcceptableCovariance(covariance: Float64Array): Float64Array {
  const result = Float64Array.from(covariance);
  for (let row = 0; row < 6; row++) {
    for (let column = 0; column < row; column++) {
      const shared = (result[row * 6 + column]! + result[column * 6 + row]!) / 2;
      result[row * 6 + column] = result[column * 6 + row] = Math.max(0, shared);
      if (shared >= 0) continue;
      result[row * 7] = result[row * 7]! - shared;
      result[column * 7] = result[column * 7]! - shared;
    }
  }
  for (let axis = 0; axis < 6; axis++) {
    result[axis * 7] = Math.min(MOST_VARIANCE, Math.max(LEAST_VARIANCE, result[axis * 7]!));
  }
  return result;
}

function toPoseWithCovariance(pose: Pose | null, covariance: Float64Array | null): PoseWithCovariance {
  return {
    pose: toPoseMessage(pose ?? UNKNOWN_POSE),
    covariance: covariance === null ? new Float64Array(36).fill(NaN) : toAcceptableCovariance(covariance),
  };
}

/** What every message of one map and model carries. */
export interface MessageContext {
  /** The map frame. */
  readonly frame: string;
  readonly mapId: string;
  /** sha256 of the model. */
  readonly modelId: string;
  readonly datum: LocalDatum | null;
}

function toHeader(stampNs: bigint, { frame }: MessageContext): Header {
  return { stamp: toRosTime(stampNs), frame_id: frame };
}

function toHypothesis(hypothesis: PoseHypothesis): PlaceHypothesisMessage {
  return {
    rank: hypothesis.rank,
    place_id: BigInt(hypothesis.place),
    image: hypothesis.image,
    similarity: hypothesis.similarity,
    verification: hypothesis.evidence,
    probability: hypothesis.probability,
    pose: toPoseWithCovariance(hypothesis.pose, hypothesis.covariance),
    latitude: hypothesis.geo?.latDeg ?? NaN,
    longitude: hypothesis.geo?.lonDeg ?? NaN,
    altitude: hypothesis.geo?.altM ?? NaN,
    database_stamp: toRosTime(hypothesis.databaseStampNs ?? 0n),
  };
}

export function toHypothesesMessage(decision: Decision, context: MessageContext): PlaceHypothesesMessage {
  return {
    header: toHeader(decision.stampNs, context),
    map_id: context.mapId,
    model_id: context.modelId,
    state: STATE_IDS[decision.state],
    confidence: decision.confidence,
    reason: decision.state === 'located' ? '' : decision.reason,
    hypotheses: decision.hypotheses.map(toHypothesis),
  };
}

/** A frame that could not be used is answered too: lost, with the reason, without hypotheses. */
export function toRejection(stampNs: bigint, reason: string): Decision {
  return { state: 'lost', stampNs, confidence: 0, reason, hypotheses: [] };
}

/** Null unless located on a map with positions. A pose without heading is given as yaw 0 with the variance of a circle. */
export function toPoseStamped(decision: Decision, context: MessageContext): PoseWithCovarianceStamped | null {
  if (decision.state !== 'located' || decision.pose === null || decision.covariance === null) return null;
  const { pose } = decision;
  const hasHeading = !Number.isNaN(pose.qw);
  const oriented = hasHeading ? pose : { ...pose, qx: 0, qy: 0, qz: 0, qw: 1 };
  const covariance = Float64Array.from(decision.covariance, (value) => (Number.isNaN(value) ? 0 : value));
  if (!hasHeading) for (const axis of [3, 4, 5]) covariance[axis * 7] = Math.PI ** 2;
  return {
    header: toHeader(decision.stampNs, context),
    pose: toPoseWithCovariance(oriented, covariance),
  };
}

/** Null unless located on a map with a datum. */
export function toFix(decision: Decision, context: MessageContext): NavSatFix | null {
  const pose = toPoseStamped(decision, context);
  if (pose === null || context.datum === null) return null;
  const geo = toGeodetic(context.datum, pose.pose.pose.position);
  const covariance = pose.pose.covariance;
  const [east, north, up] = [covariance[0]!, covariance[7]!, covariance[14]!];
  return {
    header: pose.header,
    status: { status: 0, service: 0 },
    latitude: geo.latDeg,
    longitude: geo.lonDeg,
    altitude: geo.altM,
    position_covariance: Float64Array.of(east, 0, 0, 0, north, 0, 0, 0, up),
    position_covariance_type: COVARIANCE_TYPE_DIAGONAL_KNOWN,
  };
}

export function toPoseArray(
  decision: Decision,
  context: MessageContext,
): { readonly header: Header; readonly poses: readonly PoseMessage[] } {
  const posed = decision.hypotheses.flatMap(({ pose }) => (pose === null || Number.isNaN(pose.x) ? [] : [pose]));
  return { header: toHeader(decision.stampNs, context), poses: posed.map((pose) => toPoseMessage(withHeading(pose))) };
}

function withHeading(pose: Pose): Pose {
  return Number.isNaN(pose.qw) ? { ...pose, qx: 0, qy: 0, qz: 0, qw: 1 } : pose;
}

const MARKER = { arrow: 0, sphere: 2, text: 9, add: 0, deleteAll: 3 } as const;
/** Seen from above, 1 m of text would lie over the 2 m of its arrow, in the same colour. */
const TEXT_OFFSET_M = 2.5;
const STATE_COLOURS: Readonly<Record<LocalizationState, readonly [number, number, number]>> = {
  located: [0.1, 0.8, 0.2],
  uncertain: [0.95, 0.7, 0.1],
  lost: [0.85, 0.2, 0.2],
  off_map: [0.5, 0.5, 0.5],
};

/**
 * An arrow a hypothesis, as opaque as it is probable, and the state in words beside the best. The first marker removes those of
 * the frame before: without a namespace it means all of them, in one it would leave the others (and RViz would refuse its id
 * together with the first hypothesis').
 */
export function toMarkers(decision: Decision, context: MessageContext): readonly Marker[] {
  const header = toHeader(decision.stampNs, context);
  const [r, g, b] = STATE_COLOURS[decision.state];
  const blank: Marker = {
    header,
    ns: '',
    id: 0,
    type: MARKER.arrow,
    action: MARKER.deleteAll,
    pose: toPoseMessage({ x: 0, y: 0, z: 0, qx: 0, qy: 0, qz: 0, qw: 1 }),
    scale: { x: 0, y: 0, z: 0 },
    color: { r, g, b, a: 0 },
    text: '',
  };
  const markers: Marker[] = [blank];
  for (const { rank, pose, probability } of decision.hypotheses) {
    if (pose === null || Number.isNaN(pose.x)) continue;
    const headed = !Number.isNaN(pose.qw);
    markers.push({
      ...blank,
      ns: 'hypotheses',
      id: rank,
      action: MARKER.add,
      type: headed ? MARKER.arrow : MARKER.sphere,
      pose: toPoseMessage(withHeading(pose)),
      scale: headed ? { x: 2, y: 0.4, z: 0.4 } : { x: 1, y: 1, z: 1 },
      color: { r, g, b, a: 0.2 + 0.8 * probability },
    });
    if (rank > 0) continue;
    markers.push({
      ...blank,
      ns: 'state',
      action: MARKER.add,
      type: MARKER.text,
      pose: toPoseMessage({ ...withHeading(pose), y: pose.y + TEXT_OFFSET_M, z: pose.z + 2 }),
      scale: { x: 0, y: 0, z: 1 },
      color: { r, g, b, a: 1 },
      text: `${decision.state} ${(100 * decision.confidence).toFixed(0)} %`,
    });
  }
  return markers;
}

/** The message's "from" is the earlier place; the detector looks back from the newer one. */
export function toLoopClosureMessage(closure: LoopClosure, context: MessageContext): LoopClosureMessage {
  return {
    header: toHeader(closure.fromStampNs, context),
    from_place_id: BigInt(closure.toPlace),
    to_place_id: BigInt(closure.fromPlace),
    from_stamp: toRosTime(closure.toStampNs),
    to_stamp: toRosTime(closure.fromStampNs),
    similarity: closure.similarity,
    probability: closure.probability,
    accepted: closure.accepted,
    to_from_from: { pose: toPoseMessage(invertPose(closure.toFromFrom)), covariance: closure.covariance },
  };
}

/** `expected` is by n, from the map's own calibration; stamped as the last image. */
export function toRecallMessage(
  measured: MeasuredRecall,
  context: MessageContext,
  facts: {
    readonly stampNs: bigint;
    readonly radiusM: number;
    readonly expected: Readonly<Record<number, number>>;
  },
): RecallDiagnosticsMessage {
  return {
    header: toHeader(facts.stampNs, context),
    queries: measured.queries,
    queries_with_truth: measured.queriesWithTruth,
    radius: facts.radiusM,
    n: measured.n,
    recall: measured.recall,
    expected_recall: measured.n.flatMap((n) => facts.expected[n] ?? []),
    accepted_precision: measured.acceptedPrecision,
    median_position_error: measured.medianPositionErrorM,
    calibration_error: measured.calibrationError,
  };
}
