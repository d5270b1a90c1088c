/** @file Which location of one grid looks most like which of another. */
import { GRID_SCALE, type LocalGrid } from './LocalGrid.ts';

/** Nearest neighbours between the locations of a query and those of a candidate; the first of equals. */
export interface NearestLocations {
  /** [query locations] index of the most similar candidate location. */
  readonly forward: Int32Array;
  /** [candidate locations] index of the most similar query location. */
  readonly backward: Int32Array;
  /** [query locations] dot product of a location's unit vector with that of its `forward`, -1..1. */
  readonly similarity: Float32Array;
}

/** Compares a query with several candidates of one grid size. Its speed decides that of verification. */
export interface GridMatcher {
  match(query: LocalGrid, candidates: readonly LocalGrid[]): Promise<readonly NearestLocations[]>;
}

/** Less than any dot product of int8 vectors. */
const NOTHING_YET = -0x8000_0000;

/** Plain loops: the oracle of faster matchers, and fast enough for single pairs (about 20 ms). */
export function matchGrids(query: LocalGrid, candidate: LocalGrid): NearestLocations {
  const { channels } = query;
  const queryCount = query.rows * query.columns;
  const candidateCount = candidate.rows * candidate.columns;
  const forward = new Int32Array(queryCount);
  const backward = new Int32Array(candidateCount);
  const similarity = new Float32Array(queryCount);
  const best = new Int32Array(candidateCount).fill(NOTHING_YET);
  for (let q = 0; q < queryCount; q++) {
    let rowBest = NOTHING_YET;
    for (let c = 0; c < candidateCount; c++) {
      let dot = 0;
      for (let at = 0, a = q * channels, b = c * channels; at < channels; at++) {
        dot += query.vectors[a + at]! * candidate.vectors[b + at]!;
      }
      if (dot > rowBest) {
        rowBest = dot;
        forward[q] = c;
      }
      if (dot > best[c]!) {
        best[c] = dot;
        backward[c] = q;
      }
    }
    similarity[q] = rowBest / (GRID_SCALE * GRID_SCALE);
  }
  return { forward, backward, similarity };
}

/** A location of the query and one of the candidate that are each other's nearest. */
export interface Correspondence {
  /** Row-major location indices, each in its own grid. */
  readonly query: number;
  readonly candidate: number;
  /** Dot product of the unit vectors, 0..1. */
  readonly similarity: number;
}

/** Mutual nearest neighbours by ascending query location; what is not similar at all (zero vectors) is no neighbour. */
export function selectMutual(nearest: NearestLocations): Correspondence[] {
  const { forward, backward, similarity } = nearest;
  const mutual: Correspondence[] = [];
  for (let query = 0; query < forward.length; query++) {
    const candidate = forward[query]!;
    if (backward[candidate] !== query || !(similarity[query]! > 0)) continue;
    mutual.push({ query, candidate, similarity: similarity[query]! });
  }
  return mutual;
}
