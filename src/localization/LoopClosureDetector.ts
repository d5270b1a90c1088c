/**
 * @file Loop closures of a drive with itself: for SLAM back ends that want few, certain ones.
 *
 * Every keyframe is compared with the earlier ones. What is recent, in time or in travelled distance, is no loop. A
 * candidate is accepted when several keyframes in a row resemble places that lie to each other as the keyframes do.
 */
import { poseCovariance } from '../geo/covariance.ts';
import { distanceM, IDENTITY_POSE } from '../geo/poseAlgebra.ts';
import type { Pose } from '../geo/Pose.ts';
import { clamp, logit, sigmoid } from '../math/statistics.ts';
import { computeFrameHypotheses, type FramePlace, type PlaceLayout } from './frameHypotheses.ts';
import type { CandidateMatch } from './Localizer.ts';
import { defaultCalibration, type PlaceCalibration } from './PlaceCalibration.ts';

export interface LoopClosureOptions {
  /** Keyframes younger than this, seconds, are not looked at; up to twice as old they are compared with, but are no loop. */
  readonly minTimeS: number;
  /** The same by travel, metres; needs odometry. */
  readonly minTravelM: number;
  /** The same in keyframes; counts always. */
  readonly minKeyframes: number;
  /** Consistent keyframes in a row before one is accepted. */
  readonly consecutive: number;
  /** Keyframes this near to each other show one place. */
  readonly placeRadiusKeyframes: number;
  /** Probability of the chain that is needed. */
  readonly acceptProbability: number;
  /** Accept only candidates that spatial verification has confirmed. */
  readonly requireEvidence: boolean;
  /** One-sigma distance between two views of one place, metres: the weak prior on the transform. */
  readonly placeSigmaM: number;
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

/** A candidate below this is not worth a message. */
const WORTH_MENTIONING = 0.2;
/** Neighbouring keyframes repeat each other: their evidence counts this much. */
const FRAME_WEIGHT = 0.6;
/** A keyframe whose own resemblance is weaker cannot carry a chain. */
const CARRIES_CHAIN = 0.5;
/** How much the distances of new and old ends may differ. */
const TOLERATED_STEPS = 1.5;
const TOLERATED_DRIFT = 0.2;
const HEADING_SIGMA_RAD = (30 * Math.PI) / 180;
const TILT_SIGMA_RAD = (10 * Math.PI) / 180;

/**
 * What was in sight a while ago may be in sight still, farther off. Keyframes between one and this many times the minimal
 * age show how much of the present view such places share: a loop has to beat them.
 */
const IN_SIGHT = 2;

interface Keyframe extends Omit<LoopKeyframe, 'matches'> {
  /** Metres along the drive up to here; the same as before where odometry is unknown. */
  readonly travelledM: number;
}

interface Link {
  readonly from: number;
  readonly to: number;
  readonly logit: number;
}

export class LoopClosureDetector {
  readonly #options: LoopClosureOptions;
  readonly #calibration: PlaceCalibration;
  readonly #keyframes: Keyframe[] = [];
  readonly #rows = new Map<number, number>();
  /** Row of the first visit to a keyframe's place, as far as accepted loops tell; its own row otherwise. */
  readonly #visits: number[] = [];
  /** Consistent candidates of the keyframes just before, oldest first. */
  #chain: Link[] = [];

  /** `calibration` of a map of such places, where one exists; the generic one otherwise. */
  constructor(options: Partial<LoopClosureOptions> = {}, calibration: PlaceCalibration | null = null) {
    this.#options = { ...DEFAULT_LOOP_CLOSURE_OPTIONS, ...options };
    this.#calibration = calibration ?? defaultCalibration();
  }

  /** Filter for the search of the next keyframe: recent places would crowd out the old ones. */
  isOld(place: number, now: { readonly stampNs: bigint; readonly odometry: Pose | null }): boolean {
    const row = this.#rows.get(place);
    if (row === undefined) return false;
    const travelledM = this.#travelledTo(now.odometry);
    return this.#isOlder(row, { ...now, travelledM }, { from: this.#keyframes.length, times: 1 });
  }

