/** @file What every index demands of the vectors it is given, said the same way by each. */
import { NetvladError } from '../errors.ts';

function assertFinite(values: Float32Array, what: string): void {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  throw new NetvladError('bad-input', `${what} holds ${values[at]!} at position ${at}; every value must be finite.`);
}

/** Throws unless `query` is one vector of the index's dimension with finite values. */
export function assertQuery(query: Float32Array, dimension: number): void {
  if (query.length !== dimension) {
    throw new NetvladError(
      'bad-input',
      `The query descriptor has ${query.length} dimensions, the index ${dimension}; were they made by different models?`,
    );
  }
  assertFinite(query, 'The query descriptor');
}

/** Throws unless `descriptors` is [places.length, dimension] with finite values and no place is known or given twice. */
export function assertAddable(
  places: readonly number[],
  descriptors: Float32Array,
  index: { readonly dimension: number; has(place: number): boolean },
): void {
  const { dimension } = index;
  if (descriptors.length !== places.length * dimension) {
    throw new NetvladError(
      'bad-input',
      `${places.length} places of ${dimension} dimensions need ${places.length * dimension} values, got ${descriptors.length}.`,
    );
  }
  const seen = new Set<number>();
  for (const place of places) {
    if (!Number.isInteger(place) || place < 0 || place > 0xffff_ffff) {
      throw new NetvladError('bad-input', `Place id ${place} is not an integer from 0 to 4294967295.`);
    }
    if (seen.has(place) || index.has(place)) {
      throw new NetvladError('bad-input', `Place ${place} is in the index already.`);
    }
    seen.add(place);
  }
  assertFinite(descriptors, 'A descriptor batch');
}
