/** @file Local features as the map stores them. */
import type { LocalFeatures } from '../inference/DescriptorModel.ts';
import type { StoredLocalFeatures } from './Place.ts';

/** int8 keeps 127 steps for a component in -1..1; recall is the same as with float32. */
export function quantizeLocalFeatures(local: LocalFeatures, image: number): StoredLocalFeatures {
  const { rows, columns, channels } = local;
  const length = rows * columns * channels;
  const vectors = new Int8Array(length);
  for (let i = 0; i < length; i++) vectors[i] = Math.round(127 * local.data[image * length + i]!);
  return { rows, columns, channels, vectors };
}
