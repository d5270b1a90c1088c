/** @file A drive's line through crossings, with rounded corners, by the metres along it. */
import { direction, distance, lerpPoint, offset, rightOf, type Point } from './planar.ts';

const CORNER_M = 8;
const CORNER_STEPS = 10;

/** The line around a corner, from `CORNER_M` before it to `CORNER_M` behind it; the middle one is half-way. */
function roundCorner(before: Point, corner: Point, after: Point): Point[] {
  const enter = offset(corner, direction(corner, before), CORNER_M);
  const leave = offset(corner, direction(corner, after), CORNER_M);
  return Array.from({ length: CORNER_STEPS + 1 }, (_unused, k) => {
    const t = k / CORNER_STEPS;
    return lerpPoint(lerpPoint(enter, corner, t), lerpPoint(corner, leave, t), t);
  });
}

/** How much shorter the line is than the way over the corner itself: none straight ahead, some 3 m in a right angle. */
export function computeCornerCutM(before: Point, corner: Point, after: Point): number {
  const line = roundCorner(before, corner, after);
  return line.slice(1).reduce((cutM, point, k) => cutM - distance(line[k]!, point), 2 * CORNER_M);
}

export interface PathPoint extends Point {
  /** ENU heading of the line. */
  readonly yawRad: number;
  /** Index of the leg: of the street between two crossings. */
  readonly leg: number;
}

export class Path {
  readonly lengthM: number;
  readonly #points: Point[] = [];
  readonly #legs: number[] = [];
  readonly #starts: number[] = [0];

  /** Corners are those of the middle of the street. */
  constructor(corners: readonly Point[]) {
    this.#push(corners[0]!, 0);
    for (let i = 1; i < corners.length - 1; i++) {
      roundCorner(corners[i - 1]!, corners[i]!, corners[i + 1]!).forEach((point, k) => {
        this.#push(point, k * 2 < CORNER_STEPS ? i - 1 : i);
      });
    }
    this.#push(corners.at(-1)!, corners.length - 2);
    this.lengthM = this.#starts.at(-1)!;
  }

  /** `rightM` to the right of the line. Beyond the ends the end itself. */
  at(alongM: number, rightM: number): PathPoint {
    let low = 0;
    let high = this.#points.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= alongM) low = middle;
      else high = middle - 1;
    }
    const [a, b] = [this.#points[low]!, this.#points[low + 1]!];
    const span = this.#starts[low + 1]! - this.#starts[low]!;
    const t = Math.min(1, Math.max(0, (alongM - this.#starts[low]!) / span));
    const unit = this.#smoothDirection(low, t);
    const point = offset(lerpPoint(a, b, t), rightOf(unit), rightM);
    return { ...point, yawRad: Math.atan2(unit.y, unit.x), leg: this.#legs[low]! };
  }

  /** Turns from the middle of one piece to the middle of the next, so that headings do not jump in corners. */
  #smoothDirection(piece: number, t: number): Point {
    const own = direction(this.#points[piece]!, this.#points[piece + 1]!);
    const other = t < 0.5 ? piece - 1 : piece + 1;
    if (other < 0 || other + 1 >= this.#points.length) return own;
    const next = direction(this.#points[other]!, this.#points[other + 1]!);
    const length = distance(this.#points[piece]!, this.#points[piece + 1]!);
    const share = Math.max(0, 0.5 - (Math.min(t, 1 - t) * length) / 2);
    const mixed = lerpPoint(own, next, share);
    return direction({ x: 0, y: 0 }, mixed);
  }

  #push(point: Point, leg: number): void {
    const last = this.#points.at(-1);
    if (last !== undefined) {
      const step = distance(last, point);
      if (step < 1e-9) return;
      this.#starts.push(this.#starts.at(-1)! + step);
    }
    this.#points.push(point);
    this.#legs.push(leg);
  }
}
