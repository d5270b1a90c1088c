/** @file Pictures that a tiny model tells apart: coloured boxes, another seed is another place. */
import type { RgbImage } from '../../src/image/RgbImage.ts';
import { createRandom } from '../../src/math/random.ts';

const SIZE = { width: 64, height: 48 } as const;
const BOX = { width: 16, height: 12 } as const;

export function paintPlace(seed: number): RgbImage {
  const { width, height } = SIZE;
  const random = createRandom(seed);
  const data = new Uint8Array(width * height * 3).fill(90);
  for (let box = 0; box < 14; box++) {
    const left = Math.floor(random.next() * (width - BOX.width));
    const top = Math.floor(random.next() * (height - BOX.height));
    const colour = [0, 1, 2].map(() => Math.floor(random.next() * 256));
    for (let y = top; y < top + BOX.height; y++)
      for (let x = left; x < left + BOX.width; x++) data.set(colour, (y * width + x) * 3);
  }
  return { data, width, height };
}
