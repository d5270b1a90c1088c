/** @file YUV camera encodings to RGB: ITU-R BT.601, limited range, as OpenCV and image_transport read them. */
import type { RawPixels } from './rawEncodings.ts';

// BT.601 with 16..235 luma and 16..240 chroma, in 1/65536: exact to the last bit of an 8-bit result.
const LUMA = 76309;
const RED_V = 104597;
const GREEN_U = 25675;
const GREEN_V = 53279;
const BLUE_U = 132201;

function clamp(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** Writes one pixel; `u` and `v` are centred at 128. */
function writePixel(out: Uint8Array, target: number, y: number, u: number, v: number): void {
  const scaled = LUMA * (y - 16) + 32768;
  out[target] = clamp((scaled + RED_V * v) >> 16);
  out[target + 1] = clamp((scaled - GREEN_U * u - GREEN_V * v) >> 16);
  out[target + 2] = clamp((scaled + BLUE_U * u) >> 16);
}

/** Two pixels in four bytes: Y U Y V with `luma` 0 (YUY2), U Y V Y with `luma` 1 (UYVY). */
export function convertPacked422(pixels: RawPixels, luma: 0 | 1, out: Uint8Array): void {
  const { data, width, height, step } = pixels;
  const chroma = 1 - luma;
  let target = 0;
  for (let row = 0; row < height; row++) {
    let source = row * step;
    for (let column = 0; column < width; column += 2) {
      const u = data[source + chroma]! - 128;
      const v = data[source + chroma + 2]! - 128;
      writePixel(out, target, data[source + luma]!, u, v);
      writePixel(out, target + 3, data[source + luma + 2]!, u, v);
      target += 6;
      source += 4;
    }
  }
}

/** A plane of luma followed by a plane of interleaved chroma; both have rows of `step` bytes (NV24: twice that). */
export function convertSemiPlanar(
  pixels: RawPixels,
  layout: { readonly uFirst: boolean; readonly subsampling: 1 | 2 },
  out: Uint8Array,
): void {
  const { data, width, height, step } = pixels;
  const chromaStart = height * step;
  const chromaStep = layout.subsampling === 2 ? step : 2 * step;
  const shift = layout.subsampling - 1;
  const uAt = layout.uFirst ? 0 : 1;
  for (let row = 0; row < height; row++) {
    const chromaRow = chromaStart + (row >> shift) * chromaStep;
    for (let column = 0; column < width; column++) {
      const chroma = chromaRow + (column >> shift) * 2;
      const u = data[chroma + uAt]! - 128;
      const v = data[chroma + 1 - uAt]! - 128;
      writePixel(out, (row * width + column) * 3, data[row * step + column]!, u, v);
    }
  }
}
