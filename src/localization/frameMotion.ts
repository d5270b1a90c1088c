/** @file What may have happened between two frames: motion, how much of the view is new, whether the past still counts. */
import { wrapAngle } from '../geo/angles.ts';
import { hasHeading, relativePose, yawOf } from '../geo/poseAlgebra.ts';
import type { Pose } from '../geo/Pose.ts';
import { clamp, mean } from '../math/statistics.ts';
import type { Observation } from './Localizer.ts';
import type { LocalizerOptions } from './localizerOptions.ts';
import type { MapGeometry } from './MapGeometry.ts';
import type { Motion } from './SequenceFilter.ts';

export interface FrameStep {
  readonly motion: Motion;
  /** 0 = the same view again, 1 = an independent one. */
  readonly novelty: number;
  /** False when the gap in time is so long, or time jumped back so far, that the belief must start anew. */
  readonly connected: boolean;
}

type MotionOptions = Pick<LocalizerOptions, 'maxSpeedMps' | 'maxStepsPerFrame' | 'odometryNoise' | 'maxGapS'>;

/** A camera that stands still sees one thing; this much of a frame's evidence is counted all the same. */
const LEAST_NOVELTY = 0.05;
/** Similarities to the same places that differ by less than this come from one view. */
const SAME_VIEW_SIMILARITY = 0.01;
const VIEW_MATCHES = 3;
const NEW_VIEW_TURN_RAD = Math.PI / 6;

/** Remembers the last frame. Stamps out of order are taken as the same distance in time. */
export class FrameMotion {
  readonly #geometry: MapGeometry;
  readonly #options: MotionOptions;
  #last: Observation | null = null;
  /** Shortest usual time between frames, seconds: what one step of a topological map takes. */
  #periodS: number | null = null;

  constructor(geometry: MapGeometry, options: MotionOptions) {
    this.#geometry = geometry;
    this.#options = options;
  }

  reset(): void {
    this.#last = null;
    this.#periodS = null;
  }

  advance(observation: Observation): FrameStep {
    const last = this.#last;
    const elapsedS = last === null ? 0 : Number(observation.stampNs - last.stampNs) / 1e9;
    const connected = last === null || Math.abs(elapsedS) <= this.#options.maxGapS;
    // A late frame must not become the reference of the next one.
    if (last === null || elapsedS >= 0 || !connected) this.#last = observation;
    if (last === null || !connected) return { motion: { kind: 'bounded', reach: 0 }, novelty: 1, connected };
    const moved = odometryBetween(last, observation);
    const seenNovelty = 1 - viewOverlap(last, observation);
    const novelty = moved === null ? seenNovelty : Math.min(seenNovelty, this.#noveltyOf(moved));
    return { motion: this.#motion(moved, Math.abs(elapsedS)), novelty: Math.max(LEAST_NOVELTY, novelty), connected };
  }

  #motion(moved: Pose | null, elapsedS: number): Motion {
    const { maxSpeedMps, maxStepsPerFrame, odometryNoise } = this.#options;
    if (this.#geometry.kind === 'topological')
      return { kind: 'bounded', reach: maxStepsPerFrame * this.#frames(elapsedS) };
    if (moved === null) return { kind: 'bounded', reach: maxSpeedMps * elapsedS };
    const travelled = Math.hypot(moved.x, moved.y);
    return { kind: 'odometry', forward: moved.x, left: moved.y, sigma: odometryNoise * travelled };
  }

  /** How many frame periods fit into the time since the last frame, at least 1: dropped frames widen the reach. */
  #frames(elapsedS: number): number {
    if (!(elapsedS > 0)) return 1;
    this.#periodS = this.#periodS === null ? elapsedS : Math.min(elapsedS, 0.9 * this.#periodS + 0.1 * elapsedS);
    return Math.max(1, elapsedS / this.#periodS);
  }

  #noveltyOf(moved: Pose): number {
    const turned = Math.abs(wrapAngle(yawOf(moved)));
    return clamp((2 * Math.hypot(moved.x, moved.y)) / this.#geometry.spacing + turned / NEW_VIEW_TURN_RAD, 0, 1);
  }
}

/** Motion of the body in its own axes between two frames; null when either lacks a usable odometry pose. */
function odometryBetween(last: Observation, next: Observation): Pose | null {
  const [from, to] = [last.odometry?.pose, next.odometry?.pose];
  if (from === undefined || to === undefined || !hasHeading(from) || !hasHeading(to)) return null;
  const moved = relativePose(from, to);
  return Number.isFinite(moved.x + moved.y) ? moved : null;
}

/** 1 when the best matches of both frames are the same places at the same similarities: the same view. One new place: 0. */
function viewOverlap(last: Observation, next: Observation): number {
  const best = next.matches.slice(0, VIEW_MATCHES);
  if (last.matches.length === 0 || best.length === 0) return 0;
  const before = new Map(last.matches.map(({ place, similarity }) => [place, similarity]));
  const difference = mean(
    best.map(({ place, similarity }) => Math.abs((before.get(place) ?? Number.POSITIVE_INFINITY) - similarity)),
  );
  return Number.isFinite(difference) ? Math.exp(-difference / SAME_VIEW_SIMILARITY) : 0;
}
