/** @file Recall@N, mean average precision and the chance level: the numbers of place recognition. */

/** For each query, database rows best first. */
export type Rankings = readonly (readonly number[])[];

/** For each query, the database rows that show its place. Empty = the query has no true match. */
export type GroundTruth = readonly ReadonlySet<number>[];

/** Value by N. */
export type ByN = Readonly<Record<number, number>>;

export const DEFAULT_NS: readonly number[] = [1, 5, 10, 20];

/** Rank (0 = first) of the best true match, Infinity when the ranking holds none. */
export function computeFirstHits(rankings: Rankings, truth: GroundTruth): readonly number[] {
  return rankings.map((ranking, query) => {
    const hit = ranking.findIndex((row) => truth[query]!.has(row));
    return hit < 0 ? Infinity : hit;
  });
}

export interface Recall {
  /** Share of the queries with a true match that have one among their first N (MSLS, VPR_Tutorial). */
  readonly withTruth: ByN;
  /** Queries without a true match count as misses (Relja, deep-visual-geo-localization-benchmark). */
  readonly allQueries: ByN;
}

/** Fractions; NaN when there is no query to divide by. */
export function computeRecall(rankings: Rankings, truth: GroundTruth, ns: readonly number[] = DEFAULT_NS): Recall {
  const firstHits = computeFirstHits(rankings, truth);
  const withTruth = truth.filter((positives) => positives.size > 0).length;
  const hitsWithin = (n: number): number => firstHits.filter((rank) => rank < n).length;
  return {
    withTruth: Object.fromEntries(ns.map((n) => [n, hitsWithin(n) / withTruth])),
    allQueries: Object.fromEntries(ns.map((n) => [n, hitsWithin(n) / truth.length])),
  };
}

/**
 * Mean average precision at k over the queries with a true match: for each true row in the first k the precision up to
 * it, summed and divided by min(k, number of true rows) (mapillary_sls).
 */
export function computeMap(rankings: Rankings, truth: GroundTruth, k: number): number {
  const precisions = rankings.flatMap((ranking, query) => {
    const positives = truth[query]!;
    if (positives.size === 0) return [];
    let [hits, sum] = [0, 0];
    ranking.slice(0, k).forEach((row, rank) => {
      if (positives.has(row)) sum += ++hits / (rank + 1);
    });
    return [sum / Math.min(k, positives.size)];
  });
  return precisions.reduce((total, precision) => total + precision, 0) / precisions.length;
}

/**
 * Recall@N of a guess: N rows drawn from the database without replacement. Exactly, for each query with p true rows
 * of d, 1 - C(d - p, N) / C(d, N), averaged over the queries with a true match.
 */
export function computeChance(truth: GroundTruth, databaseSize: number, ns: readonly number[] = DEFAULT_NS): ByN {
  const positives = truth.map((rows) => rows.size).filter((size) => size > 0);
  const chanceOf = (size: number, n: number): number => {
    let miss = 1;
    for (let drawn = 0; drawn < Math.min(n, databaseSize); drawn++) {
      miss *= Math.max(0, databaseSize - size - drawn) / (databaseSize - drawn);
    }
    return 1 - miss;
  };
  const mean = (n: number): number => positives.reduce((sum, size) => sum + chanceOf(size, n), 0) / positives.length;
  return Object.fromEntries(ns.map((n) => [n, mean(n)]));
}

/**
 * Keeps the best of each group: the views of one panorama are one answer, not twelve (Tokyo 24/7, dbTokyo247.m).
 * `ranking` is best first.
 */
export function keepFirstOfGroup<Item>(
  ranking: readonly Item[],
  groupOf: (item: Item) => number | string,
): readonly Item[] {
  const seen = new Set<number | string>();
  return ranking.filter((item) => {
    const group = groupOf(item);
    if (seen.has(group)) return false;
    seen.add(group);
    return true;
  });
}
