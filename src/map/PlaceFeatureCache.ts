/** @file What verification compares of a map's places, within a bound of memory, the least recently used forgotten first. */
import type { LocalGrid } from '../verification/LocalGrid.ts';

/** Of one place. */
export interface PlaceFeatures {
  readonly local: LocalGrid;
  /** [D] unit L2. */
  readonly descriptor: Float32Array;
}

/** Reads from the map file; null for a place that was stored without local features. */
export type PlaceFeatureReader = (place: number) => PlaceFeatures | null;

/** 2,000 places of the default model. */
const DEFAULT_LIMIT_BYTES = 64 * 2 ** 20;
/** What a place without features costs to remember. */
const ENTRY_BYTES = 64;

/** Neighbouring frames retrieve the same places: most reads are answered from memory. */
export class PlaceFeatureCache {
  readonly #read: PlaceFeatureReader;
  readonly #limitBytes: number;
  /** In the order of their last use. */
  readonly #places = new Map<number, PlaceFeatures | null>();
  #bytes = 0;

  constructor(read: PlaceFeatureReader, limitBytes = DEFAULT_LIMIT_BYTES) {
    this.#read = read;
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Null for a place that was stored without local features. */
  get(place: number): PlaceFeatures | null {
    const known = this.#places.get(place);
    const features = known === undefined ? this.#read(place) : known;
    if (known === undefined) this.#bytes += sizeOf(features);
    this.#places.delete(place);
    this.#places.set(place, features);
    for (const [oldest, forgotten] of this.#places) {
      if (this.#bytes <= this.#limitBytes || oldest === place) break;
      this.#places.delete(oldest);
      this.#bytes -= sizeOf(forgotten);
    }
    return features;
  }
}

function sizeOf(features: PlaceFeatures | null): number {
  return features === null
    ? ENTRY_BYTES
    : ENTRY_BYTES + features.local.vectors.byteLength + features.descriptor.byteLength;
}
