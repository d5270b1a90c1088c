/** @file The dense feature map of an image as it is stored and matched: unit vectors on a grid, int8. */

/** Unit vectors as round(127 x component): a quarter of the bytes, and matching loses nothing measurable. */
export interface LocalGrid {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
  /** [rows * columns, channels] row-major. */
  readonly vectors: Int8Array;
}

/** Full scale of the quantisation. */
export const GRID_SCALE = 127;

/** The dense maps that NetVLAD pools, of one or more images, as a descriptor model gives them. */
export interface LocalFeatures {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
  /** [n, rows * columns, channels] row-major, unit L2 per location. */
  readonly data: Float32Array;
}

/** Quantises the features of one of the images. NaN becomes 0: a location of zeros matches nothing. */
export function quantizeGrid(features: LocalFeatures, image = 0): LocalGrid {
  const { rows, columns, channels, data } = features;
  const length = rows * columns * channels;
  const vectors = new Int8Array(length);
  for (let at = 0, from = image * length; at < length; at++, from++) {
    const value = Math.round(GRID_SCALE * data[from]!);
    vectors[at] = value > GRID_SCALE ? GRID_SCALE : value < -GRID_SCALE ? -GRID_SCALE : value;
  }
  return { rows, columns, channels, vectors };
}
