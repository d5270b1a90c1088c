/** @file Batches of a training run's first epoch, as the trainer makes them: tuples with negatives that really violate. */
import { createRandom } from '../../src/math/random.ts';
import { cacheFeatures } from '../../src/training/cacheFeatures.ts';
import { describeRows, readFeatures } from '../../src/training/describeRows.ts';
import { eachNeighbourhood, type TrainingImage } from '../../src/training/neighbourhoods.ts';
import type { TrainingContext } from '../../src/training/TrainingContext.ts';
import type { TrainingNetwork, Triplet } from '../../src/training/TrainingNetwork.ts';
import { type CachedTuple, TupleMiner } from '../../src/training/TupleMiner.ts';

export interface Batch {
  /** [n, ...]: of every tuple the query, its positive and its negatives, one after the other. */
  readonly features: Float32Array;
  readonly triplets: readonly Triplet[];
  /** Number of images of each tuple. */
  readonly images: readonly number[];
}

export interface Streets {
  readonly images: readonly TrainingImage[];
  /** Rows of `images`. */
  readonly queries: readonly number[];
  readonly database: readonly number[];
}

const rowsOf = ({ query, positive, negatives }: CachedTuple): number[] => [query, positive, ...negatives];

/** Positions among the batch's images. */
function toTriplets(tuples: readonly CachedTuple[]): Triplet[] {
  let first = 0;
  return tuples.flatMap(({ negatives }) => {
    const query = first;
    first += 2 + negatives.length;
    return negatives.map((_unused, i) => ({ query, positive: query + 1, negative: query + 2 + i }));
  });
}

/** Batches of those tuples that have the most violating negatives; features go through a cache in `folder`. */
export async function mineBatches(
  network: TrainingNetwork,
  { streets, count, folder }: { readonly streets: Streets; readonly count: number; readonly folder: string },
  context: TrainingContext,
): Promise<Batch[]> {
  const training = context.config.training!;
  const images = streets.images.map(({ image }) => image);
  const cache = await cacheFeatures({ network, images, variants: 1, folder, precision: 'float32' }, context);
  const data = await describeRows({ network, cache, rows: [...images.keys()] });
  const neighbourhoods = new Map(eachNeighbourhood(streets.images, streets, training));
  const mining = { ...training, remembered: training.rememberedNegatives, variants: 1 };
  const miner = new TupleMiner({ neighbourhoods, database: streets.database }, mining);
  const random = createRandom(context.config.seed);
  const tuples = miner.drawOrder(random).flatMap((query) => {
    const turn = miner.mine(query, { dimension: network.dimension, data }, random);
    return turn.kind === 'tuple' ? [turn.tuple] : [];
  });
  const fullest = tuples.sort((a, b) => b.negatives.length - a.negatives.length);
  const batches: Batch[] = [];
  for (let start = 0; batches.length < count; start += training.batchTuples) {
    const chosen = fullest.slice(start, start + training.batchTuples);
    const features = await readFeatures(cache, chosen.flatMap(rowsOf));
    batches.push({ features, triplets: toTriplets(chosen), images: chosen.map((tuple) => rowsOf(tuple).length) });
  }
  await cache.close();
  return batches;
}
