/** @file Nearest-neighbour resampling: every output pixel takes the source pixel under its centre. */
import type { RgbImage } from './RgbImage.ts';

/** Under the centre of each of `to` cells that share `from` pixels: the pixel's index times `stride`. */
export function computeNearestSources(from: number, to: number, stride: number): Int32Array {
  const sources = new Int32Array(to);
  for (let i = 0; i < to; i++) sources[i] = stride * Math.min(from - 1, Math.floor(((i + 0.5) * from) / to));
  return sources;
}

/** A copy of one pixel in each cell: a plain loop takes a third of the time that handing the image to libvips does. */
export function sampleNearest(image: RgbImage, width: number, height: number): RgbImage {
  const columns = computeNearestSources(image.width, width, 3);
  const rows = computeNearestSources(image.height, height, 3 * image.width);
  const { data: source } = image;
  const data = new Uint8Array(3 * width * height);
  let at = 0;
  for (let y = 0; y < height; y++) {
    const start = rows[y]!;
    for (let x = 0; x < width; x++) {
      const from = start + columns[x]!;
      data[at] = source[from]!;
      data[at + 1] = source[from + 1]!;
      data[at + 2] = source[from + 2]!;
      at += 3;
    }
  }
  return { data, width, height };
}
