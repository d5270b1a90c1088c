/** @file Recall of validation and test queries, exact search over unit descriptors. */
import { computeChance, computeRecall, DEFAULT_NS, type ByN, type Rankings } from '../evaluation/recall.ts';
import { topK } from '../math/topK.ts';
import { dotRow } from '../math/vectors.ts';
import type { Validation } from './trainingSet.ts';

/** @returns for each query the database positions, best first; both matrices are [n, dimension] unit rows */
export function rankDatabase(queries: Float32Array, database: Float32Array, dimension: number): Rankings {
  const count = database.length / dimension;
  const similarities = new Float64Array(count);
  return Array.from({ length: queries.length / dimension }, (_unused, q) => {
    const query = queries.subarray(q * dimension, (q + 1) * dimension);
    for (let row = 0; row < count; row++) similarities[row] = dotRow(database, row, query);
    return topK(similarities, Math.max(...DEFAULT_NS)).map(({ index }) => index);
  });
}

/** Recall@N over the queries that have a true match. */
export function computeValidationRecall(rankings: Rankings, validation: Validation): ByN {
  return computeRecall(rankings, validation.truth).withTruth;
}

/** What guessing reaches on the same queries. */
export function computeValidationChance(validation: Validation): ByN {
  return computeChance(validation.truth, validation.database.length);
}

/** Whether the first (one of the first five) answers was right, for each query that has a true match. */
export interface Hits {
  readonly at1: readonly boolean[];
  readonly at5: readonly boolean[];
}

export function computeHits(rankings: Rankings, { truth }: Pick<Validation, 'truth'>): Hits {
  const hits = (n: number): boolean[] =>
    rankings.flatMap((rows, q) => (truth[q]!.size === 0 ? [] : [rows.slice(0, n).some((row) => truth[q]!.has(row))]));
  return { at1: hits(1), at5: hits(5) };
}
