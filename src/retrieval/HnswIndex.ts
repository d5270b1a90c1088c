/** @file Approximate search in a navigable small-world graph (Malkov and Yashunin 2018), for maps too large to search exhaustively. */
import { setImmediate } from 'node:timers/promises';
// The package is CommonJS without named exports: `import { HierarchicalNSW }` type-checks and fails at run time.
import hnswlib from 'hnswlib-node';
import { assertAddable, assertQuery } from './checkVectors.ts';
import type { Match, PlaceFilter, VectorIndex } from './VectorIndex.ts';

export interface HnswOptions {
  /** Links of a node per layer: memory and recall. */
  readonly m: number;
  /** Candidates looked at while a node is linked: build time and recall. */
  readonly efConstruction: number;
  /** Candidates looked at while searching: query time and recall. */
  readonly efSearch: number;
  readonly seed: number;
}

export const DEFAULT_HNSW_OPTIONS: HnswOptions = { m: 16, efConstruction: 200, efSearch: 128, seed: 1 };

const FIRST_CAPACITY = 1024;
/** Points inserted before the event loop gets a turn; about 20 ms at 1,000 dimensions. */
const POINTS_PER_TURN = 32;

/** hnswlib behind the port: grows as needed, checks what hnswlib does not, orders ties. Place ids are its labels. */
export class HnswIndex implements VectorIndex {
  readonly dimension: number;
  readonly options: HnswOptions;
  readonly #graph: InstanceType<typeof hnswlib.HierarchicalNSW>;
  readonly #known: Set<number>;

  private constructor(
    graph: InstanceType<typeof hnswlib.HierarchicalNSW>,
    shape: { readonly dimension: number; readonly options: HnswOptions },
  ) {
    this.dimension = shape.dimension;
    this.options = shape.options;
    this.#graph = graph;
    this.#known = new Set(graph.getIdsList());
  }

  static create(dimension: number, options: Partial<HnswOptions> = {}): HnswIndex {
    const all = { ...DEFAULT_HNSW_OPTIONS, ...options };
    const graph = new hnswlib.HierarchicalNSW('ip', dimension);
    graph.initIndex({
      maxElements: FIRST_CAPACITY,
      m: all.m,
      efConstruction: all.efConstruction,
      randomSeed: all.seed,
    });
    return new HnswIndex(graph, { dimension, options: all });
  }

  /** Reads a graph file without any check of its contents; `openCachedHnswIndex` is the safe way to it. */
  static async readFile(path: string, dimension: number, options: Partial<HnswOptions> = {}): Promise<HnswIndex> {
    const graph = new hnswlib.HierarchicalNSW('ip', dimension);
    await graph.readIndex(path);
    return new HnswIndex(graph, { dimension, options: { ...DEFAULT_HNSW_OPTIONS, ...options } });
  }

  async writeFile(path: string): Promise<void> {
    await this.#graph.writeIndex(path);
  }

  get size(): number {
    return this.#known.size;
  }

  has(place: number): boolean {
    return this.#known.has(place);
  }

  async add(places: readonly number[], descriptors: Float32Array): Promise<void> {
    const { dimension } = this;
    assertAddable(places, descriptors, this);
    this.#reserve(this.size + places.length);
    for (const [row, place] of places.entries()) {
      // hnswlib-node takes plain arrays only.
      this.#graph.addPoint(Array.from(descriptors.subarray(row * dimension, (row + 1) * dimension)), place);
      this.#known.add(place);
      if (row % POINTS_PER_TURN === POINTS_PER_TURN - 1) await setImmediate();
    }
  }

  /** With a filter that few places pass the search widens until it has seen the whole graph: slow, never incomplete. */
  search(query: Float32Array, k: number, filter?: PlaceFilter): Promise<readonly Match[]> {
    assertQuery(query, this.dimension);
    const wanted = Math.min(k, this.size);
    if (wanted <= 0) return Promise.resolve([]);
    this.#graph.setEf(Math.max(this.options.efSearch, wanted));
    const { distances, neighbors } = this.#graph.searchKnn(Array.from(query), wanted, filter);
    const matches = neighbors.map((place, at): Match => ({ place, similarity: 1 - distances[at]! }));
    return Promise.resolve(matches.sort((a, b) => b.similarity - a.similarity || a.place - b.place));
  }

  #reserve(count: number): void {
    const capacity = this.#graph.getMaxElements();
    if (count > capacity) this.#graph.resizeIndex(Math.max(count, 2 * capacity));
  }
}
