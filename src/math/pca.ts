/** @file Principal components and whitening (NetVLAD paper section 5.1; Jegou and Chum 2012): primal, dual, full and half. */
import { fixSign, symmetricEigen } from './symmetricEigen.ts';
import type { FloatArray } from './vectors.ts';
import { l2Normalize } from './vectors.ts';

/** Added to every eigenvalue before its power is taken, as the published models do. */
export const EIGENVALUE_EPSILON = 1e-9;

export interface Pca {
  readonly dimension: number;
  /** [dimension] */
  readonly mean: Float64Array;
  /** Descending, of the covariance with n - 1 in the denominator. */
  readonly values: Float64Array;
  /** [values.length, dimension]: row i is the unit direction of value i. */
  readonly directions: Float64Array;
}

/** y = weights x + bias, to be followed by an L2 normalisation. */
export interface AffineProjection {
  readonly inputDimension: number;
  readonly outputDimension: number;
  /** [outputDimension, inputDimension] row-major; single precision where a published network holds it so. */
  readonly weights: FloatArray;
  /** [outputDimension] */
  readonly bias: Float64Array;
}

/** Mean and covariance of a stream of vectors, in one pass and without keeping them (Chan, Golub and LeVeque, in blocks). */
export interface CovarianceAccumulator {
  readonly count: number;
  /** Adds the rows of `vectors` [n, dimension]. */
  add(vectors: FloatArray): void;
  /** [dimension] */
  mean(): Float64Array;
  /** [dimension, dimension], with n - 1 in the denominator. Needs two vectors. */
  covariance(): Float64Array;
}

/** Sum over rows of (row outer row), upper triangle, added into `scatter` [d, d]. */
function addScatter(centred: Float64Array, d: number, scatter: Float64Array): void {
  for (let start = 0; start < centred.length; start += d) {
    for (let i = 0; i < d; i++) {
      const value = centred[start + i]!;
      if (value === 0) continue;
      const row = i * d;
      for (let j = i; j < d; j++) scatter[row + j]! += value * centred[start + j]!;
    }
  }
}

function columnMeans(vectors: FloatArray, d: number): Float64Array {
  const mean = new Float64Array(d);
  for (let start = 0; start < vectors.length; start += d) {
    for (let j = 0; j < d; j++) mean[j]! += vectors[start + j]!;
  }
  const rows = vectors.length / d;
  return mean.map((sum) => sum / rows);
}

function centreRows(vectors: FloatArray, mean: Float64Array): Float64Array {
  return Float64Array.from(vectors, (value, i) => value - mean[i % mean.length]!);
}

export function createCovarianceAccumulator(dimension: number): CovarianceAccumulator {
  let count = 0;
  const mean = new Float64Array(dimension);
  const scatter = new Float64Array(dimension * dimension); // upper triangle, about the running mean
  return {
    get count() {
      return count;
    },
    add(vectors) {
      const rows = vectors.length / dimension;
      if (!Number.isInteger(rows)) throw new RangeError(`expected rows of ${dimension}, got ${vectors.length} values`);
      if (rows === 0) return;
      const blockMean = columnMeans(vectors, dimension);
      addScatter(centreRows(vectors, blockMean), dimension, scatter);
      const delta = blockMean.map((value, j) => value - mean[j]!);
      const total = count + rows;
      const weight = Math.sqrt((count * rows) / total);
      addScatter(
        delta.map((value) => value * weight),
        dimension,
        scatter,
      );
      for (let j = 0; j < dimension; j++) mean[j]! += (delta[j]! * rows) / total;
      count = total;
    },
    mean: () => mean.slice(),
    covariance() {
      if (count < 2) throw new RangeError(`a covariance needs at least 2 vectors, got ${count}`);
      const full = new Float64Array(dimension * dimension);
      for (let i = 0; i < dimension; i++) {
        for (let j = i; j < dimension; j++) {
          full[i * dimension + j] = full[j * dimension + i] = scatter[i * dimension + j]! / (count - 1);
        }
      }
      return full;
    },
  };
}

