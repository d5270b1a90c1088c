/** @file Is there anything to see in a frame? Brightness, contrast and sharpness at the scale of recognition; pure. */
import type { RgbImage } from '../image/RgbImage.ts';

export interface ImageQuality {
  /** Mean luminance (ITU-R BT.601), 0..255. */
  readonly brightness: number;
  /** Standard deviation of the luminance, 0..127. */
  readonly contrast: number;
  /** Mean luminance step between neighbouring cells of a 160-column grid, in units of the contrast; 0 = no edges. */
  readonly sharpness: number;
}

const COLUMNS = 160;
const ROWS = 120;
/** A square is averaged over so many pixels a side, at least: enough against noise, and a large image costs no more than a small one. */
const SAMPLES = 3;

/** Mean luminance of a square of pixels, of every pixel in a small one. */
function averageCell(
  { data, width }: RgbImage,
  left: number,
  { top, size }: { readonly top: number; readonly size: number },
): number {
  const step = Math.max(1, Math.floor(size / SAMPLES));
  let [sum, count] = [0, 0];
  for (let y = top; y < top + size; y += step) {
    for (let at = (y * width + left) * 3, end = at + size * 3; at < end; at += 3 * step) {
      sum += 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
      count++;
    }
  }
  return sum / count;
}

/** Averages squares, so that noise and the number of pixels hardly matter; looks at up to 120 rows of them. */
export function computeImageQuality(image: RgbImage): ImageQuality {
  const size = Math.max(1, Math.min(image.height, Math.floor(image.width / COLUMNS)));
  const columns = Math.floor(image.width / size);
  const rows = Math.min(ROWS, Math.floor(image.height / size));
  let [sum, squares, steps] = [0, 0, 0];
  for (let row = 0; row < rows; row++) {
    const top = Math.min(image.height - size, Math.floor(((row + 0.5) * image.height) / rows));
    let before = NaN;
    for (let column = 0; column < columns; column++) {
      const value = averageCell(image, column * size, { top, size });
      sum += value;
      squares += value * value;
      if (column > 0) steps += Math.abs(value - before);
      before = value;
    }
  }
  const count = rows * columns;
  const brightness = sum / count;
  const contrast = Math.sqrt(Math.max(0, squares / count - brightness * brightness));
  return { brightness, contrast, sharpness: contrast < 1e-6 ? 0 : steps / count / contrast };
}
