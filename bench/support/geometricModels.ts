/**
 * @file The geometric models that verification could assume between two views, each with the evidence it finds in a pair.
 * Plain and slow: every hypothesis counts every correspondence. The second one is what src/verification does.
 */
import { createRandom, type Random } from '../../src/math/random.ts';
import { DEFAULT_CONSENSUS_OPTIONS } from '../../src/verification/SpatialVerifier.ts';
import type { Correspondence } from '../../src/verification/matchGrids.ts';

/** query = matrix * candidate + shift, of which the shift is found; [a, b, c, d] row-major. */
type Matrix = readonly [number, number, number, number];

/** A correspondence as points in cells. */
interface PointPair {
  readonly x: number;
  readonly y: number;
  readonly fromX: number;
  readonly fromY: number;
  readonly weight: number;
}

export interface GeometricModel {
  readonly name: string;
  /** Weight of the best hypothesis' inliers. */
  readonly evidence: (pairs: readonly Correspondence[], columns: number) => number;
}

const { scales: SCALES, toleranceCells: TOLERANCE } = DEFAULT_CONSENSUS_OPTIONS;
const LIMIT = TOLERANCE + 1e-9;

function toPoints(pairs: readonly Correspondence[], columns: number): readonly PointPair[] {
  return pairs.map(({ query, candidate, similarity }) => ({
    x: query % columns,
    y: Math.floor(query / columns),
    fromX: candidate % columns,
    fromY: Math.floor(candidate / columns),
    weight: similarity,
  }));
}

/** Each matrix with the shift of each correspondence. Deviations are in cells of the mean scale of both images. */
function findLinear(points: readonly PointPair[], matrices: readonly Matrix[]): number {
  let best = 0;
  const [xs, ys] = [new Float64Array(points.length), new Float64Array(points.length)];
  for (const [a, b, c, d] of matrices) {
    const mean = Math.sqrt(Math.sqrt(Math.abs(a * d - b * c)));
    for (const [at, { x, y, fromX, fromY }] of points.entries()) {
      xs[at] = (x - a * fromX - b * fromY) / mean;
      ys[at] = (y - c * fromX - d * fromY) / mean;
    }
    for (let centre = 0; centre < points.length; centre++) {
      let sum = 0;
      for (let at = 0; at < points.length; at++) {
        if (Math.abs(xs[at]! - xs[centre]!) <= LIMIT && Math.abs(ys[at]! - ys[centre]!) <= LIMIT) {
          sum += points[at]!.weight;
        }
      }
      best = Math.max(best, sum);
    }
  }
  return best;
}

function rotated(scale: number, degrees: number): Matrix {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return [scale * cos, -scale * sin, scale * sin, scale * cos];
}

const SCALED = SCALES.map((scale) => rotated(scale, 0));

/** Gaussian elimination with partial pivoting; null where the points do not decide. [n][n + 1] is overwritten. */
function solve(rows: number[][]): number[] | null {
  const n = rows.length;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column + 1; row < n; row++) {
      if (Math.abs(rows[row]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = row;
    }
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const top = rows[column]!;
    if (Math.abs(top[column]!) < 1e-9) return null;
    for (let row = 0; row < n; row++) {
      if (row === column) continue;
      const factor = rows[row]![column]! / top[column]!;
      for (let at = column; at <= n; at++) rows[row]![at]! -= factor * top[at]!;
    }
  }
  return rows.map((row, at) => row[n]! / row[at]!);
}

/** Eight numbers of a homography (the ninth is 1) by least squares over all points; centred coordinates. */
function fitHomography(points: readonly PointPair[], columns: number): readonly number[] | null {
  const normal = Array.from({ length: 8 }, () => new Array<number>(9).fill(0));
  const centre = (columns - 1) / 2;
  for (const { x, y, fromX, fromY } of points) {
    const [u, v, s, t] = [fromX - centre, fromY - centre, x - centre, y - centre];
    for (const [row, value] of [
      [[u, v, 1, 0, 0, 0, -s * u, -s * v], s],
      [[0, 0, 0, u, v, 1, -t * u, -t * v], t],
    ] as const) {
      for (let i = 0; i < 8; i++) {
        for (let j = 0; j < 8; j++) normal[i]![j]! += row[i]! * row[j]!;
        normal[i]![8]! += row[i]! * value;
      }
    }
  }
  return solve(normal);
}

/** Those within the tolerance, measured in cells of the local mean scale; views that turn inside out have none. */
function inliersOf(points: readonly PointPair[], h: readonly number[], columns: number): readonly PointPair[] {
  const centre = (columns - 1) / 2;
  return points.filter(({ x, y, fromX, fromY }) => {
    const [u, v] = [fromX - centre, fromY - centre];
    const w = h[6]! * u + h[7]! * v + 1;
    if (w < 0.3 || w > 3) return false;
    const [s, t] = [(h[0]! * u + h[1]! * v + h[2]!) / w, (h[3]! * u + h[4]! * v + h[5]!) / w];
    const area = ((h[0]! - h[6]! * s) * (h[4]! - h[7]! * t) - (h[1]! - h[7]! * s) * (h[3]! - h[6]! * t)) / (w * w);
    if (area < 0.2 || area > 5) return false; // beyond the scales that the other models try, and mirrored
    const mean = Math.sqrt(Math.sqrt(area));
    return Math.abs(x - centre - s) <= LIMIT * mean && Math.abs(y - centre - t) <= LIMIT * mean;
  });
}

const weightOf = (points: readonly PointPair[]): number => points.reduce((sum, { weight }) => sum + weight, 0);

/** RANSAC: four drawn correspondences a hypothesis, refined by least squares over its inliers while that gains. */
function findHomography(points: readonly PointPair[], columns: number, random: Random): number {
  const draws = 400;
  let best = 0;
  for (let draw = 0; draw < draws && points.length >= 4; draw++) {
    let chosen = random.sample(points.length, 4).map((at) => points[at]!);
    for (let step = 0; step < 4; step++) {
      const h = fitHomography(chosen, columns);
      const inliers = h === null ? [] : inliersOf(points, h, columns);
      const weight = weightOf(inliers);
      if (weight <= (step === 0 ? 0.7 * best : best)) break; // not worth refining, or no longer gaining
      best = Math.max(best, weight);
      if (inliers.length < 5) break;
      chosen = [...inliers];
    }
  }
  return best;
}

/** A homography can be any of the simpler models: what scale and translation find, it is given. */
function findAnyHomography(pairs: readonly Correspondence[], columns: number): number {
  const points = toPoints(pairs, columns);
  return Math.max(findLinear(points, SCALED), findHomography(points, columns, createRandom(points.length)));
}

const linear = (name: string, matrices: readonly Matrix[]): GeometricModel => ({
  name,
  evidence: (pairs, columns) => findLinear(toPoints(pairs, columns), matrices),
});

const TURNS = [0, -6, 6, -12, 12];
const STRETCHES = [1, 1.2, 1 / 1.2];

export const GEOMETRIC_MODELS: readonly GeometricModel[] = [
  linear('translation', [rotated(1, 0)]),
  linear('scale + translation', SCALED),
  linear(
    'with stretch',
    SCALES.flatMap((scale) => STRETCHES.map((s): Matrix => [scale * Math.sqrt(s), 0, 0, scale / Math.sqrt(s)])),
  ),
  linear(
    'with rotation',
    SCALES.flatMap((scale) => TURNS.map((degrees) => rotated(scale, degrees))),
  ),
  { name: 'homography', evidence: findAnyHomography },
];
