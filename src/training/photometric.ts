/** @file Night-like copies of daytime images, for statistics that should not mistake light for place. */
import type { RgbImage } from '../image/RgbImage.ts';
import type { Random } from '../math/random.ts';

const LEVELS = 256;

/** Uniform in [from, to). */
export const between = (random: Random, from: number, to: number): number => from + (to - from) * random.next();

/** Tone curve of one channel: gamma darkens the middle, gain the whole, the cast shifts the colour of the light. */
function toneCurve(gamma: number, gain: number): Uint8Array {
  return Uint8Array.from({ length: LEVELS }, (_unused, level) =>
    Math.round(255 * Math.min(1, gain * (level / 255) ** gamma)),
  );
}

/**
 * Darkened by a random tone curve, tinted towards lamp light, with sensor noise. The geometry is untouched, so the copy shows
 * the same place. A sensor's noise is there before an image is made smaller, and an antialiasing kernel averages it: queries that
 * are to measure a model are turned into night as they come. Statistics may take the image at the model's size, where there is
 * less to compute and the noise is stronger than a camera's.
 */
export function toNight(image: RgbImage, random: Random): RgbImage {
  const gamma = between(random, 1.2, 3);
  const gain = between(random, 0.25, 0.8);
  const warmth = between(random, -0.1, 0.35);
  const sigma = between(random, 2, 8);
  const curves = [1 + warmth, 1, 1 - warmth].map((cast) => toneCurve(gamma, gain * cast));
  const data = new Uint8Array(image.data.length);
  for (let at = 0; at < data.length; at++) {
    const value = curves[at % 3]![image.data[at]!]! + sigma * random.normal();
    data[at] = value < 0 ? 0 : value > 255 ? 255 : value;
  }
  return { data, width: image.width, height: image.height };
}
