/** @file Spatial verification: do the parts of two images that look alike also lie alike? (docs/verification.md) */
import { findConsensus, type Consensus, type ConsensusOptions } from './findConsensus.ts';
import type { LocalGrid } from './LocalGrid.ts';
import { matchGrids, selectMutual, type GridMatcher, type NearestLocations } from './matchGrids.ts';

/** Chosen on cambridge_west training images and pepper_office (docs/verification.md, What was tuned). */
export const DEFAULT_CONSENSUS_OPTIONS: ConsensusOptions = {
  scales: [1, 1.2, 1 / 1.2, 1.44, 1 / 1.44],
  toleranceCells: 1.6,
};

/** Plain loops in this thread: see `matchGrids`. */
const plainGridMatcher: GridMatcher = {
  match: (query, candidates) => Promise.resolve(candidates.map((candidate) => matchGrids(query, candidate))),
};

/** What one pair of images agrees on, from its nearest neighbours. Swapping the images gives the same evidence. */
export function judgePair(
  nearest: NearestLocations,
  grids: { readonly query: LocalGrid; readonly candidate: LocalGrid },
): Consensus {
  const columns = { query: grids.query.columns, candidate: grids.candidate.columns };
  return findConsensus(selectMutual(nearest), columns, DEFAULT_CONSENSUS_OPTIONS);
}

/** Verifies candidates against a query. Deterministic: nothing is drawn at random. */
export class SpatialVerifier {
  readonly #matcher: GridMatcher;

  /** The matcher stays the caller's. */
  constructor(matcher: GridMatcher = plainGridMatcher) {
    this.#matcher = matcher;
  }

  /** Row i belongs to candidate i; null where its features have other channels than the query's: no comparison. */
  async verify(query: LocalGrid, candidates: readonly LocalGrid[]): Promise<readonly (Consensus | null)[]> {
    const results = new Array<Consensus | null>(candidates.length).fill(null);
    for (const rows of groupBySize(candidates, query.channels)) {
      const group = rows.map((row) => candidates[row]!);
      const nearest = await this.#matcher.match(query, group);
      for (const [at, row] of rows.entries()) {
        results[row] = judgePair(nearest[at]!, { query, candidate: group[at]! });
      }
    }
    return results;
  }
}

/** Row numbers of the candidates of each grid size: one matrix product needs one size. Usually there is one group. */
function groupBySize(candidates: readonly LocalGrid[], channels: number): readonly (readonly number[])[] {
  const groups = new Map<string, number[]>();
  for (const [row, grid] of candidates.entries()) {
    if (grid.channels !== channels) continue;
    const key = `${grid.rows}x${grid.columns}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return [...groups.values()];
}
