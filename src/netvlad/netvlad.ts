/** @file The NetVLAD layer in float64: the reference that graphs and trainer are held against (Arandjelovic et al. 2016). */
import type { FloatArray } from '../math/vectors.ts';
import { NORM_EPSILON, dot, l2Normalize, norm } from '../math/vectors.ts';
import type { NetvladParameters } from './NetvladParameters.ts';

/** Everything on the way from local features to the descriptor; K-major: element d + D k belongs to cluster k. */
export interface NetvladForward {
  /** Soft assignment, [N, K]; rows sum to 1. */
  readonly assignment: Float64Array;
  /** Sums of weighted residuals, [K, D]. */
  readonly residuals: Float64Array;
  /** The same with every cluster at unit length, [K, D]. */
  readonly intraNormalized: Float64Array;
  /** [K * D], unit L2. */
  readonly descriptor: Float64Array;
}

export interface NetvladGradients {
  /** [K, D] */
  readonly weights: Float64Array;
  /** [K] */
  readonly bias: Float64Array;
  /** [K, D] */
  readonly centres: Float64Array;
  /** [N, D] */
  readonly features: Float64Array;
}

/** Softmax in place; the largest logit is subtracted first, so that large alphas cannot overflow. */
function softmax(logits: Float64Array): void {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (let k = 0; k < logits.length; k++) {
    logits[k] = Math.exp(logits[k]! - largest);
    sum += logits[k]!;
  }
  for (let k = 0; k < logits.length; k++) logits[k]! /= sum;
}

function row(matrix: FloatArray, index: number, columns: number): FloatArray {
  return matrix.subarray(index * columns, (index + 1) * columns);
}

/** Soft assignment of features [N, D]: softmax_k(w_k . x + b_k), [N, K]. */
export function computeAssignment(features: FloatArray, parameters: NetvladParameters): Float64Array {
  const { clusters, dimension, weights, bias } = parameters;
  const count = features.length / dimension;
  const assignment = new Float64Array(count * clusters);
  for (let i = 0; i < count; i++) {
    const x = row(features, i, dimension);
    const logits = assignment.subarray(i * clusters, (i + 1) * clusters);
    for (let k = 0; k < clusters; k++) logits[k] = dot(row(weights, k, dimension), x) + bias[k]!;
    softmax(logits);
  }
  return assignment;
}

/** V_k = sum_i a_ik (x_i - c_k), [K, D]. */
export function computeResiduals(
  features: FloatArray,
  assignment: FloatArray,
  { centres, clusters, dimension }: Pick<NetvladParameters, 'centres' | 'clusters' | 'dimension'>,
): Float64Array {
  const residuals = new Float64Array(clusters * dimension);
  const count = features.length / dimension;
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < clusters; k++) {
      const weight = assignment[i * clusters + k]!;
      if (weight === 0) continue;
      for (let d = 0; d < dimension; d++) {
        residuals[k * dimension + d]! += weight * (features[i * dimension + d]! - centres[k * dimension + d]!);
      }
    }
  }
  return residuals;
}

/** Intra-normalisation, then L2 over the whole vector. */
export function normalizeVlad(
  residuals: Float64Array,
  dimension: number,
): { readonly intraNormalized: Float64Array; readonly descriptor: Float64Array } {
  const intraNormalized = residuals.slice();
  for (let start = 0; start < intraNormalized.length; start += dimension) {
    l2Normalize(intraNormalized.subarray(start, start + dimension));
  }
  return { intraNormalized, descriptor: l2Normalize(intraNormalized.slice()) };
}

/** Features [N, D], unit L2 (an all-zero one stays zero and pulls towards minus its centres). */
export function netvladForward(features: FloatArray, parameters: NetvladParameters): NetvladForward {
  const assignment = computeAssignment(features, parameters);
  const residuals = computeResiduals(features, assignment, parameters);
  return { assignment, residuals, ...normalizeVlad(residuals, parameters.dimension) };
}

/** Gradient through y = x / |x|: (g - y (y . g)) / |x|; zero where x is zero. */
function normalizeBackward(upstream: FloatArray, output: FloatArray, length: number): Float64Array {
  if (length <= NORM_EPSILON) return new Float64Array(upstream.length);
  const along = dot(output, upstream);
  return Float64Array.from(upstream, (g, i) => (g - output[i]! * along) / length);
}

/** Gradient with respect to the residuals [K, D], through both normalisations. */
function residualGradient(forward: NetvladForward, upstream: FloatArray, dimension: number): Float64Array {
  const { residuals, intraNormalized, descriptor } = forward;
  const intra = normalizeBackward(upstream, descriptor, norm(intraNormalized));
  const result = new Float64Array(residuals.length);
  for (let k = 0; k < residuals.length / dimension; k++) {
    const length = norm(row(residuals, k, dimension));
    result.set(normalizeBackward(row(intra, k, dimension), row(intraNormalized, k, dimension), length), k * dimension);
  }
  return result;
}

/**
 * Gradients of `upstream` . descriptor with respect to every parameter and to the features; `upstream` is [K * D], K-major.
 * With dV the gradient at the residuals: dA_ik = dV_k . (x_i - c_k), dZ = A (dA - sum_k A dA), dW = dZ^T X, db = sum dZ,
 * dC_k = -(sum_i a_ik) dV_k, dX = A dV + dZ W.
 */
export function netvladBackward(
  features: FloatArray,
  parameters: NetvladParameters,
  upstream: FloatArray,
): NetvladGradients {
  const { clusters, dimension, weights, centres } = parameters;
  const forward = netvladForward(features, parameters);
  const dV = residualGradient(forward, upstream, dimension);
  const gradients = {
    weights: new Float64Array(clusters * dimension),
    bias: new Float64Array(clusters),
    centres: new Float64Array(clusters * dimension),
    features: new Float64Array(features.length),
  };
  const dA = new Float64Array(clusters);
  for (let i = 0; i < features.length / dimension; i++) {
    const x = row(features, i, dimension);
    const a = row(forward.assignment, i, clusters);
    for (let k = 0; k < clusters; k++) {
      dA[k] = dot(row(dV, k, dimension), x) - dot(row(dV, k, dimension), row(centres, k, dimension));
    }
    const mean = dot(a, dA);
    for (let k = 0; k < clusters; k++) {
      const dZ = a[k]! * (dA[k]! - mean);
      gradients.bias[k]! += dZ;
      for (let d = 0; d < dimension; d++) {
        const at = k * dimension + d;
        gradients.weights[at]! += dZ * x[d]!;
        gradients.centres[at]! -= a[k]! * dV[at]!;
        gradients.features[i * dimension + d]! += a[k]! * dV[at]! + dZ * weights[at]!;
      }
    }
  }
  return gradients;
}

/** K-major (d + D k) to D-major (k + K d), the order of the MATLAB and hloc models, and back with the roles exchanged. */
export function toDimensionMajor(vector: FloatArray, clusters: number): Float64Array {
  const dimension = vector.length / clusters;
  return Float64Array.from(vector, (_unused, at) => vector[(at % clusters) * dimension + Math.floor(at / clusters)]!);
}
