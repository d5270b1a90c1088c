/**
 * @file Loop closures of a drive with itself: for SLAM back ends that want few, certain ones.
 *
 * Every keyframe is compared with the earlier ones. What is recent, in time or in travelled distance, is no loop. A
 * candidate is accepted when several keyframes in a row resemble places that lie to each other as the keyframes do, in
 * one direction, and when their evidence, weighed by what odometry says of the distance, is enough.
 */
import { poseCovariance } from '../geo/covariance.ts';
import { distanceM, IDENTITY_POSE } from '../geo/poseAlgebra.ts';
import type { Pose } from '../geo/Pose.ts';
import { clamp, logit, mean, sigmoid } from '../math/statistics.ts';
import { computeFrameHypotheses, type FramePlace, type PlaceLayout } from './frameHypotheses.ts';
import {
  DEFAULT_LOOP_CLOSURE_OPTIONS,
  type LoopClosure,
  type LoopClosureOptions,
  type LoopKeyframe,
} from './LoopClosure.ts';
import { defaultCalibration, type PlaceCalibration } from './PlaceCalibration.ts';

/** A candidate below this is not worth a message. */
const WORTH_MENTIONING = 0.2;
/**
 * Neighbouring keyframes repeat each other, and a street that looks like another does so for its whole length: the strongest
 * keyframe of a chain counts this much, the second this much of that, and so on. Many weak ones never add up to a loop.
 */
const STRONGEST_WEIGHT = 0.8;
const NEXT_WEIGHT = 0.6;
/** A keyframe whose own resemblance is weaker cannot carry a chain. */
const CARRIES_CHAIN = 0.5;
/** How much the distances of new and old ends may differ: in keyframes, and in shares of the distance. */
const TOLERATED_STEPS = 1.5;
const TOLERATED_DRIFT = 0.2;
/** Chance that a place is passed backwards and still looks the same: the view of a camera that sees all around. */
const BACKWARDS = 0.1;
/** Chance that odometry is wrong by more than its drift. */
const SLIP = 0.05;
/** Look-alikes are neighbours more often than chance: that odometry brings two ends near each other counts by this much. */
const NEARNESS_WEIGHT = 0.5;
/** Odometry that makes a loop this much more probable has brought the two ends together. */
const BROUGHT_TOGETHER = Math.log(3);
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

/** What odometry says of the distance between the ends of a link. */
interface DistanceVerdict {
  /** By odometry. */
  readonly metres: number;
  readonly logOdds: number;
}

const UNKNOWN_DISTANCE: DistanceVerdict = { metres: Number.NaN, logOdds: 0 };

