/** @file What the search for loop closures is given, and what it says. */
import type { Pose } from '../geo/Pose.ts';
import type { CandidateMatch } from './Localizer.ts';

export interface LoopClosureOptions {
  /** Keyframes younger than this, seconds, are not looked at; up to twice as old they are compared with, but are no loop. */
  readonly minTimeS: number;
  /** The same by travel, metres; needs odometry. */
  readonly minTravelM: number;
  /** The same in keyframes; counts always. */
  readonly minKeyframes: number;
  /** Consistent keyframes in a row before one is accepted; where odometry brings the two ends together, one fewer will do. */
  readonly consecutive: number;
  /** Keyframes this near to each other show one place. */
  readonly placeRadiusKeyframes: number;
  /** Probability of the chain that is needed. */
  readonly acceptProbability: number;
  /** Accept only candidates that spatial verification has confirmed. */
  readonly requireEvidence: boolean;
  /** One-sigma distance between two views of one place, metres: the weak prior on the transform. */
  readonly placeSigmaM: number;
  /** One-sigma drift of odometry per metre travelled. */
  readonly odometryDrift: number;
}

export const DEFAULT_LOOP_CLOSURE_OPTIONS: LoopClosureOptions = {
  minTimeS: 10,
  minTravelM: 10,
  minKeyframes: 10,
  consecutive: 3,
  placeRadiusKeyframes: 3,
  acceptProbability: 0.97,
  requireEvidence: true,
  placeSigmaM: 5,
  odometryDrift: 0.05,
};

export interface LoopKeyframe {
  /** Its id in the online map; ascending along the drive. */
  readonly place: number;
  readonly stampNs: bigint;
  /** Odometry pose of the body; null = unknown. */
  readonly odometry: Pose | null;
  /** Best first, over the online map; recent keyframes among them are left out here. */
  readonly matches: readonly CandidateMatch[];
}

/** Field for field what the message LoopClosure carries, plus evidence and reason. */
export interface LoopClosure {
  readonly fromPlace: number;
  readonly toPlace: number;
  readonly fromStampNs: bigint;
  readonly toStampNs: bigint;
  readonly similarity: number;
  /** NaN = not verified. */
  readonly evidence: number;
  /** Of the chain of consistent keyframes. */
  readonly probability: number;
  readonly accepted: boolean;
  /** Why it was accepted or rejected, in words. */
  readonly reason: string;
  /** Pose of "from" in the frame of "to": the identity, for place recognition measures no transform. */
  readonly toFromFrom: Pose;
  /** [6, 6] of the same: says "the same place", not where in it. */
  readonly covariance: Float64Array;
}
