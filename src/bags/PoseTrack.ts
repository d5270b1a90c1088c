/** @file A trajectory that can be asked where it was at any time. */
import type { GeoPoint, Pose } from '../geo/Pose.ts';
import { createDatum, toEnu } from '../geo/LocalDatum.ts';
import { createPose, horizontalDistanceM, orientationOf } from '../geo/poseAlgebra.ts';
import { slerp } from '../geo/quaternion.ts';
import { geodeticToEcef } from '../geo/wgs84.ts';
import type { PositionSample } from './parseMessages.ts';

/** Position between two samples; of `pose` and `geo` that is set which the samples have. */
export interface TrackPoint {
  readonly pose: Pose | null;
  readonly geo: GeoPoint | null;
  /** The worse of the two samples around it; null = unknown. */
  readonly sigmaM: number | null;
}

/** A course is taken over this time to either side, and only where it led this far. */
const COURSE_WINDOW_NS = 1_000_000_000n;
const COURSE_MIN_M = 1;

/** Nothing on the ground moves so: a wild fix, an odometry that was set anew. The metres leave room for a correction. */
const JUMP_M = 50;
const JUMP_SPEED_MPS = 150;

export interface Jump {
  readonly from: PositionSample;
  readonly to: PositionSample;
  readonly metres: number;
}

export class PoseTrack {
  /** By stamp; of equal stamps the first is kept. */
  readonly samples: readonly PositionSample[];
  readonly #maxGapNs: bigint;

  /** Between samples further apart than `maxGapNs`, within a jump, and beyond the ends by more than a tenth of it, nothing is known. */
  constructor(samples: readonly PositionSample[], maxGapNs: bigint) {
    const sorted = [...samples].sort((a, b) => (a.stampNs < b.stampNs ? -1 : a.stampNs > b.stampNs ? 1 : 0));
    this.samples = sorted.filter((sample, i) => i === 0 || sample.stampNs !== sorted[i - 1]!.stampNs);
    this.#maxGapNs = maxGapNs;
  }

  /** Successive samples between which nothing can have moved. */
  get jumps(): readonly Jump[] {
    return this.samples.flatMap((sample, i) => (i === 0 ? [] : (findJump(this.samples[i - 1]!, sample) ?? [])));
  }

  /** Null where the track does not know. */
  at(stampNs: bigint): TrackPoint | null {
    const next = this.#firstNotBefore(stampNs);
    const after = this.samples[next];
    if (after?.stampNs === stampNs) return toPoint(after);
    const before = this.samples[next - 1];
    if (before === undefined || after === undefined) {
      const end = before ?? after;
      if (end === undefined) return null;
      const beyondNs = before === undefined ? end.stampNs - stampNs : stampNs - end.stampNs;
      return beyondNs * 10n <= this.#maxGapNs ? toPoint(end) : null;
    }
    if (after.stampNs - before.stampNs > this.#maxGapNs || findJump(before, after) !== null) return null;
    const fraction = Number(stampNs - before.stampNs) / Number(after.stampNs - before.stampNs);
    return interpolate(before, after, fraction);
  }

  /**
   * As a live node knows it from the messages around a stamp: between the two neighbours when both are within the
   * tolerance, else the one that is.
   */
  within(stampNs: bigint, toleranceNs: bigint): TrackPoint | null {
    const next = this.#firstNotBefore(stampNs);
    const near = (sample: PositionSample | undefined): PositionSample | null => {
      if (sample === undefined) return null;
      const apart = sample.stampNs > stampNs ? sample.stampNs - stampNs : stampNs - sample.stampNs;
      return apart <= toleranceNs ? sample : null;
    };
    const [before, after] = [near(this.samples[next - 1]), near(this.samples[next])];
    if (before === null || after === null) return toPointOrNull(before ?? after);
    return interpolate(before, after, Number(stampNs - before.stampNs) / Number(after.stampNs - before.stampNs));
  }

  /** The sample whose stamp is nearest; null when none is within the tolerance. */
  nearest(stampNs: bigint, toleranceNs: bigint): PositionSample | null {
    const next = this.#firstNotBefore(stampNs);
    const distance = (sample: PositionSample): bigint =>
      sample.stampNs > stampNs ? sample.stampNs - stampNs : stampNs - sample.stampNs;
    const [before, after] = [this.samples[next - 1], this.samples[next]];
    const best = before === undefined || (after !== undefined && distance(after) <= distance(before)) ? after : before;
    return best !== undefined && distance(best) <= toleranceNs ? best : null;
  }

  /** ENU direction of travel around a time, for tracks without orientation; null while standing. */
  courseAt(stampNs: bigint): number | null {
    const from = this.at(stampNs - COURSE_WINDOW_NS) ?? this.at(stampNs);
    const to = this.at(stampNs + COURSE_WINDOW_NS) ?? this.at(stampNs);
    if (from?.geo == null || to?.geo == null) return null;
    const { x, y } = toEnu(createDatum(from.geo), to.geo);
    return Math.hypot(x, y) < COURSE_MIN_M ? null : Math.atan2(y, x);
  }

  #firstNotBefore(stampNs: bigint): number {
    let [low, high] = [0, this.samples.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.samples[middle]!.stampNs < stampNs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function findJump(from: PositionSample, to: PositionSample): Jump | null {
  const metres = distanceM(from, to);
  const seconds = Number(to.stampNs - from.stampNs) / 1e9;
  return metres > JUMP_M + JUMP_SPEED_MPS * seconds ? { from, to, metres } : null;
}

function distanceM(a: PositionSample, b: PositionSample): number {
  if (a.pose !== null && b.pose !== null) return horizontalDistanceM(a.pose, b.pose);
  if (a.geo === null || b.geo === null) return 0;
  const [from, to] = [geodeticToEcef({ ...a.geo, altM: 0 }), geodeticToEcef({ ...b.geo, altM: 0 })];
  return Math.hypot(to.x - from.x, to.y - from.y, to.z - from.z);
}

function toPoint({ pose, geo, sigmaM }: PositionSample): TrackPoint {
  return { pose, geo, sigmaM };
}

function toPointOrNull(sample: PositionSample | null): TrackPoint | null {
  return sample === null ? null : toPoint(sample);
}

function interpolate(a: PositionSample, b: PositionSample, t: number): TrackPoint {
  const mix = (from: number, to: number): number => from + (to - from) * t;
  const sigmaM = a.sigmaM === null || b.sigmaM === null ? null : Math.max(a.sigmaM, b.sigmaM);
  if (a.pose !== null && b.pose !== null) {
    const position = { x: mix(a.pose.x, b.pose.x), y: mix(a.pose.y, b.pose.y), z: mix(a.pose.z, b.pose.z) };
    return { pose: createPose(position, slerp(orientationOf(a.pose), orientationOf(b.pose), t)), geo: null, sigmaM };
  }
  if (a.geo === null || b.geo === null) return { pose: null, geo: null, sigmaM };
  const lonStep = ((((b.geo.lonDeg - a.geo.lonDeg) % 360) + 540) % 360) - 180; // the short way around the date line
  const lonDeg = ((((a.geo.lonDeg + lonStep * t) % 360) + 540) % 360) - 180;
  const geo = { latDeg: mix(a.geo.latDeg, b.geo.latDeg), lonDeg, altM: mix(a.geo.altM, b.geo.altM) };
  return { pose: null, geo, sigmaM };
}
