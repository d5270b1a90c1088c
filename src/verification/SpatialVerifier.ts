/** @file Spatial verification: do the parts of two images that look alike also lie alike? (docs/verification.md) */
import { findConsensus, type Consensus, type ConsensusOptions } from './findConsensus.ts';
import type { LocalGrid } from './LocalGrid.ts';
import { matchGrids, selectMutual, type GridMatcher, type NearestLocations } from './matchGrids.ts';

/** Chosen on cambridge_west training images and pepper_office (docs/verification.md, What was tuned). */
export const DEFAULT_CONSENSUS_OPTIONS: ConsensusOptions = {
  scales: [1, 1.2, 1 / 1.2, 1.44, 1 / 1.44],
  toleranceCells: 1.6,
};

/** The plain matcher in this thread; about 20 ms a candidate. */
export const plainGridMatcher: GridMatcher = {
  match: (query, candidates) => Promise.resolve(candidates.map((candidate) => matchGrids(query, candidate))),
};

/** The evidence of one pair from its nearest neighbours. Symmetric: swapping the images gives the same evidence. */
export function judgePair(
  nearest: NearestLocations,
  grids: { readonly query: LocalGrid; readonly candidate: LocalGrid },
  options: ConsensusOptions = DEFAULT_CONSENSUS_OPTIONS,
): Consensus {
  const columns = { query: grids.query.columns, candidate: grids.candidate.columns };
  return findConsensus(selectMutual(nearest), columns, options);
}

/** Verifies candidates against a query. Deterministic: nothing is drawn at random. */
export class SpatialVerifier {
  readonly options: ConsensusOptions;
  readonly #matcher: GridMatcher;

  constructor(matcher: GridMatcher = plainGridMatcher, options: Partial<ConsensusOptions> = {}) {
    this.options = { ...DEFAULT_CONSENSUS_OPTIONS, ...options };
    this.#matcher = matcher;
  }

  /** One consensus a candidate; null for a candidate whose features have other channels and cannot be compared. */
  async verify(query: LocalGrid, candidates: readonly LocalGrid[]): Promise<readonly (Consensus | null)[]> {
    const results = new Array<Consensus | null>(candidates.length).fill(null);
    for (const rows of groupBySize(candidates, query.channels)) {
      const group = rows.map((row) => candidates[row]!);
      const nearest = await this.#matcher.match(query, group);
      for (const [at, row] of rows.entries()) {
        results[row] = judgePair(nearest[at]!, { query, candidate: group[at]! }, this.options);
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
