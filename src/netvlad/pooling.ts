/** @file The other ways from local features to one vector: hard VLAD, max and generalised-mean pooling. */
import type { FloatArray } from '../math/vectors.ts';
import { l2Normalize, squaredDistance } from '../math/vectors.ts';
import type { NetvladForward } from './netvlad.ts';
import { computeResiduals, normalizeVlad } from './netvlad.ts';

/** Values below it are lifted to it before a power is taken (Radenovic et al. 2018). */
export const GEM_FLOOR = 1e-6;

/** VLAD with hard assignment to the nearest centre [K, D] (the first of equals), intra-normalisation and L2; K-major. */
export function hardVlad(features: FloatArray, centres: Float64Array, dimension: number): NetvladForward {
  const clusters = centres.length / dimension;
  const count = features.length / dimension;
  const assignment = new Float64Array(count * clusters);
  for (let i = 0; i < count; i++) {
    const x = features.subarray(i * dimension, (i + 1) * dimension);
    let best = 0;
    let bestDistance = Infinity;
    for (let k = 0; k < clusters; k++) {
      const distance = squaredDistance(x, centres.subarray(k * dimension, (k + 1) * dimension));
      if (distance < bestDistance) [best, bestDistance] = [k, distance];
    }
    assignment[i * clusters + best] = 1;
  }
  const residuals = computeResiduals(features, assignment, { centres, clusters, dimension });
  return { assignment, residuals, ...normalizeVlad(residuals, dimension) };
}

/** Largest value of every channel over features [N, D], L2. */
export function maxPool(features: FloatArray, dimension: number): Float64Array {
  const pooled = new Float64Array(dimension).fill(-Infinity);
  features.forEach((value, at) => (pooled[at % dimension] = Math.max(pooled[at % dimension]!, value)));
  return l2Normalize(pooled);
}

/** Generalised mean of every channel, (mean max(x, 1e-6)^p)^(1/p), L2. p = 1 is the average, p to infinity the maximum. */
export function generalizedMeanPool(features: FloatArray, dimension: number, power: number): Float64Array {
  const pooled = new Float64Array(dimension);
  features.forEach((value, at) => (pooled[at % dimension]! += Math.max(value, GEM_FLOOR) ** power));
  const count = features.length / dimension;
  return l2Normalize(pooled.map((sum) => (sum / count) ** (1 / power)));
}
