/** @file Local features of a map's places within a bound of memory, the least recently used forgotten first. */
import type { LocalGrid } from '../verification/LocalGrid.ts';

/** 2,200 places of the default model. */
const DEFAULT_LIMIT_BYTES = 64 * 2 ** 20;
/** What a place without features costs to remember. */
const ENTRY_BYTES = 64;

/** Neighbouring frames retrieve the same places: most reads are answered from memory. */
export class LocalFeatureCache {
  readonly #read: (place: number) => LocalGrid | null;
  readonly #limitBytes: number;
  /** In the order of their last use. */
  readonly #grids = new Map<number, LocalGrid | null>();
  #bytes = 0;

  constructor(read: (place: number) => LocalGrid | null, limitBytes = DEFAULT_LIMIT_BYTES) {
    this.#read = read;
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Null for a place that was stored without local features. */
  get(place: number): LocalGrid | null {
    const known = this.#grids.get(place);
    const grid = known === undefined ? this.#read(place) : known;
    if (known === undefined) this.#bytes += sizeOf(grid);
    this.#grids.delete(place);
    this.#grids.set(place, grid);
    for (const [oldest, forgotten] of this.#grids) {
      if (this.#bytes <= this.#limitBytes || oldest === place) break;
      this.#grids.delete(oldest);
      this.#bytes -= sizeOf(forgotten);
    }
    return grid;
  }
}

function sizeOf(grid: LocalGrid | null): number {
  return ENTRY_BYTES + (grid?.vectors.length ?? 0);
}
