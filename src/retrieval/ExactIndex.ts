/** @file Exhaustive search: the right answer always, fast enough for maps of tens of thousands of places, and the oracle of the others. */
import { topK } from '../math/topK.ts';
import { assertAddable, assertQuery } from './checkVectors.ts';
import type { Match, PlaceFilter, VectorIndex } from './VectorIndex.ts';

const FIRST_CAPACITY = 64;

/** Keeps all descriptors as one float32 matrix and multiplies it with the query. */
export class ExactIndex implements VectorIndex {
  readonly dimension: number;
  /** Ascending, so that the order of rows is the order of ties. */
  #places: number[] = [];
  readonly #known = new Set<number>();
  /** [capacity, dimension]; the first `size` rows are in use. */
  #rows: Float32Array;
  /** [size] dot products of the latest search. */
  #similarities = new Float64Array(0);

  constructor(dimension: number) {
    this.dimension = dimension;
    this.#rows = new Float32Array(FIRST_CAPACITY * dimension);
  }

  get size(): number {
    return this.#places.length;
  }

  add(places: readonly number[], descriptors: Float32Array): Promise<void> {
    const { dimension } = this;
    assertAddable(places, descriptors, { dimension, has: (place) => this.#known.has(place) });
    this.#reserve(this.size + places.length);
    this.#rows.set(descriptors, this.size * dimension);
    for (const place of places) {
      this.#places.push(place);
      this.#known.add(place);
    }
    if (this.#places.some((place, row) => row > 0 && place < this.#places[row - 1]!)) this.#sortRows();
    this.#similarities = new Float64Array(this.size);
    return Promise.resolve();
  }

  search(query: Float32Array, k: number, filter?: PlaceFilter): Promise<readonly Match[]> {
    assertQuery(query, this.dimension);
    multiplyRows(this.#rows, query, this.#similarities);
    const places = this.#places;
    const accept = filter === undefined ? undefined : (row: number): boolean => filter(places[row]!);
    return Promise.resolve(
      topK(this.#similarities, k, accept).map(({ index, value }) => ({ place: places[index]!, similarity: value })),
    );
  }

  #sortRows(): void {
    const { dimension } = this;
    const order = this.#places.map((_, row) => row).sort((a, b) => this.#places[a]! - this.#places[b]!);
    const sorted = new Float32Array(this.#rows.length);
    order.forEach((from, to) => {
      sorted.set(this.#rows.subarray(from * dimension, (from + 1) * dimension), to * dimension);
    });
    this.#rows = sorted;
    this.#places = order.map((row) => this.#places[row]!);
  }

  #reserve(count: number): void {
    const capacity = this.#rows.length / this.dimension;
    if (count <= capacity) return;
    const grown = new Float32Array(Math.max(count, 2 * capacity) * this.dimension);
    grown.set(this.#rows.subarray(0, this.size * this.dimension));
    this.#rows = grown;
  }
}

/** out[r] = rows[r] . query; four rows share each load of the query. Every row is summed in the same order. */
function multiplyRows(rows: Float32Array, query: Float32Array, out: Float64Array): void {
  const dimension = query.length;
  let row = 0;
  for (; row + 4 <= out.length; row += 4) {
    const r0 = row * dimension;
    const r1 = r0 + dimension;
    const r2 = r1 + dimension;
    const r3 = r2 + dimension;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let d = 0; d < dimension; d++) {
      const q = query[d]!;
      s0 += q * rows[r0 + d]!;
      s1 += q * rows[r1 + d]!;
      s2 += q * rows[r2 + d]!;
      s3 += q * rows[r3 + d]!;
    }
    out[row] = s0;
    out[row + 1] = s1;
    out[row + 2] = s2;
    out[row + 3] = s3;
  }
  for (; row < out.length; row++) {
    let sum = 0;
    for (let d = 0, at = row * dimension; d < dimension; d++, at++) sum += query[d]! * rows[at]!;
    out[row] = sum;
  }
}
