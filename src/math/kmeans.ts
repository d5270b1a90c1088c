/** @file k-means (Lloyd) with k-means++ seeding, seeded and deterministic. */
import type { Random } from './random.ts';
import type { FloatArray } from './vectors.ts';

export interface KMeansOptions {
  readonly clusters: number;
  readonly random: Random;
  /** Upper bound on Lloyd iterations; the loop ends earlier when no point moves. */
  readonly maxIterations?: number;
  /** Ends when the mean squared distance falls by less than this share in one iteration. */
  readonly tolerance?: number;
}

export interface KMeansResult {
  /** [clusters, dimension] row-major. */
  readonly centres: Float64Array;
  /** Nearest centre of every point. */
  readonly assignment: Int32Array;
  /** Mean squared distance of the points to their centres. */
  readonly inertia: number;
  readonly iterations: number;
}

function squaredDistanceOfRows(a: FloatArray, aRow: number, b: FloatArray, bRow: number, dimension: number): number {
  const aStart = aRow * dimension;
  const bStart = bRow * dimension;
  let sum = 0;
  for (let d = 0; d < dimension; d++) {
    const difference = a[aStart + d]! - b[bStart + d]!;
    sum += difference * difference;
  }
  return sum;
}

/** k-means++ (Arthur and Vassilvitskii 2007): every next centre is drawn with probability proportional to d^2. */
function seedCentres(points: FloatArray, dimension: number, clusters: number, random: Random): Float64Array {
  const count = points.length / dimension;
  const centres = new Float64Array(clusters * dimension);
  const nearest = new Float64Array(count).fill(Infinity);
  let chosen = random.int(count);
  for (let k = 0; k < clusters; k++) {
    centres.set(points.subarray(chosen * dimension, (chosen + 1) * dimension), k * dimension);
    let total = 0;
    for (let i = 0; i < count; i++) {
      nearest[i] = Math.min(nearest[i]!, squaredDistanceOfRows(points, i, centres, k, dimension));
      total += nearest[i]!;
    }
    if (total === 0) {
      chosen = random.int(count); // fewer distinct points than clusters: duplicates are all that is left
      continue;
    }
    let remaining = random.next() * total;
    chosen = count - 1;
    for (let i = 0; i < count; i++) {
      remaining -= nearest[i]!;
      if (remaining < 0) {
        chosen = i;
        break;
      }
    }
  }
  return centres;
}

/** Assigns every point to its nearest centre, the first of equals; returns the mean squared distance. */
function assignPoints(
  points: FloatArray,
  centres: Float64Array,
  assignment: Int32Array,
  distances: Float64Array,
): number {
  const count = assignment.length;
  const dimension = points.length / count;
  const clusters = centres.length / dimension;
  // |x - c|^2 = |x|^2 - 2 x.c + |c|^2: the dot product needs one multiplication a component.
  const centreNorms = Float64Array.from({ length: clusters }, (_unused, k) => {
    let sum = 0;
    for (let d = 0; d < dimension; d++) sum += centres[k * dimension + d]! ** 2;
    return sum;
  });
  let total = 0;
  for (let i = 0; i < count; i++) {
    const start = i * dimension;
    let best = 0;
    let bestValue = Infinity;
    for (let k = 0; k < clusters; k++) {
      const centre = k * dimension;
      let product = 0;
      for (let d = 0; d < dimension; d++) product += points[start + d]! * centres[centre + d]!;
      const value = centreNorms[k]! - 2 * product;
      if (value < bestValue) {
        bestValue = value;
        best = k;
      }
    }
    assignment[i] = best;
    distances[i] = squaredDistanceOfRows(points, i, centres, best, dimension);
    total += distances[i]!;
  }
  return total / count;
}

/** Moves every centre to the mean of its points; an empty cluster takes over the point farthest from its own centre. */
function moveCentres(points: FloatArray, centres: Float64Array, assignment: Int32Array, distances: Float64Array): void {
  const count = assignment.length;
  const dimension = points.length / count;
  const sizes = new Float64Array(centres.length / dimension);
  centres.fill(0);
  for (let i = 0; i < count; i++) {
    const k = assignment[i]!;
    sizes[k]!++;
    for (let d = 0; d < dimension; d++) centres[k * dimension + d]! += points[i * dimension + d]!;
  }
  for (let k = 0; k < sizes.length; k++) {
    if (sizes[k]! > 0) {
      for (let d = 0; d < dimension; d++) centres[k * dimension + d]! /= sizes[k]!;
      continue;
    }
    let farthest = 0;
    for (let i = 1; i < count; i++) if (distances[i]! > distances[farthest]!) farthest = i;
    distances[farthest] = 0;
    centres.set(points.subarray(farthest * dimension, (farthest + 1) * dimension), k * dimension);
  }
}

/**
 * Clusters `points` [n, dimension]. Needs at least one point; with fewer distinct points than clusters some centres coincide.
 * Throws RangeError for an empty or ragged input.
 */
export function kmeans(points: FloatArray, dimension: number, options: KMeansOptions): KMeansResult {
  const { clusters, random, maxIterations = 100, tolerance = 1e-6 } = options;
  const count = points.length / dimension;
  if (!Number.isInteger(count) || count === 0 || clusters < 1) {
    throw new RangeError(
      `k-means needs [n >= 1, ${dimension}] points and k >= 1, got ${points.length} values, k ${clusters}`,
    );
  }
  const centres = seedCentres(points, dimension, clusters, random);
  const assignment = new Int32Array(count);
  const distances = new Float64Array(count);
  let inertia = assignPoints(points, centres, assignment, distances);
  let iterations = 0;
  while (iterations < maxIterations) {
    moveCentres(points, centres, assignment, distances);
    const previous = inertia;
    inertia = assignPoints(points, centres, assignment, distances);
    iterations++;
    if (previous - inertia <= tolerance * previous) break;
  }
  return { centres, assignment, inertia, iterations };
}
