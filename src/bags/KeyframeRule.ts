/** @file Which images of a drive become places: those that show something new. */

/** An image is kept when any of the set thresholds is passed since the last kept one; with none set, all are kept. */
export interface KeyframeRule {
  readonly distanceM: number | null;
  readonly turnRad: number | null;
  readonly intervalS: number | null;
}

/** Places a few metres apart resolve a street; a turn of a quarter view shows other things from the same spot. */
export const DEFAULT_KEYFRAMES: KeyframeRule = { distanceM: 2, turnRad: (20 * Math.PI) / 180, intervalS: null };

export const EVERY_FRAME: KeyframeRule = { distanceM: null, turnRad: null, intervalS: null };

export function isEveryFrame({ distanceM, turnRad, intervalS }: KeyframeRule): boolean {
  return distanceM === null && turnRad === null && intervalS === null;
}

export interface KeyframeCandidate {
  readonly stampNs: bigint;
  /** Metres in any one Cartesian frame. */
  readonly x: number;
  readonly y: number;
  /** Null = unknown, never a turn. */
  readonly yawRad: number | null;
}

/** A function that remembers the last kept image and says of each next one whether it is kept. */
export function createKeyframeGate(rule: KeyframeRule): (candidate: KeyframeCandidate) => boolean {
  let last: KeyframeCandidate | null = null;
  return (candidate) => {
    if (!isEveryFrame(rule) && last !== null && !isNew(rule, last, candidate)) return false;
    last = candidate;
    return true;
  };
}

function isNew(rule: KeyframeRule, last: KeyframeCandidate, next: KeyframeCandidate): boolean {
  const { distanceM, turnRad, intervalS } = rule;
  if (distanceM !== null && Math.hypot(next.x - last.x, next.y - last.y) >= distanceM) return true;
  if (intervalS !== null && Number(next.stampNs - last.stampNs) / 1e9 >= intervalS) return true;
  if (turnRad === null || next.yawRad === null || last.yawRad === null) return false;
  const turn = Math.abs(Math.atan2(Math.sin(next.yawRad - last.yawRad), Math.cos(next.yawRad - last.yawRad)));
  return turn >= turnRad;
}
