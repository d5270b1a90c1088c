/** @file The scale and translation between two grids that most correspondences agree on. */
import type { Correspondence } from './matchGrids.ts';

export interface ConsensusOptions {
  /** Scales that are tried, candidate to query. Closed under 1/s, so that swapping the images tries the same. */
  readonly scales: readonly number[];
  /** Largest deviation of an inlier per axis, in cells of a grid of the geometric mean scale. */
  readonly toleranceCells: number;
}

/** query cell = scale * candidate cell + shift. */
export interface GridTransform {
  readonly scale: number;
  /** In cells of the query's grid. */
  readonly shiftColumns: number;
  readonly shiftRows: number;
}

export interface Consensus {
  /** Sum of the inliers' similarities; 0 without inliers. */
  readonly evidence: number;
  readonly inliers: readonly Correspondence[];
  readonly transform: GridTransform | null;
}

const NO_CONSENSUS: Consensus = { evidence: 0, inliers: [], transform: null };

/**
 * Added to the tolerance. Deviations can equal it (12 cells against 7 under a scale of 1.44 deviate by 1.6 cells), and
 * rounding must not decide otherwise when the images are swapped.
 */
const ROUNDING = 1e-9;

/** Shifts of all correspondences under one scale, in cells of the mean scale, with a histogram of their weights. */
class ShiftHistogram {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly #weights: Float64Array;
  readonly #tolerance: number;
  readonly #bin: Int32Array;
  #width = 0;
  #sums = new Float64Array(0);

  constructor(weights: Float64Array, tolerance: number) {
    this.x = new Float64Array(weights.length);
    this.y = new Float64Array(weights.length);
    this.#bin = new Int32Array(weights.length);
    this.#weights = weights;
    this.#tolerance = tolerance + ROUNDING;
  }

  /** Bins as wide as the tolerance: what lies within it of a shift lies in the shift's bin or a neighbour of it. */
  fill(cells: Float64Array, scale: number): void {
    const { x, y } = this;
    const mean = Math.sqrt(scale);
    let [minX, maxX, minY, maxY] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let k = 0; k < x.length; k++) {
      // [query column, query row, candidate column, candidate row] of each correspondence
      const dx = (cells[4 * k]! - scale * cells[4 * k + 2]!) / mean;
      const dy = (cells[4 * k + 1]! - scale * cells[4 * k + 3]!) / mean;
      x[k] = dx;
      y[k] = dy;
      if (dx < minX) minX = dx;
      if (dx > maxX) maxX = dx;
      if (dy < minY) minY = dy;
      if (dy > maxY) maxY = dy;
    }
    const size = this.#tolerance;
    this.#width = Math.floor((maxX - minX) / size) + 3; // one empty bin around
    const height = Math.floor((maxY - minY) / size) + 3;
    this.#sums = new Float64Array(this.#width * height);
    for (let k = 0; k < x.length; k++) {
      const bin = (Math.floor((y[k]! - minY) / size) + 1) * this.#width + Math.floor((x[k]! - minX) / size) + 1;
      this.#bin[k] = bin;
      this.#sums[bin]! += this.#weights[k]!;
    }
  }

  /** No less than `support(k)`, at a fraction of its price. */
  bound(k: number): number {
    const sums = this.#sums;
    const [here, up, down] = [this.#bin[k]!, this.#bin[k]! - this.#width, this.#bin[k]! + this.#width];
    const above = sums[up - 1]! + sums[up]! + sums[up + 1]!;
    const below = sums[down - 1]! + sums[down]! + sums[down + 1]!;
    return above + below + sums[here - 1]! + sums[here]! + sums[here + 1]!;
  }

  isInlier(k: number, centre: number): boolean {
    const tolerance = this.#tolerance;
    return Math.abs(this.x[k]! - this.x[centre]!) <= tolerance && Math.abs(this.y[k]! - this.y[centre]!) <= tolerance;
  }

  /** Weight of all correspondences that agree with the shift of correspondence k. */
  support(k: number): number {
    const { x, y } = this;
    const weights = this.#weights;
    const tolerance = this.#tolerance;
    const cx = x[k]!;
    const cy = y[k]!;
    let sum = 0;
    for (let l = 0; l < x.length; l++) {
      if (Math.abs(x[l]! - cx) <= tolerance && Math.abs(y[l]! - cy) <= tolerance) sum += weights[l]!;
    }
    return sum;
  }
}

/**
 * Tries every scale with the shift of every correspondence: exhaustive, hence deterministic, and affordable because a
 * histogram tells which of them can beat the best so far. Deviations are measured in cells of the geometric mean of both
 * scales, which makes the evidence the same when query and candidate are swapped.
 */
export function findConsensus(
  correspondences: readonly Correspondence[],
  columns: { readonly query: number; readonly candidate: number },
  options: ConsensusOptions,
): Consensus {
  const count = correspondences.length;
  if (count === 0) return NO_CONSENSUS;
  const cells = new Float64Array(4 * count);
  const weights = new Float64Array(count);
  for (const [k, { query, candidate, similarity }] of correspondences.entries()) {
    cells[4 * k] = query % columns.query;
    cells[4 * k + 1] = Math.floor(query / columns.query);
    cells[4 * k + 2] = candidate % columns.candidate;
    cells[4 * k + 3] = Math.floor(candidate / columns.candidate);
    weights[k] = similarity;
  }
  const histogram = new ShiftHistogram(weights, options.toleranceCells);
  let best = { evidence: 0, scale: 1, centre: -1 };
  for (const scale of options.scales) {
    histogram.fill(cells, scale);
    for (let centre = 0; centre < count; centre++) {
      if (histogram.bound(centre) <= best.evidence) continue;
      const evidence = histogram.support(centre);
      if (evidence > best.evidence) best = { evidence, scale, centre };
    }
  }
  if (best.centre < 0) return NO_CONSENSUS;
  const { evidence, scale, centre } = best;
  histogram.fill(cells, scale);
  const mean = Math.sqrt(scale);
  return {
    evidence,
    inliers: correspondences.filter((_, k) => histogram.isInlier(k, centre)),
    transform: { scale, shiftColumns: histogram.x[centre]! * mean, shiftRows: histogram.y[centre]! * mean },
  };
}
