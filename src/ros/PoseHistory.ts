/** @file Poses by stamp, for the pose at an image's stamp: interpolated between neighbours, or the nearest near enough. */
import type { Pose } from '../geo/Pose.ts';

interface StampedPose {
  readonly stampNs: bigint;
  readonly pose: Pose;
}

const CAPACITY = 2000;

/** Linear in position; normalised linear interpolation of the quaternion on the shorter arc. */
export function interpolatePose(a: Pose, b: Pose, fraction: number): Pose {
  const mix = (from: number, to: number): number => from + (to - from) * fraction;
  const sign = a.qx * b.qx + a.qy * b.qy + a.qz * b.qz + a.qw * b.qw < 0 ? -1 : 1;
  const q = [mix(a.qx, sign * b.qx), mix(a.qy, sign * b.qy), mix(a.qz, sign * b.qz), mix(a.qw, sign * b.qw)] as const;
  const norm = Math.hypot(...q);
  return {
    x: mix(a.x, b.x),
    y: mix(a.y, b.y),
    z: mix(a.z, b.z),
    qx: q[0] / norm,
    qy: q[1] / norm,
    qz: q[2] / norm,
    qw: q[3] / norm,
  };
}

/** Keeps the newest 2000 poses. A stamp that goes back starts the history anew, as a looped recording does. */
export class PoseHistory {
  #poses: StampedPose[] = [];

  add(stampNs: bigint, pose: Pose): void {
    const last = this.#poses.at(-1);
    if (last !== undefined && stampNs < last.stampNs) this.clear();
    if (last?.stampNs === stampNs) this.#poses.pop();
    this.#poses.push({ stampNs, pose });
    if (this.#poses.length >= 2 * CAPACITY) this.#poses = this.#poses.slice(-CAPACITY);
  }

  /** Null when the stamp lies further than the tolerance from every known pose. */
  at(stampNs: bigint, toleranceS: number): Pose | null {
    const toleranceNs = BigInt(Math.round(toleranceS * 1e9));
    const after = this.#findAfter(stampNs);
    const [before, next] = [this.#poses[after - 1], this.#poses[after]];
    const near = (sample: StampedPose | undefined): sample is StampedPose =>
      sample !== undefined &&
      (sample.stampNs > stampNs ? sample.stampNs - stampNs : stampNs - sample.stampNs) <= toleranceNs;
    if (near(before) && near(next)) {
      const fraction = Number(stampNs - before.stampNs) / Number(next.stampNs - before.stampNs);
      return interpolatePose(before.pose, next.pose, fraction);
    }
    return near(before) ? before.pose : near(next) ? next.pose : null;
  }

  get size(): number {
    return this.#poses.length;
  }

  clear(): void {
    this.#poses = [];
  }

  /** Index of the first pose after the stamp. */
  #findAfter(stampNs: bigint): number {
    let [low, high] = [0, this.#poses.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#poses[middle]!.stampNs <= stampNs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