export class LoopClosureDetector {
  readonly #options: LoopClosureOptions;
  readonly #calibration: PlaceCalibration;
  readonly #keyframes: Keyframe[] = [];
  readonly #rows = new Map<number, number>();
  /** Row of the first visit to a keyframe's place, as far as accepted loops tell; its own row otherwise. */
  readonly #visits: number[] = [];
  /** Consistent candidates of the keyframes just before, oldest first. */
  #chain: Link[] = [];
  /** Whether the chain passes its old ends in the order of the drive (1) or against it (-1); null = either fits. */
  #direction: 1 | -1 | null = null;

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
      this.#direction = null;
      this.#visits.push(from);
      return null;
    }
    return this.#judge(from, best);
  }

  #judge(from: number, best: FramePlace): LoopClosure {
    const match = best.matches[0]!;
    const link: Link = { from, to: match.row, logit: logit(best.probability) };
    const last = this.#chain.at(-1);
    this.#continueChain(link);
    const seen = chainLogit(this.#chain) + (this.#direction === -1 ? logit(BACKWARDS) : 0);
    const distance = this.#judgeDistance(link);
    const told = distance.logOdds > 0 ? NEARNESS_WEIGHT * distance.logOdds : distance.logOdds;
    const probability = clamp(sigmoid(seen + told), 0, 0.9999);
    const contradicts = last !== undefined && this.#chain.length === 1;
    const reason = this.#objection({ best, probability, contradicts, distance });
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

  /** Adds a link to those before that it agrees with; it starts a chain of its own when it does not agree with the last. */
  #continueChain(link: Link): void {
    const last = this.#chain.at(-1);
    const fits = ([1, -1] as const).flatMap((direction) => {
      const links = this.#chain.filter((earlier) => this.#isConsistent(earlier, link, direction));
      const isOpen = this.#direction === null || this.#direction === direction;
      return isOpen && last !== undefined && links.at(-1) === last ? [{ direction, links }] : [];
    });
    // Where a camera hardly moves both directions fit: forwards is the usual one, and nothing is decided yet.
    const [fit] = fits;
    if (fits.length < 2) this.#direction = fit?.direction ?? null;
    this.#chain = [...(fit?.links ?? []), link].slice(-2 * this.#options.consecutive);
  }

  /** What speaks against accepting the newest link; null = nothing. */
  #objection(given: {
    readonly best: FramePlace;
    readonly probability: number;
    readonly contradicts: boolean;
    readonly distance: DistanceVerdict;
  }): string | null {
    const { consecutive, acceptProbability, requireEvidence } = this.#options;
    const { best, probability, contradicts, distance } = given;
    const needed = distance.logOdds >= BROUGHT_TOGETHER ? Math.max(2, consecutive - 1) : consecutive;
    if (requireEvidence && Number.isNaN(best.evidence)) return 'Not verified: spatial verification is off.';
    if (contradicts) return 'It does not lie to the candidate before as the keyframes do.';
    if (this.#chain.length < needed) return `${this.#chain.length} of ${needed} keyframes in a row agree.`;
    if (best.probability < CARRIES_CHAIN) return `This keyframe alone has ${percent(best.probability)} only.`;
    if (probability >= acceptProbability) return null;
    const far = distance.logOdds < -1 ? ` Odometry puts it ${distance.metres.toFixed(0)} m away.` : '';
    return `${percent(probability)}, ${percent(acceptProbability)} needed.${far}`;
  }

  /**
   * Two links agree when their old ends are about as far apart as their new ends, the old ones passed in the order of the
   * drive (1) or against it (-1).
   */
  #isConsistent(earlier: Link, later: Link, direction: 1 | -1): boolean {
    const steps = later.from - earlier.from;
    if (steps > 2 * this.#options.consecutive) return false;
    const progress = direction * (this.#visits[later.to]! - this.#visits[earlier.to]!);
    const [a, b] = [this.#keyframes[earlier.to]!, this.#keyframes[later.to]!];
    const [c, d] = [this.#keyframes[earlier.from]!, this.#keyframes[later.from]!];
    if (a.odometry !== null && b.odometry !== null && c.odometry !== null && d.odometry !== null) {
      const [then, now] = [distanceM(a.odometry, b.odometry), distanceM(c.odometry, d.odometry)];
      const tolerance = TOLERATED_STEPS * this.#spacingM() + TOLERATED_DRIFT * now;
      return Math.abs((progress < 0 ? -then : then) - now) <= tolerance;
    }
    // Keyframes are about equally far apart.
    return Math.abs(progress - steps) <= TOLERATED_STEPS + TOLERATED_DRIFT * steps;
  }

  /**
   * How much more probable odometry makes a loop: a true one lies within its drift, a false one anywhere among the old
   * keyframes. Bounded, for odometry slips.
   */
  #judgeDistance({ from, to }: Link): DistanceVerdict {
    const now = this.#keyframes[from]!;
    const [distance, ...others] = [to, ...this.#keyframes.keys()].flatMap((row) => {
      const old = this.#keyframes[row]!;
      if (now.odometry === null || old.odometry === null) return [];
      if (row !== to && !this.#isOlder(row, now, { from, times: IN_SIGHT })) return [];
      const metres = distanceM(now.odometry, old.odometry);
      const sigmaM = this.#options.placeSigmaM + this.#options.odometryDrift * (now.travelledM - old.travelledM);
      return [{ row, metres, likelihood: Math.exp(-0.5 * (metres / sigmaM) ** 2) }];
    });
    if (distance?.row !== to || !Number.isFinite(distance.likelihood)) return UNKNOWN_DISTANCE;
    const usual = mean(others.map(({ likelihood }) => likelihood));
    const ratio = (distance.likelihood + SLIP) / (usual + SLIP);
    return { metres: distance.metres, logOdds: Math.log(ratio) };
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

/** Log odds of a chain; one weak keyframe lowers them less than a strong one raises them. */
function chainLogit(chain: readonly Link[]): number {
  const strongestFirst = chain.map((link) => link.logit).sort((a, b) => b - a);
  return strongestFirst.reduce((sum, each, rank) => sum + STRONGEST_WEIGHT * NEXT_WEIGHT ** rank * each, 0);
}

function percent(probability: number): string {
  return `${(100 * probability).toFixed(1)} %`;
}
