/** @file The port from matches to a pose one may trust: pure, synchronous, deterministic (docs/localization.md). */
import type { GeoPoint, Pose } from '../geo/Pose.ts';

/** A retrieved place with the evidence of spatial verification. */
export interface CandidateMatch {
  readonly place: number;
  /** Dot product, 1 is identical. */
  readonly similarity: number;
  /** Geometric evidence; NaN = not verified. */
  readonly evidence: number;
}

/** Odometry pose of the body at the frame's stamp, in the odom frame (continuous, may drift). */
export interface OdometryPose {
  readonly stampNs: bigint;
  readonly pose: Pose;
}

/** A position from GNSS in the map frame: ENU metres with a 2x2 covariance [xx, xy, yx, yy] in m^2. */
export interface PositionPrior {
  readonly stampNs: bigint;
  readonly x: number;
  readonly y: number;
  readonly covariance: readonly [number, number, number, number];
}

export interface Observation {
  readonly stampNs: bigint;
  /** Best first. */
  readonly matches: readonly CandidateMatch[];
  readonly odometry: OdometryPose | null;
  readonly fix: PositionPrior | null;
}

/** A place hypothesis: a cluster of matches in space and heading. */
export interface PoseHypothesis {
  /** 0 is the best. */
  readonly rank: number;
  /** The cluster's representative place and its image. */
  readonly place: number;
  readonly image: string;
  /** NaN = believed in by what came before; the index did not find it for this image. */
  readonly similarity: number;
  /** NaN = not verified. */
  readonly evidence: number;
  /** With the other hypotheses and "none of these" they sum to 1. */
  readonly probability: number;
  /** Map frame; null in maps without positions. */
  readonly pose: Pose | null;
  /** [6, 6] row-major x y z rotX rotY rotZ (REP-103), m^2 and rad^2; null in maps without positions. */
  readonly covariance: Float64Array | null;
  readonly geo: GeoPoint | null;
  /** Stamp of the representative database image, null when unknown. */
  readonly databaseStampNs: bigint | null;
}

export type LocalizationState = 'lost' | 'uncertain' | 'located' | 'off_map';

interface DecisionFacts {
  readonly stampNs: bigint;
  /** Calibrated probability that the best hypothesis is right, 0..1. */
  readonly confidence: number;
  /** In words, for people. */
  readonly reason: string;
  /** Best first; may be empty. */
  readonly hypotheses: readonly PoseHypothesis[];
}

/** What the localizer says of a frame; a pose is given only when `located` on a map with positions. */
export type Decision =
  | (DecisionFacts & {
      readonly state: 'located';
      readonly pose: Pose | null;
      readonly covariance: Float64Array | null;
    })
  | (DecisionFacts & { readonly state: Exclude<LocalizationState, 'located'> });

export interface Localizer {
  process(observation: Observation): Decision;
  /** Forgets the sequence; the next frame is treated as the first. */
  reset(): void;
}
