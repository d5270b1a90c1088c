/** @file Initialisation from k-means centres: alpha from the wanted sharpness of the assignment, versions 1 and 2. */
import type { FloatArray } from '../math/vectors.ts';
import { NORM_EPSILON, dotRow, norm, squaredDistance } from '../math/vectors.ts';
import type { NetvladParameters, NetvladVersion } from './NetvladParameters.ts';

/** exp of the mean over features of ln(a_1 / a_2), the ratio of the two largest assignments; the authors' code has 100. */
export const ASSIGNMENT_RATIO = 100;

interface Centres {
  /** [K, D] row-major. */
  readonly centres: Float64Array;
  readonly dimension: number;
}

export interface Initialisation extends Centres {
  /** Above 1: 100 is nearly hard assignment, a few is soft. Default: ASSIGNMENT_RATIO. */
  readonly assignmentRatio?: number;
}

function unitRows({ centres, dimension }: Centres): Float64Array {
  const unit = centres.slice();
  for (let start = 0; start < unit.length; start += dimension) {
    const row = unit.subarray(start, start + dimension);
    const divisor = Math.max(norm(row), NORM_EPSILON);
    for (let d = 0; d < dimension; d++) row[d]! /= divisor;
  }
  return unit;
}

/** Mean difference between the largest and the second largest of what `valuesOf` gives for every feature. */
function meanGap(features: FloatArray, dimension: number, valuesOf: (x: FloatArray) => Float64Array): number {
  let total = 0;
  for (let start = 0; start < features.length; start += dimension) {
    const values = valuesOf(features.subarray(start, start + dimension)).sort();
    total += values.at(-1)! - values.at(-2)!;
  }
  return (total * dimension) / features.length;
}

/**
 * alpha of `version` from features [N, D] (unit L2): ln(ratio) over the mean gap between the two best centres, in cosines (v1)
 * or squared distances (v2). With one cluster there is nothing to choose: 1. Throws RangeError when all gaps are zero.
 */
export function computeAlpha(version: NetvladVersion, start: Initialisation, features: FloatArray): number {
  const { centres, dimension, assignmentRatio = ASSIGNMENT_RATIO } = start;
  const clusters = centres.length / dimension;
  if (clusters === 1) return 1;
  if (features.length === 0) throw new RangeError('alpha needs at least one feature');
  const unit = unitRows(start);
  const rows = Array.from({ length: clusters }, (_unused, k) => centres.subarray(k * dimension, (k + 1) * dimension));
  const gap = meanGap(features, dimension, (x) =>
    version === 'v1'
      ? Float64Array.from(rows, (_row, k) => dotRow(unit, k, x))
      : Float64Array.from(rows, (row) => -squaredDistance(x, row)),
  );
  if (!(gap > 0)) throw new RangeError('the centres do not tell the features apart: every gap is zero');
  return Math.log(assignmentRatio) / gap;
}

/** v1: w_k = alpha c_k / |c_k|, b_k = 0. v2: w_k = 2 alpha c_k, b_k = -alpha |c_k|^2. */
export function toParameters(version: NetvladVersion, start: Centres, alpha: number): NetvladParameters {
  const { centres, dimension } = start;
  const clusters = centres.length / dimension;
  const weights = version === 'v1' ? unitRows(start).map((c) => alpha * c) : centres.map((c) => 2 * alpha * c);
  const bias = new Float64Array(clusters);
  if (version === 'v2') {
    for (let k = 0; k < clusters; k++) {
      bias[k] = -alpha * norm(centres.subarray(k * dimension, (k + 1) * dimension)) ** 2;
    }
  }
  return { clusters, dimension, weights, bias, centres: centres.slice() };
}

/** Centres and features (both unit-L2 space, row-major) to a layer that is ready to be used or trained. */
export function initializeParameters(
  version: NetvladVersion,
  start: Initialisation,
  features: FloatArray,
): { readonly alpha: number; readonly parameters: NetvladParameters } {
  const alpha = computeAlpha(version, start, features);
  return { alpha, parameters: toParameters(version, start, alpha) };
}
