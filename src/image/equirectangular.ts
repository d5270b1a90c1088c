/** @file Perspective views out of equirectangular panoramas: 360 x 180 degrees, longitude along the width, the zenith at the top. */
import type { RgbImage } from './RgbImage.ts';
import { resizeImage } from './resizeImage.ts';

/** A pinhole camera in the middle of a panorama. */
export interface PerspectiveView {
  readonly width: number;
  readonly height: number;
  /** Horizontal field of view. */
  readonly fovRad: number;
  /** Up from the horizon. */
  readonly pitchRad: number;
}

/** Focal length in pixels. */
function focalLength({ width, fovRad }: PerspectiveView): number {
  return width / 2 / Math.tan(fovRad / 2);
}

/**
 * Where a view's pixels lie in a panorama of the given size when it looks at the middle column: x and y of pixel centres, which
 * are whole numbers; [height * width, 2] row-major. Another heading shifts x alone.
 */
export function computeViewGrid(view: PerspectiveView, panorama: { width: number; height: number }): Float32Array {
  const { width, height, pitchRad } = view;
  const focal = focalLength(view);
  const [sin, cos] = [Math.sin(pitchRad), Math.cos(pitchRad)];
  const grid = new Float32Array(width * height * 2);
  for (let row = 0, at = 0; row < height; row++) {
    const up = (height / 2 - (row + 0.5)) / focal;
    const forward = cos - up * sin;
    const above = sin + up * cos;
    for (let column = 0; column < width; column++, at += 2) {
      const right = (column + 0.5 - width / 2) / focal;
      const longitude = Math.atan2(right, forward);
      const latitude = Math.atan2(above, Math.hypot(right, forward));
      grid[at] = (longitude / (2 * Math.PI) + 0.5) * panorama.width - 0.5;
      grid[at + 1] = (0.5 - latitude / Math.PI) * panorama.height - 0.5;
    }
  }
  return grid;
}

/** Bilinear; the left and the right edge of a panorama meet, beyond the poles the last row goes on. */
function sampleGrid(panorama: RgbImage, grid: Float32Array, shift: number): Uint8Array {
  const { width, height, data } = panorama;
  const out = new Uint8Array((grid.length / 2) * 3);
  for (let at = 0, to = 0; at < grid.length; at += 2, to += 3) {
    const x = grid[at]! + shift;
    const y = Math.min(Math.max(grid[at + 1]!, 0), height - 1);
    const [column, row] = [Math.floor(x), Math.floor(y)];
    const [fx, fy] = [x - column, y - row];
    const left = ((column % width) + width) % width;
    const right = left + 1 === width ? 0 : left + 1;
    const [above, below] = [row * width, Math.min(row + 1, height - 1) * width];
    for (let c = 0; c < 3; c++) {
      const top = data[(above + left) * 3 + c]! * (1 - fx) + data[(above + right) * 3 + c]! * fx;
      const bottom = data[(below + left) * 3 + c]! * (1 - fx) + data[(below + right) * 3 + c]! * fx;
      out[to + c] = top * (1 - fy) + bottom * fy + 0.5;
    }
  }
  return out;
}

/** Bilinear sampling reads two pixels across: a panorama denser than that would alias and is reduced first. */
async function reduceToView(panorama: RgbImage, view: PerspectiveView): Promise<RgbImage> {
  const width = Math.ceil(2 * 2 * Math.PI * focalLength(view));
  if (panorama.width <= width) return panorama;
  const height = Math.max(1, Math.round((panorama.height * width) / panorama.width));
  return resizeImage(panorama, { width, height, resize: 'stretch', kernel: 'linear' });
}

/** The views of a panorama at headings in radians, clockwise from its middle column. */
export async function cutPerspectives(
  panorama: RgbImage,
  view: PerspectiveView,
  headingsRad: readonly number[],
): Promise<readonly RgbImage[]> {
  const reduced = await reduceToView(panorama, view);
  const grid = computeViewGrid(view, reduced);
  return headingsRad.map((heading) => ({
    data: sampleGrid(reduced, grid, (heading / (2 * Math.PI)) * reduced.width),
    width: view.width,
    height: view.height,
  }));
}
