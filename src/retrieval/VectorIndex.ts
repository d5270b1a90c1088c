/** @file The port of nearest-neighbour search over unit descriptors. */

export interface Match {
  /** Place id as given to `add`. */
  readonly place: number;
  /** Dot product of unit vectors, 1 is identical. L2 distance = sqrt(2 - 2 similarity). */
  readonly similarity: number;
}

/** True for the places that may be returned. */
export type PlaceFilter = (place: number) => boolean;

export interface VectorIndex {
  readonly dimension: number;
  readonly size: number;
  /** `descriptors` is [places.length, dimension] row-major. Throws on a known place id or a wrong length. */
  add(places: readonly number[], descriptors: Float32Array): Promise<void>;
  /** Best first; equal similarities by ascending place id; fewer than k when the index holds fewer. */
  search(query: Float32Array, k: number, filter?: PlaceFilter): Promise<readonly Match[]>;
}