  /** The best candidate, accepted or not; null when nothing old resembles the keyframe. A known place id is ignored. */
  process(keyframe: LoopKeyframe): LoopClosure | null {
    if (this.#rows.has(keyframe.place)) return null;
    const { place, stampNs, odometry } = keyframe;
    const from = this.#keyframes.length;
    const current: Keyframe = { place, stampNs, odometry, travelledM: this.#travelledTo(odometry) };
    const old = keyframe.matches.filter((match) => {
      const row = this.#rows.get(match.place);
      return row !== undefined && this.#isOlder(row, current, { from, times: 1 });
    });
    this.#keyframes.push(current);
    this.#rows.set(place, from);
    const [best] = computeFrameHypotheses(this.#layout, this.#calibration, old).places;
    const isLoop = best !== undefined && this.#isOlder(best.matches[0]!.row, current, { from, times: IN_SIGHT });
    if (!isLoop || best.probability < WORTH_MENTIONING) {
      this.#chain = [];
      this.#visits.push(from);
      return null;
    }
    return this.#judge(from, best);
  }

  #judge(from: number, best: FramePlace): LoopClosure {
    const match = best.matches[0]!;
    const link: Link = { from, to: match.row, logit: logit(best.probability) };
    const consistent = this.#chain.filter((earlier) => this.#isConsistent(earlier, link));
    const last = this.#chain.at(-1);
    const continues = last !== undefined && this.#isConsistent(last, link);
    this.#chain = continues ? [...consistent, link].slice(-2 * this.#options.consecutive) : [link];
    const sum = this.#chain.reduce((total, { logit: each }) => total + each * FRAME_WEIGHT, 0);
    // A single keyframe is as probable as it says; further ones add to it.
    const probability = clamp(sigmoid(Math.max(link.logit * FRAME_WEIGHT, sum)), 0, 0.9999);
    const reason = this.#objection({ best, probability, contradicts: last !== undefined && !continues });
    // The place is known by its first visit from now on: a third visit has two images of it, not two rivals.
    this.#visits.push(reason === null ? this.#visits[match.row]! : from);
    const [fromFrame, toFrame] = [this.#keyframes[from]!, this.#keyframes[match.row]!];
    const { placeSigmaM } = this.#options;
    const variance = placeSigmaM ** 2;
    return {
      fromPlace: fromFrame.place,
      toPlace: toFrame.place,
      fromStampNs: fromFrame.stampNs,
      toStampNs: toFrame.stampNs,
      similarity: match.similarity,
      evidence: match.evidence,
      probability,
      accepted: reason === null,
      reason: reason ?? `${this.#chain.length} keyframes in a row agree.`,
      toFromFrom: IDENTITY_POSE,
      covariance: poseCovariance(
        { xx: variance, xy: 0, yy: variance },
        { z: variance, rollPitch: TILT_SIGMA_RAD ** 2, yaw: HEADING_SIGMA_RAD ** 2 },
      ),
    };
  }

  /** What speaks against accepting the newest link; null = nothing. */
  #objection(given: { best: FramePlace; probability: number; contradicts: boolean }): string | null {
    const { consecutive, acceptProbability, requireEvidence } = this.#options;
    const { best, probability, contradicts } = given;
    if (requireEvidence && Number.isNaN(best.evidence)) return 'Not verified: spatial verification is off.';
    if (contradicts) return 'It does not lie to the candidate before as the keyframes do.';
    if (this.#chain.length < consecutive) return `${this.#chain.length} of ${consecutive} keyframes in a row agree.`;
    if (best.probability < CARRIES_CHAIN) return `This keyframe alone has ${percent(best.probability)} only.`;
    if (probability < acceptProbability) return `${percent(probability)}, ${percent(acceptProbability)} needed.`;
    return null;
  }

  /** Two links agree when their old ends are about as far apart as their new ends. */
  #isConsistent(earlier: Link, later: Link): boolean {
    const steps = later.from - earlier.from;
    if (steps > 2 * this.#options.consecutive) return false;
    const [a, b] = [this.#keyframes[earlier.to]!, this.#keyframes[later.to]!];
    const [c, d] = [this.#keyframes[earlier.from]!, this.#keyframes[later.from]!];
    if (a.odometry !== null && b.odometry !== null && c.odometry !== null && d.odometry !== null) {
      const [before, now] = [distanceM(a.odometry, b.odometry), distanceM(c.odometry, d.odometry)];
      return Math.abs(before - now) <= TOLERATED_STEPS * this.#spacingM() + TOLERATED_DRIFT * now;
    }
    // Keyframes are about equally far apart, in whichever direction the place is passed.
    const progress = Math.abs(this.#visits[later.to]! - this.#visits[earlier.to]!);
    return Math.abs(progress - steps) <= TOLERATED_STEPS + TOLERATED_DRIFT * steps;
  }

  #isOlder(
    row: number,
    now: Pick<Keyframe, 'stampNs' | 'odometry' | 'travelledM'>,
    { from, times }: { readonly from: number; readonly times: number },
  ): boolean {
    const { minTimeS, minTravelM, minKeyframes } = this.#options;
    const then = this.#keyframes[row]!;
    if (from - row < times * minKeyframes) return false;
    if (Math.abs(Number(now.stampNs - then.stampNs)) / 1e9 < times * minTimeS) return false;
    if (now.odometry === null || then.odometry === null) return true;
    return now.travelledM - then.travelledM >= times * minTravelM;
  }

  #travelledTo(odometry: Pose | null): number {
    const last = this.#keyframes.at(-1);
    if (last === undefined) return 0;
    const step = odometry === null || last.odometry === null ? 0 : distanceM(last.odometry, odometry);
    return last.travelledM + (Number.isFinite(step) ? step : 0);
  }

  /** Mean travel between keyframes. */
  #spacingM(): number {
    const n = this.#keyframes.length - 1;
    return n > 0 ? this.#keyframes[n]!.travelledM / n : 0;
  }

  /** The drive so far as a line of keyframes. */
  get #layout(): PlaceLayout {
    const keyframes = this.#keyframes;
    return {
      rowOf: (place) => this.#rows.get(place),
      idOf: (row) => keyframes[row]!.place,
      distance: (a, b) => Math.abs(this.#visits[a]! - this.#visits[b]!),
      placeRadius: this.#options.placeRadiusKeyframes,
    };
  }
}

function percent(probability: number): string {
  return `${(100 * probability).toFixed(1)} %`;
}
