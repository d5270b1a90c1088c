/** @file The dense feature map of an image as it is stored and matched: unit vectors on a grid, int8. */

/** int8 quantisation of unit vectors: value = round(127 x component). Matching loses nothing measurable by it. */
export interface LocalGrid {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
  /** [rows * columns, channels] row-major. */
  readonly vectors: Int8Array;
}

/** Full scale of the quantisation. */
export const GRID_SCALE = 127;

/** Dense local features of several images, as a descriptor model gives them. */
export interface LocalFeatureBatch {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
  /** [n, rows * columns, channels] row-major, unit L2 per location. */
  readonly data: Float32Array;
}

/** Quantises one image of a batch. Values that are not finite become 0: such a location matches nothing. */
export function quantizeGrid(batch: LocalFeatureBatch, image = 0): LocalGrid {
  const { rows, columns, channels, data } = batch;
  const length = rows * columns * channels;
  const vectors = new Int8Array(length);
  for (let at = 0, from = image * length; at < length; at++, from++) {
    const value = Math.round(GRID_SCALE * data[from]!);
    vectors[at] = value > GRID_SCALE ? GRID_SCALE : value < -GRID_SCALE ? -GRID_SCALE : value;
  }
  return { rows, columns, channels, vectors };
}
