/** @file The optional inputs beside the camera: odometry, GNSS fixes, poses for mapping, ground truth. */
import { parseRosTime } from '../bags/rosTime.ts';
import { isGeoPosition, toEnu, type LocalDatum } from '../geo/LocalDatum.ts';
import type { GeoPoint, Pose } from '../geo/Pose.ts';
import type { OdometryPose, PositionPrior } from '../localization/Localizer.ts';
import type { NavSatFix } from './messages.ts';
import { PoseHistory } from './PoseHistory.ts';
import { SENSOR_QOS, type Destroyable, type Qos, type RosNode } from './RosNode.ts';
import { fromPoseMessage } from './toMessages.ts';

/** A receiver that does not say how good it is, is taken for a plain one. */
const UNKNOWN_FIX_SIGMA_M = 10;
const COVARIANCE_UNKNOWN = 0;
const NO_FIX = -1;

export interface GeoFix {
  readonly stampNs: bigint;
  readonly geo: GeoPoint;
  /** East, north: [xx, xy, yx, yy] in m^2. */
  readonly covariance: readonly [number, number, number, number];
}

/** Null for a message that says it has no fix, or holds no position. */
export function parseFix(message: NavSatFix): GeoFix | null {
  const geo = { latDeg: message.latitude, lonDeg: message.longitude, altM: message.altitude };
  if (message.status.status <= NO_FIX || !isGeoPosition(geo)) return null;
  const c = message.position_covariance;
  const known = message.position_covariance_type !== COVARIANCE_UNKNOWN && c[0]! > 0 && c[4]! > 0;
  const sigma2 = UNKNOWN_FIX_SIGMA_M ** 2;
  return {
    stampNs: parseRosTime(message.header.stamp),
    geo,
    covariance: known ? [c[0]!, c[1]!, c[3]!, c[4]!] : [sigma2, 0, 0, sigma2],
  };
}

export interface MotionInputOptions {
  /** Reads the QoS of a topic, overrides included. */
  readonly qosOf: (topic: string, qos: Qos) => Qos;
  readonly groundTruth: 'none' | 'pose' | 'fix';
  readonly mappingPose: boolean;
}

/** The newest fixes and poses by stamp. Subscribed while the node is active. */
export class MotionInputs {
  readonly odometry = new PoseHistory();
  readonly mappingPose = new PoseHistory();
  readonly truePose = new PoseHistory();
  readonly #subscriptions: Destroyable[] = [];
  #fixes: GeoFix[] = [];
  #trueFixes: GeoFix[] = [];
  #odomFrame: string | null = null;

  constructor(node: RosNode, { qosOf, groundTruth, mappingPose }: MotionInputOptions) {
    const qos = (topic: string): Qos => qosOf(node.resolveTopic(topic), { ...SENSOR_QOS, depth: 50 });
    this.#subscriptions.push(
      node.subscribe('nav_msgs/msg/Odometry', 'odom', {
        qos: qos('odom'),
        onMessage: ({ header, pose }) => {
          this.#odomFrame = header.frame_id;
          this.odometry.add(parseRosTime(header.stamp), fromPoseMessage(pose.pose));
        },
      }),
      node.subscribe('sensor_msgs/msg/NavSatFix', 'fix', {
        qos: qos('fix'),
        onMessage: (message) => {
          this.#fixes = withFix(this.#fixes, parseFix(message));
        },
      }),
    );
    if (mappingPose) this.#subscribePose(node, 'mapping_pose', qos('mapping_pose'), this.mappingPose);
    if (groundTruth === 'pose') this.#subscribePose(node, 'ground_truth', qos('ground_truth'), this.truePose);
    if (groundTruth !== 'fix') return;
    this.#subscriptions.push(
      node.subscribe('sensor_msgs/msg/NavSatFix', 'ground_truth', {
        qos: qos('ground_truth'),
        onMessage: (message) => {
          this.#trueFixes = withFix(this.#trueFixes, parseFix(message));
        },
      }),
    );
  }

  /** `header.frame_id` of the odometry; null before the first. */
  get odomFrame(): string | null {
    return this.#odomFrame;
  }

  odometryAt(stampNs: bigint, toleranceS: number): OdometryPose | null {
    const pose = this.odometry.at(stampNs, toleranceS);
    return pose === null ? null : { stampNs, pose };
  }

  fixAt(stampNs: bigint, toleranceS: number): GeoFix | null {
    return nearestFix(this.#fixes, stampNs, toleranceS);
  }

  priorAt(stampNs: bigint, datum: LocalDatum, toleranceS: number): PositionPrior | null {
    const fix = this.fixAt(stampNs, toleranceS);
    if (fix === null) return null;
    const { x, y } = toEnu(datum, fix.geo);
    return { stampNs: fix.stampNs, x, y, covariance: fix.covariance };
  }

  /** The true position in the map frame at a stamp, from whichever ground truth there is. */
  truthAt(stampNs: bigint, datum: LocalDatum | null, toleranceS: number): Pick<Pose, 'x' | 'y'> | null {
    const pose = this.truePose.at(stampNs, toleranceS);
    if (pose !== null) return pose;
    const fix = nearestFix(this.#trueFixes, stampNs, toleranceS);
    return fix === null || datum === null ? null : toEnu(datum, fix.geo);
  }

  /** Forgets all, as when time jumps back. */
  clear(): void {
    for (const history of [this.odometry, this.mappingPose, this.truePose]) history.clear();
    this.#fixes = [];
    this.#trueFixes = [];
  }

  destroy(): void {
    for (const subscription of this.#subscriptions) subscription.destroy();
    this.#subscriptions.length = 0;
  }

  #subscribePose(node: RosNode, topic: string, qos: Qos, history: PoseHistory): void {
    this.#subscriptions.push(
      node.subscribe('geometry_msgs/msg/PoseStamped', topic, {
        qos,
        onMessage: ({ header, pose }) => {
          history.add(parseRosTime(header.stamp), fromPoseMessage(pose));
        },
      }),
    );
  }
}

const KEPT_FIXES = 200;

function withFix(fixes: GeoFix[], fix: GeoFix | null): GeoFix[] {
  if (fix === null) return fixes;
  fixes.push(fix);
  return fixes.length > 2 * KEPT_FIXES ? fixes.slice(-KEPT_FIXES) : fixes;
}

function nearestFix(fixes: readonly GeoFix[], stampNs: bigint, toleranceS: number): GeoFix | null {
  const distanceS = (fix: GeoFix): number => Math.abs(Number(fix.stampNs - stampNs)) / 1e9;
  let best: GeoFix | null = null;
  for (const fix of fixes) if (best === null || distanceS(fix) <= distanceS(best)) best = fix;
  return best !== null && distanceS(best) <= toleranceS ? best : null;
}
