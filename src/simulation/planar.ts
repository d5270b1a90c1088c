/** @file Points and convex polygons of the street plan; counter-clockwise seen from above. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export function lerpPoint(a: Point, b: Point, t: number): Point {
  return { x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t };
}

export function distance(a: Point, b: Point): number {
  return Math.hypot(b.x - a.x, b.y - a.y);
}

/** Unit vector from a to b. */
export function direction(a: Point, b: Point): Point {
  const length = distance(a, b);
  return { x: (b.x - a.x) / length, y: (b.y - a.y) / length };
}

/** The right-hand normal of a direction: outward for the side of a counter-clockwise polygon. */
export function rightOf(unit: Point): Point {
  return { x: unit.y, y: -unit.x };
}

export function offset(point: Point, unit: Point, lengthM: number): Point {
  return { x: point.x + unit.x * lengthM, y: point.y + unit.y * lengthM };
}

/** Moves side i (corner i to i + 1) of a convex counter-clockwise polygon inward by `insetsM[i]`. */
export function insetPolygon(corners: readonly Point[], insetsM: readonly number[]): Point[] {
  const n = corners.length;
  return corners.map((corner, i) => {
    const previous = (i + n - 1) % n;
    const before = direction(corners[previous]!, corner);
    const after = direction(corner, corners[(i + 1) % n]!);
    const a = offset(corner, rightOf(before), -insetsM[previous]!);
    const b = offset(corner, rightOf(after), -insetsM[i]!);
    // a + t * before = b + s * after
    const cross = before.x * after.y - before.y * after.x;
    const t = ((b.x - a.x) * after.y - (b.y - a.y) * after.x) / cross;
    return offset(a, before, t);
  });
}
