/** @file Descriptors of a list of images, in its order; what cannot be read ends a benchmark. */
import type { GeotaggedImage } from '../../src/datasets/GeotaggedImage.ts';
import type { RgbImage } from '../../src/image/RgbImage.ts';
import type { DescriptorModel } from '../../src/inference/DescriptorModel.ts';
import { describeImages } from '../../src/map/describeImages.ts';

/** [images, dimension]; `change` acts on the images as they were decoded. */
export async function describeInOrder(
  images: readonly GeotaggedImage[],
  model: DescriptorModel,
  change?: (image: RgbImage) => RgbImage,
): Promise<Float32Array> {
  const { dimension } = model.manifest.descriptor;
  const rows = new Float32Array(images.length * dimension);
  let row = 0;
  for await (const { images: batch, descriptors } of describeImages(images, model, { change })) {
    rows.set(descriptors.global, row * dimension);
    row += batch.length;
  }
  if (row !== images.length) throw new Error(`${images.length - row} images cannot be read`);
  return rows;
}
