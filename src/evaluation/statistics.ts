/** @file Quantiles and bootstrap intervals of what was measured. */
import type { Random } from '../math/random.ts';

/** Linear interpolation between order statistics (type 7, as NumPy); NaN without values. `q` in 0..1. */
export function computeQuantile(values: readonly number[], q: number): number {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (position - below) * (sorted[above]! - sorted[below]!);
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Percentile bootstrap of a mean: the queries are drawn again with replacement. */
export function computeBootstrapInterval(
  values: readonly number[],
  random: Random,
  options: { readonly level?: number; readonly draws?: number } = {},
): Interval {
  const { level = 0.95, draws = 1000 } = options;
  const count = values.length;
  const means = Array.from({ length: draws }, () => {
    let sum = 0;
    for (let drawn = 0; drawn < count; drawn++) sum += values[random.int(count)]!;
    return sum / count;
  });
  const tail = (1 - level) / 2;
  return { low: computeQuantile(means, tail), high: computeQuantile(means, 1 - tail) };
}