/** PCA of streamed statistics (the primal form: the eigen decomposition is dimension x dimension). */
export function computePcaOfCovariance(accumulator: CovarianceAccumulator): Pca {
  const mean = accumulator.mean();
  const { values, vectors } = symmetricEigen(accumulator.covariance(), mean.length);
  return { dimension: mean.length, mean, values, directions: vectors };
}

/**
 * The dual form for fewer vectors than dimensions: eigenvectors of the n x n Gram matrix, mapped back. At most n - 1 directions
 * are returned, those whose value is not rounding noise.
 */
export function computePcaDual(vectors: FloatArray, dimension: number): Pca {
  const count = vectors.length / dimension;
  if (!Number.isInteger(count) || count < 2) throw new RangeError(`PCA needs at least 2 rows of ${dimension}`);
  const mean = columnMeans(vectors, dimension);
  const centred = centreRows(vectors, mean);
  const gram = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = i; j < count; j++) {
      let sum = 0;
      for (let d = 0; d < dimension; d++) sum += centred[i * dimension + d]! * centred[j * dimension + d]!;
      gram[i * count + j] = gram[j * count + i] = sum / (count - 1);
    }
  }
  const { values, vectors: combinations } = symmetricEigen(gram, count);
  const noise = values[0]! * count * Number.EPSILON;
  const kept = values.subarray(0, count - 1).filter((value) => value > noise).length;
  const directions = new Float64Array(kept * dimension);
  for (let i = 0; i < kept; i++) {
    const direction = directions.subarray(i * dimension, (i + 1) * dimension);
    for (let j = 0; j < count; j++) {
      const weight = combinations[i * count + j]!;
      for (let d = 0; d < dimension; d++) direction[d]! += weight * centred[j * dimension + d]!;
    }
    fixSign(l2Normalize(direction));
  }
  return { dimension, mean, values: values.slice(0, kept), directions };
}

/** PCA of `vectors` [n, dimension] by the cheaper of the two forms. */
export function computePca(vectors: FloatArray, dimension: number): Pca {
  if (vectors.length / dimension <= dimension) return computePcaDual(vectors, dimension);
  const accumulator = createCovarianceAccumulator(dimension);
  accumulator.add(vectors);
  return computePcaOfCovariance(accumulator);
}

/**
 * The projection onto the first `outputDimension` directions, each scaled by (value + 1e-9)^-power:
 * power 0 is plain PCA, 0.5 whitening, 0.25 half whitening. Throws RangeError when there are not that many directions.
 */
export function toWhitening(pca: Pca, outputDimension: number, power: number): AffineProjection {
  const { dimension } = pca;
  if (outputDimension < 1 || outputDimension > pca.values.length) {
    throw new RangeError(`expected 1 to ${pca.values.length} output dimensions, got ${outputDimension}`);
  }
  const weights = new Float64Array(outputDimension * dimension);
  const bias = new Float64Array(outputDimension);
  for (let i = 0; i < outputDimension; i++) {
    const scale = (Math.max(pca.values[i]!, 0) + EIGENVALUE_EPSILON) ** -power;
    let offset = 0;
    for (let d = 0; d < dimension; d++) {
      const weight = scale * pca.directions[i * dimension + d]!;
      weights[i * dimension + d] = weight;
      offset += weight * pca.mean[d]!;
    }
    bias[i] = -offset;
  }
  return { inputDimension: dimension, outputDimension, weights, bias };
}

/** weights x + bias; L2-normalised unless `normalize` is false. */
export function project(projection: AffineProjection, vector: FloatArray, normalize = true): Float64Array {
  const { inputDimension, weights, bias } = projection;
  const result = Float64Array.from(bias, (offset, i) => {
    let sum = offset;
    for (let d = 0; d < inputDimension; d++) sum += weights[i * inputDimension + d]! * vector[d]!;
    return sum;
  });
  return normalize ? l2Normalize(result) : result;
}
