/** @file Edits of images whose effect on verification is known: what both images still show, and where. */
import { createRandom } from '../../src/math/random.ts';
import type { RgbImage } from '../../src/image/RgbImage.ts';

/** The part of an image, as shares of its sides. */
export function crop(
  image: RgbImage,
  part: { left?: number; top?: number; width?: number; height?: number },
): RgbImage {
  const left = Math.round((part.left ?? 0) * image.width);
  const top = Math.round((part.top ?? 0) * image.height);
  const width = Math.round((part.width ?? 1) * image.width);
  const height = Math.round((part.height ?? 1) * image.height);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * 3;
    data.set(image.data.subarray(from, from + width * 3), y * width * 3);
  }
  return { data, width, height };
}

export function mapValues(image: RgbImage, change: (value: number) => number): RgbImage {
  return { ...image, data: Uint8Array.from(image.data, (value) => Math.min(255, Math.round(change(value)))) };
}

/** Each pixel comes from `source(x, y)` of the same image. */
function rearrangePixels(image: RgbImage, source: (x: number, y: number) => readonly [number, number]): RgbImage {
  const data = new Uint8Array(image.data.length);
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) {
      const [fromX, fromY] = source(x, y);
      const from = (fromY * image.width + fromX) * 3;
      data.set(image.data.subarray(from, from + 3), (y * image.width + x) * 3);
    }
  }
  return { ...image, data };
}

export function mirror(image: RgbImage): RgbImage {
  return rearrangePixels(image, (x, y) => [image.width - 1 - x, y]);
}

/** side x side tiles in another order; what is left over at the right and lower edge stays. */
export function shuffleTiles(image: RgbImage, side: number, seed: number): RgbImage {
  const order = createRandom(seed).shuffle(Array.from({ length: side * side }, (_, tile) => tile));
  const width = Math.floor(image.width / side);
  const height = Math.floor(image.height / side);
  return rearrangePixels(image, (x, y) => {
    const [column, row] = [Math.floor(x / width), Math.floor(y / height)];
    if (column >= side || row >= side) return [x, y];
    const tile = order[row * side + column]!;
    return [(tile % side) * width + (x % width), Math.floor(tile / side) * height + (y % height)];
  });
}
