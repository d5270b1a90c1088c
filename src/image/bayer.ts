/** @file Bayer mosaics to RGB by bilinear interpolation. */
import type { RawPixels } from './rawEncodings.ts';

/** The colours of the top left 2 x 2 cell, row by row. */
export type BayerPattern = 'rggb' | 'bggr' | 'gbrg' | 'grbg';

/**
 * Each missing colour is the mean of its nearest samples. Beyond the border the image is mirrored at the outermost
 * sample, which keeps the parity of rows and columns and with it the colours.
 */
export function convertBayer(
  pixels: RawPixels,
  mosaic: { readonly pattern: BayerPattern; readonly bytesPerSample: 1 | 2 },
  out: Uint8Array,
): void {
  const { data, width, height, step, isBigEndian } = pixels;
  const { pattern, bytesPerSample } = mosaic;
  const high = bytesPerSample === 2 && !isBigEndian ? 1 : 0;
  for (let row = 0; row < height; row++) {
    const here = row * step + high;
    const above = (row === 0 ? 1 : row - 1) * step + high;
    const below = (row === height - 1 ? height - 2 : row + 1) * step + high;
    for (let column = 0; column < width; column++) {
      const centre = column * bytesPerSample;
      const left = (column === 0 ? 1 : column - 1) * bytesPerSample;
      const right = (column === width - 1 ? width - 2 : column + 1) * bytesPerSample;
      const target = (row * width + column) * 3;
      const own = data[here + centre]!;
      const horizontal = (data[here + left]! + data[here + right]! + 1) >> 1;
      const vertical = (data[above + centre]! + data[below + centre]! + 1) >> 1;
      const cell = (row & 1) * 2 + (column & 1);
      if (pattern[cell] === 'g') {
        // The other colour of this row lies left and right, the third one above and below.
        const redInRow = pattern[cell ^ 1] === 'r';
        out[target] = redInRow ? horizontal : vertical;
        out[target + 1] = own;
        out[target + 2] = redInRow ? vertical : horizontal;
      } else {
        const diagonal =
          (data[above + left]! + data[above + right]! + data[below + left]! + data[below + right]! + 2) >> 2;
        const isRed = pattern[cell] === 'r';
        out[target] = isRed ? own : diagonal;
        out[target + 1] =
          (data[here + left]! + data[here + right]! + data[above + centre]! + data[below + centre]! + 2) >> 2;
        out[target + 2] = isRed ? diagonal : own;
      }
    }
  }
}
