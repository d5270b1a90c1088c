/** @file A descriptor model that needs no weights: the mean colour of an image. Equal images agree, unequal ones do not. */
import { createGeotaggedImage, type GeotaggedImage } from '../../src/datasets/GeotaggedImage.ts';
import { encodeJpeg } from '../../src/image/encode.ts';
import type { RgbImage } from '../../src/image/RgbImage.ts';
import type { DescriptorModel } from '../../src/inference/DescriptorModel.ts';
import { modelManifest } from './placeBuilders.ts';

export type Colour = readonly [number, number, number];

function meanColour({ data }: RgbImage): Float32Array {
  const sum = new Float32Array(3);
  data.forEach((value, index) => (sum[index % 3]! += value));
  const norm = Math.hypot(...sum);
  return sum.map((value) => value / norm);
}

/** [n, 3] unit L2. `batches` counts the images of each call. A black image gives NaN. */
export function createColourModel(): DescriptorModel & { readonly batches: number[] } {
  const batches: number[] = [];
  return {
    manifest: modelManifest('mean-colour', 3),
    provider: 'test',
    batches,
    describe: async (images) => {
      batches.push(images.length);
      await Promise.resolve();
      const global = new Float32Array(images.length * 3);
      images.forEach((image, row) => {
        global.set(meanColour(image), row * 3);
      });
      return { count: images.length, dimension: 3, global, local: null };
    },
    dispose: () => Promise.resolve(),
  };
}

/** A small image of one colour as a source yields it; with all else unknown unless said. */
export async function colourImage(
  name: string,
  colour: Colour,
  facts: Partial<GeotaggedImage> = {},
): Promise<GeotaggedImage> {
  const size = { width: 8, height: 6 };
  const data = Uint8Array.from({ length: size.width * size.height * 3 }, (_, index) => colour[index % 3]!);
  const jpeg = await encodeJpeg({ data, ...size }, 100);
  return imageOf(name, jpeg, facts);
}

export function imageOf(name: string, jpeg: Uint8Array, facts: Partial<GeotaggedImage> = {}): GeotaggedImage {
  const frame = { kind: 'compressed', stampNs: 0n, frameId: '', format: '', data: jpeg } as const;
  return createGeotaggedImage(name, { kind: 'frame', frame }, facts);
}
