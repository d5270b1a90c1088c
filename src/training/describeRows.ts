/** @file From rows of the feature cache to descriptors with the network's present weights. */
import { NetvladError } from '../errors.ts';
import type { FeatureCache } from './FeatureCache.ts';
import type { TrainingNetwork } from './TrainingNetwork.ts';

const READ_BATCH = 64;

interface CachedRows {
  readonly network: TrainingNetwork;
  readonly cache: FeatureCache;
  readonly rows: readonly number[];
}

/** Features [rows.length, ...] of cache rows. */
export async function readFeatures(cache: FeatureCache, rows: readonly number[]): Promise<Float32Array> {
  const out = new Float32Array(rows.length * cache.rowLength);
  await cache.read(rows, out);
  return out;
}

/**
 * Describes cache rows batch by batch; the i-th goes to row `rowOf(i)` of `table` [n, dimension].
 * @throws NetvladError `model` for a descriptor that is no number: it would be near nothing, and mining would find nothing to learn
 */
export async function describeInto(
  table: Float32Array,
  { network, cache, rows }: CachedRows,
  rowOf: (i: number) => number,
): Promise<void> {
  const { dimension } = network;
  for (let start = 0; start < rows.length; start += READ_BATCH) {
    const part = rows.slice(start, start + READ_BATCH);
    const described = await network.describe(await readFeatures(cache, part));
    const wrong = described.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) {
      const row = part[Math.floor(wrong / dimension)]!;
      throw new NetvladError('model', `Training: the descriptor of row ${row} of the feature cache is not a number.`, {
        hint: "Check the weights of the backbone, and pooling.power where pooling.kind is 'gem'.",
      });
    }
    for (let i = 0; i < part.length; i++) {
      table.set(described.subarray(i * dimension, (i + 1) * dimension), rowOf(start + i) * dimension);
    }
  }
}

/** Descriptors [rows.length, dimension] of cache rows. */
export async function describeRows(request: CachedRows): Promise<Float32Array> {
  const out = new Float32Array(request.rows.length * request.network.dimension);
  await describeInto(out, request, (i) => i);
  return out;
}
