/**
 * @file The tuples of an epoch: which queries, in which order, with which positives and negatives. Keeps the descriptor
 * cache and what each query remembers of its last turn.
 */
import type { Random } from '../math/random.ts';
import { type MinedTuple, type MiningOptions, mineTuple } from './mineTuple.ts';
import type { Neighbourhood } from './neighbourhoods.ts';

export interface TupleMinerOptions extends MiningOptions {
  /** Random candidates a query and turn. */
  readonly randomNegatives: number;
  /** Variants of every image in the cache: 1 without augmentation, variant 0 is the image as it is. */
  readonly variants: number;
}

/** Cache rows (image * variants + variant) of a tuple. */
export interface CachedTuple {
  readonly query: number;
  readonly positive: number;
  readonly negatives: readonly number[];
}

/** What a query's turn gave. */
export type MinedTurn =
  | { readonly kind: 'tuple'; readonly tuple: CachedTuple; readonly mined: MinedTuple }
  | { readonly kind: 'skipped'; readonly why: 'no positive' | 'no violating negative' };

export class TupleMiner {
  readonly #options: TupleMinerOptions;
  readonly #neighbourhoods: ReadonlyMap<number, Neighbourhood>;
  readonly #database: readonly number[];
  readonly #remembered: Map<number, readonly number[]>;

  constructor(
    data: { readonly neighbourhoods: ReadonlyMap<number, Neighbourhood>; readonly database: readonly number[] },
    options: TupleMinerOptions,
    remembered: ReadonlyMap<number, readonly number[]> = new Map(),
  ) {
    this.#options = options;
    this.#neighbourhoods = data.neighbourhoods;
    this.#database = data.database;
    this.#remembered = new Map(remembered);
  }

  /** Image rows that each query remembers; part of a checkpoint. */
  get remembered(): ReadonlyMap<number, readonly number[]> {
    return this.#remembered;
  }

  /** Cache rows that mining for `queries` looks at: these and the database in all their variants. */
  rowsFor(queries: readonly number[]): readonly number[] {
    const { variants } = this.#options;
    const images = [...new Set([...queries, ...this.#database])].sort((a, b) => a - b);
    return images.flatMap((image) =>
      Array.from({ length: variants }, (_unused, variant) => image * variants + variant),
    );
  }

  /** Queries that have a potential positive, in a new random order. */
  drawOrder(random: Random): number[] {
    const usable = [...this.#neighbourhoods].filter(([, neighbourhood]) => neighbourhood.positives.length > 0);
    return random.shuffle(usable.map(([query]) => query));
  }

  /** Mines the tuple of one query from cached descriptors [images * variants, dimension]. */
  mine(query: number, cache: { readonly dimension: number; readonly data: Float32Array }, random: Random): MinedTurn {
    const { positives, excluded } = this.#neighbourhoods.get(query)!;
    const { variants, randomNegatives } = this.#options;
    const drawn = random.sample(this.#database.length, randomNegatives).map((at) => this.#database[at]!);
    const candidates = [...drawn, ...(this.#remembered.get(query) ?? [])].filter((row) => !excluded.has(row));
    // Every image of the turn shows itself in one variant, drawn anew: day against night as well as day against day.
    const variantOf = new Map<number, number>();
    const cacheRow = (image: number): number => {
      let variant = variantOf.get(image);
      if (variant === undefined) variantOf.set(image, (variant = variants === 1 ? 0 : random.int(variants)));
      return image * variants + variant;
    };
    const queryRow = cacheRow(query);
    const { dimension, data } = cache;
    const mined = mineTuple(
      cache,
      {
        query: data.subarray(queryRow * dimension, (queryRow + 1) * dimension),
        positives: positives.map(cacheRow),
        candidates: candidates.map(cacheRow),
      },
      this.#options,
    );
    if (mined === null) return { kind: 'skipped', why: 'no positive' };
    this.#remembered.set(
      query,
      mined.remembered.map((row) => Math.floor(row / variants)),
    );
    if (mined.negatives.length === 0) return { kind: 'skipped', why: 'no violating negative' };
    return { kind: 'tuple', mined, tuple: { query: queryRow, positive: mined.positive, negatives: mined.negatives } };
  }
}
