/** @file Bootstrap intervals and a paired test of what was measured. */
import type { Random } from '../math/random.ts';
import { quantile } from '../math/statistics.ts';

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
  return { low: quantile(means, tail), high: quantile(means, 1 - tail) };
}

/** How two systems differ on the same queries. */
export interface PairedDifference {
  /** Queries that only the first (only the second) got right. */
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Two-sided probability of a split at least as uneven where both are equally good. */
  readonly p: number;
}

/** McNemar's exact test: under equality each query that one alone got right is a fair coin. `first` and `second` [queries]. */
export function compareHits(first: readonly boolean[], second: readonly boolean[]): PairedDifference {
  const onlyFirst = first.filter((hit, query) => hit && !second[query]!).length;
  const onlySecond = second.filter((hit, query) => hit && !first[query]!).length;
  const discordant = onlyFirst + onlySecond;
  let [term, tail] = [0.5 ** discordant, 0];
  for (let heads = 0; heads <= Math.min(onlyFirst, onlySecond); heads++) {
    tail += term;
    term *= (discordant - heads) / (heads + 1);
  }
  return { onlyFirst, onlySecond, p: Math.min(1, 2 * tail) };
}
