/** @file Grids whose truth is known: smooth random textures looked at through windows, so that shifts and scales are exact. */
import { createRandom } from '../../src/math/random.ts';
import { quantizeGrid, type LocalGrid } from '../../src/verification/LocalGrid.ts';

export const ROWS = 15;
export const COLUMNS = 20;
export const CHANNELS = 48;
/** Side of the texture in nodes, and the margin around the window in cells. */
const SIDE = 64;
const MARGIN = 20;
/** Cells between the nodes of the texture: neighbouring cells resemble each other, as those of a network do. */
const SPACING = 1.5;

/** A scene: CHANNELS random values at each node of a lattice, interpolated between. */
export interface Scene {
  at(channel: number, x: number, y: number): number;
}

export function createScene(seed: number): Scene {
  const random = createRandom(seed);
  const values = Float32Array.from({ length: CHANNELS * SIDE * SIDE }, () => random.normal());
  const node = (channel: number, x: number, y: number): number =>
    values[(channel * SIDE + (((y % SIDE) + SIDE) % SIDE)) * SIDE + (((x % SIDE) + SIDE) % SIDE)]!;
  return {
    at(channel, x, y) {
      const [left, top] = [Math.floor(x / SPACING), Math.floor(y / SPACING)];
      const [fx, fy] = [x / SPACING - left, y / SPACING - top];
      const upper = node(channel, left, top) * (1 - fx) + node(channel, left + 1, top) * fx;
      const lower = node(channel, left, top + 1) * (1 - fx) + node(channel, left + 1, top + 1) * fx;
      return upper * (1 - fy) + lower * fy;
    },
  };
}

export interface View {
  /** Cells of the scene that the window is moved by, and scene cells a grid cell. */
  readonly dx?: number;
  readonly dy?: number;
  readonly zoom?: number;
  /** Standard deviation of noise, relative to the signal; a seed of its own. */
  readonly noise?: number;
  readonly seed?: number;
}

/** Looks at a scene through a window; cells are unit vectors, quantised. */
export function lookAt(scene: Scene, view: View = {}): LocalGrid {
  const { dx = 0, dy = 0, zoom = 1, noise = 0, seed = 99 } = view;
  const random = createRandom(seed);
  const data = new Float32Array(ROWS * COLUMNS * CHANNELS);
  for (let cell = 0; cell < ROWS * COLUMNS; cell++) {
    const x = MARGIN + dx + zoom * (cell % COLUMNS);
    const y = MARGIN + dy + zoom * Math.floor(cell / COLUMNS);
    const vector = Array.from({ length: CHANNELS }, (_, c) => scene.at(c, x, y) + noise * random.normal());
    const norm = Math.hypot(...vector);
    vector.forEach((value, c) => {
      data[cell * CHANNELS + c] = value / norm;
    });
  }
  return quantizeGrid({ rows: ROWS, columns: COLUMNS, channels: CHANNELS, data });
}

/** The same cells in another order: `source[i]` is the cell that comes to place i. */
export function rearrange(grid: LocalGrid, source: (cell: number) => number): LocalGrid {
  const { channels } = grid;
  const vectors = new Int8Array(grid.vectors.length);
  for (let cell = 0; cell < grid.rows * grid.columns; cell++) {
    const from = source(cell) * channels;
    vectors.set(grid.vectors.subarray(from, from + channels), cell * channels);
  }
  return { ...grid, vectors };
}
