/**
 * @file Choosing the tuple of a query from cached descriptors, as the authors' trainer does it: nearest potential
 * positive, nearest violating negatives among a random draw and the remembered ones.
 */
import { squaredDistance } from './rankingLoss.ts';

/** Descriptors of the last cache refresh. */
export interface DescriptorTable {
  readonly dimension: number;
  /** [n, dimension] row-major. */
  readonly data: Float32Array;
}

export interface MiningOptions {
  /** On squared distances. */
  readonly margin: number;
  /** Most violating negatives that enter the tuple. */
  readonly negativesPerQuery: number;
  /** How many of the nearest candidates are remembered for the query's next turn, violating or not. */
  readonly remembered: number;
}

export interface MinedTuple {
  readonly positive: number;
  readonly positiveDistance: number;
  /** Violating negatives by the cache, nearest first, at most `negativesPerQuery`. Empty: the query is skipped. */
  readonly negatives: readonly number[];
  /** How many candidates violate, before the cap. */
  readonly violating: number;
  /** For the next time. */
  readonly remembered: readonly number[];
}

interface RowDistance {
  readonly row: number;
  readonly distance: number;
}

function nearestFirst(table: DescriptorTable, query: Float32Array, rows: readonly number[]): RowDistance[] {
  const { data, dimension } = table;
  return rows
    .map((row) => ({ row, distance: squaredDistance(query, data.subarray(row * dimension, (row + 1) * dimension)) }))
    .sort((a, b) => a.distance - b.distance || a.row - b.row);
}

/** What is known of a query when its tuple is mined; rows are of the descriptor table. */
export interface MiningRequest {
  /** [dimension] descriptor of the query, from the cache. */
  readonly query: Float32Array;
  readonly positives: readonly number[];
  /** Candidate negatives: the random draw and the remembered ones, repetitions allowed. */
  readonly candidates: readonly number[];
}

/** Mines one tuple; null for a query without potential positives. */
export function mineTuple(table: DescriptorTable, request: MiningRequest, options: MiningOptions): MinedTuple | null {
  const best = nearestFirst(table, request.query, request.positives)[0];
  if (best === undefined) return null;
  const sorted = nearestFirst(table, request.query, [...new Set(request.candidates)]);
  const violating = sorted.filter((candidate) => candidate.distance < best.distance + options.margin);
  return {
    positive: best.row,
    positiveDistance: best.distance,
    negatives: violating.slice(0, options.negativesPerQuery).map((candidate) => candidate.row),
    violating: violating.length,
    remembered: sorted.slice(0, options.remembered).map((candidate) => candidate.row),
  };
}
