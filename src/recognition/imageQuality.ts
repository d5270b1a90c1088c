/** @file Is there anything to see in a frame? Brightness, contrast and sharpness of a few rows; pure. */
import type { RgbImage } from '../image/RgbImage.ts';

export interface ImageQuality {
  /** Mean luminance (ITU-R BT.601), 0..255. */
  readonly brightness: number;
  /** Standard deviation of the luminance, 0..127. */
  readonly contrast: number;
  /** Contrast of neighbouring pixels against that of the whole: mean |dL/dx| / contrast * width / 100; 0 = no edges. */
  readonly sharpness: number;
}

const ROWS = 120;

function luminance(data: Uint8Array, at: number): number {
  return 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
}

/** Looks at up to 120 whole rows: neighbours must be real neighbours for the sharpness. */
export function computeImageQuality({ data, width, height }: RgbImage): ImageQuality {
  const rows = Math.min(ROWS, height);
  let [sum, squares, steps] = [0, 0, 0];
  for (let i = 0; i < rows; i++) {
    const start = Math.floor(((i + 0.5) * height) / rows) * width * 3;
    let before = luminance(data, start);
    for (let x = 0; x < width; x++) {
      const value = luminance(data, start + x * 3);
      sum += value;
      squares += value * value;
      steps += Math.abs(value - before);
      before = value;
    }
  }
  const count = rows * width;
  const brightness = sum / count;
  const contrast = Math.sqrt(Math.max(0, squares / count - brightness * brightness));
  const sharpness = contrast < 1e-6 ? 0 : ((steps / count / contrast) * width) / 100;
  return { brightness, contrast, sharpness };
}
