/**
 * @file Whitening by what should not matter: directions in which pairs of one place differ are shrunk, in closed form (linear
 * discriminant projection, Cai et al. 2011; Radenovic et al. 2018 section 3.3, without their hard pairs).
 */
import type { AffineProjection, CovarianceAccumulator } from './pca.ts';
import { symmetricEigen } from './symmetricEigen.ts';
import type { FloatArray } from './vectors.ts';

/** Share of the mean eigenvalue that is added to every one, so that directions without any seen difference are not blown up. */
export const PAIR_REGULARISATION = 0.3;

/** Mean of d d^T over pair differences d, without subtracting their mean. */
export interface ScatterAccumulator {
  readonly count: number;
  /** Adds the rows of `differences` [n, dimension]. */
  add(differences: FloatArray): void;
  /** [dimension, dimension], scaled to trace 1. Throws RangeError when all differences are zero. */
  normalized(): Float64Array;
}

export function createScatterAccumulator(dimension: number): ScatterAccumulator {
  const upper = new Float64Array(dimension * dimension);
  let count = 0;
  return {
    get count() {
      return count;
    },
    add(differences) {
      for (let start = 0; start < differences.length; start += dimension) {
        count++;
        for (let i = 0; i < dimension; i++) {
          const value = differences[start + i]!;
          for (let j = i; j < dimension; j++) upper[i * dimension + j]! += value * differences[start + j]!;
        }
      }
    },
    normalized() {
      let trace = 0;
      for (let i = 0; i < dimension; i++) trace += upper[i * dimension + i]!;
      if (!(trace > 0)) throw new RangeError('the pairs do not differ at all');
      const full = new Float64Array(dimension * dimension);
      for (let i = 0; i < dimension; i++) {
        for (let j = i; j < dimension; j++) {
          full[i * dimension + j] = full[j * dimension + i] = upper[i * dimension + j]! / trace;
        }
      }
      return full;
    },
  };
}

/** a b^T of row-major a [m, n] and b [k, n]: rows against rows, which is how memory likes it. */
function multiplyTransposed(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const [rows, columns] = [a.length / n, b.length / n];
  const product = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += a[i * n + k]! * b[j * n + k]!;
      product[i * columns + j] = sum;
    }
  }
  return product;
}

function transpose(a: Float64Array, n: number): Float64Array {
  const rows = a.length / n;
  return Float64Array.from(a, (_unused, at) => a[(at % rows) * n + Math.floor(at / rows)]!);
}

/** Rows v_i / sqrt(lambda_i + floor): differences of pairs come out with at most unit variance in every direction. */
function whitenPairs(scatter: Float64Array, dimension: number, regularisation: number): Float64Array {
  const { values, vectors } = symmetricEigen(scatter, dimension);
  const floor = (regularisation * values.reduce((sum, value) => sum + Math.max(value, 0), 0)) / dimension;
  return vectors.map((component, at) => {
    const value = Math.max(values[Math.floor(at / dimension)]!, 0);
    return component / Math.sqrt(value + floor);
  });
}

/**
 * The projection that makes pair differences small and equal in all directions and sorts what is left by the variance of the
 * descriptors: W = (S + 0.3 mean eigenvalue I)^(-1/2) with S the sum of the scatters, then the eigenvectors of cov(W x), the
 * first `outputDimension` of them. To be followed by an L2 normalisation.
 */
export function computeLearnedWhitening(
  statistics: CovarianceAccumulator,
  scatters: readonly Float64Array[],
  options: { readonly outputDimension: number; readonly regularisation?: number },
): AffineProjection {
  const { outputDimension, regularisation = PAIR_REGULARISATION } = options;
  const mean = statistics.mean();
  const n = mean.length;
  if (outputDimension < 1 || outputDimension > n) {
    throw new RangeError(`expected 1 to ${n} output dimensions, got ${outputDimension}`);
  }
  const scatter = new Float64Array(n * n);
  for (const part of scatters) for (let at = 0; at < scatter.length; at++) scatter[at]! += part[at]!;
  const whitening = whitenPairs(scatter, n, regularisation);
  const covariance = multiplyTransposed(multiplyTransposed(whitening, statistics.covariance(), n), whitening, n);
  const rotation = symmetricEigen(covariance, n).vectors.subarray(0, outputDimension * n);
  const weights = multiplyTransposed(rotation, transpose(whitening, n), n);
  const bias = multiplyTransposed(weights, mean, n).map((value) => -value);
  return { inputDimension: n, outputDimension, weights, bias };
}
