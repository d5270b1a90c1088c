/** @file Descriptors as maps hold them: unit vectors in clusters of neighbouring places, on few of their many dimensions. */
import { createRandom } from '../../src/math/random.ts';

/** [count, dimension] row-major, unit L2. Ten vectors a cluster; variance falls with the dimension as after PCA. */
export function createClusteredVectors(count: number, dimension: number, seed: number): Float32Array {
  const random = createRandom(seed);
  const out = new Float32Array(count * dimension);
  const centre = new Float64Array(dimension);
  for (let row = 0; row < count; row++) {
    if (row % 10 === 0) for (let d = 0; d < dimension; d++) centre[d] = random.normal() / Math.sqrt(1 + d / 4);
    let square = 0;
    for (let d = 0; d < dimension; d++) {
      const value = centre[d]! + (0.5 * random.normal()) / Math.sqrt(1 + d / 4);
      out[row * dimension + d] = value;
      square += value * value;
    }
    for (let d = 0; d < dimension; d++) out[row * dimension + d]! /= Math.sqrt(square);
  }
  return out;
}
