/** @file Repeatable noise over the plane: what makes plaster look weathered and clouds look soft. */

/** Uniform in [0, 1) for a lattice point; neighbours are independent. */
export function hash2(x: number, y: number, seed: number): number {
  let h = Math.imul(x | 0, 0x27d4eb2d) ^ Math.imul(y | 0, 0x165667b1) ^ Math.imul(seed | 0, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 0x1_0000_0000;
}

/** Value noise in [0, 1], smooth between lattice points one unit apart. */
export function valueNoise(x: number, y: number, seed: number): number {
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const fx = x - x0;
  const fy = y - y0;
  const sx = fx * fx * (3 - 2 * fx);
  const sy = fy * fy * (3 - 2 * fy);
  const top = hash2(x0, y0, seed) * (1 - sx) + hash2(x0 + 1, y0, seed) * sx;
  const bottom = hash2(x0, y0 + 1, seed) * (1 - sx) + hash2(x0 + 1, y0 + 1, seed) * sx;
  return top * (1 - sy) + bottom * sy;
}

/** Sum of `octaves` of value noise, each twice as fine and half as strong; in [0, 1]. */
export function fractalNoise(x: number, y: number, options: { seed: number; octaves: number }): number {
  let sum = 0;
  let weight = 0.5;
  let total = 0;
  let scale = 1;
  for (let i = 0; i < options.octaves; i++) {
    sum += weight * valueNoise(x * scale, y * scale, options.seed + i);
    total += weight;
    weight /= 2;
    scale *= 2;
  }
  return sum / total;
}
