/** @file Which points of the town the sun reaches: depth of the first surface along parallel rays. */
import { cross, type Surface, type Vec3 } from './Mesh.ts';
import { fillConvex } from './fillConvex.ts';

const CELLS_PER_M = 5;
/** Surfaces may lie this far behind the map's and still be lit: the map is coarser than the geometry. */
const BIAS_M = 0.18;

interface Bounds3 {
  readonly min: readonly [number, number];
  readonly size: readonly [number, number];
}

function normalized(v: Vec3): Vec3 {
  const length = Math.hypot(...v);
  return [v[0] / length, v[1] / length, v[2] / length];
}

/** A billboard as a polygon that faces a horizontal direction. */
function cornersFacing(surface: Surface, side: Vec3): Float64Array {
  if (surface.kind === 'polygon') return surface.corners;
  const [x, y, z] = surface.foot;
  const w = surface.widthM * 0.4;
  const h = surface.heightM;
  const corners: number[] = [];
  for (const [across, up] of [
    [-0.6, 0],
    [0.6, 0],
    [1, 0.3],
    [1, 0.7],
    [0.6, 1],
    [-0.6, 1],
    [-1, 0.7],
    [-1, 0.3],
  ] as const) {
    corners.push(x + side[0] * w * across, y + side[1] * w * across, z + h * up);
  }
  return Float64Array.from(corners);
}

export class ShadowMap {
  readonly #toSun: Vec3;
  readonly #right: Vec3;
  readonly #up: Vec3;
  readonly #bounds: Bounds3;
  readonly #width: number;
  readonly #height: number;
  /** [height, width] distance towards the sun of the nearest surface to it. */
  readonly #depth: Float32Array;

  constructor(surfaces: readonly Surface[], toSun: Vec3, town: { centre: Vec3; radiusM: number }) {
    this.#toSun = normalized(toSun);
    this.#right = normalized(cross([0, 0, 1], this.#toSun));
    this.#up = cross(this.#toSun, this.#right);
    const [cx, cy] = [this.#along(this.#right, town.centre), this.#along(this.#up, town.centre)];
    const r = town.radiusM;
    this.#bounds = { min: [cx - r, cy - r], size: [2 * r, 2 * r] };
    this.#width = Math.ceil(2 * r * CELLS_PER_M);
    this.#height = this.#width;
    this.#depth = new Float32Array(this.#width * this.#height).fill(-1e9);
    for (const surface of surfaces) {
      if (!surface.finish.ground) this.#draw(cornersFacing(surface, this.#right));
    }
  }

  /** Share of the sun that reaches a point, 0..1, smooth over a cell. `slackM` is added for surfaces with thickness. */
  lit(x: number, y: number, z: number, slackM: number): number {
    const u = (x * this.#right[0] + y * this.#right[1] + z * this.#right[2] - this.#bounds.min[0]) * CELLS_PER_M - 0.5;
    const v = (x * this.#up[0] + y * this.#up[1] + z * this.#up[2] - this.#bounds.min[1]) * CELLS_PER_M - 0.5;
    const column = Math.floor(u);
    const row = Math.floor(v);
    if (column < 0 || row < 0 || column >= this.#width - 1 || row >= this.#height - 1) return 1;
    const depth = x * this.#toSun[0] + y * this.#toSun[1] + z * this.#toSun[2] + BIAS_M + slackM;
    const i = row * this.#width + column;
    const map = this.#depth;
    const fu = u - column;
    const fv = v - row;
    const low = (map[i]! <= depth ? 1 - fu : 0) + (map[i + 1]! <= depth ? fu : 0);
    const high = (map[i + this.#width]! <= depth ? 1 - fu : 0) + (map[i + this.#width + 1]! <= depth ? fu : 0);
    return low * (1 - fv) + high * fv;
  }

  #along(axis: Vec3, point: Vec3): number {
    return axis[0] * point[0] + axis[1] * point[1] + axis[2] * point[2];
  }

  #draw(corners: Float64Array): void {
    const n = corners.length / 3;
    const xs = new Float64Array(n);
    const ys = new Float64Array(n);
    const ds = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      const point: Vec3 = [corners[3 * i]!, corners[3 * i + 1]!, corners[3 * i + 2]!];
      xs[i] = (this.#along(this.#right, point) - this.#bounds.min[0]) * CELLS_PER_M;
      ys[i] = (this.#along(this.#up, point) - this.#bounds.min[1]) * CELLS_PER_M;
      ds[i] = this.#along(this.#toSun, point);
    }
    // depth is affine over the polygon: d = a x + b y + c
    const [x1, y1, d1] = [xs[1]! - xs[0]!, ys[1]! - ys[0]!, ds[1]! - ds[0]!];
    const [x2, y2, d2] = [xs[2]! - xs[0]!, ys[2]! - ys[0]!, ds[2]! - ds[0]!];
    const area = x1 * y2 - x2 * y1;
    if (Math.abs(area) < 1e-6) return;
    const a = (d1 * y2 - d2 * y1) / area;
    const b = (x1 * d2 - x2 * d1) / area;
    const c = ds[0]! - a * xs[0]! - b * ys[0]!;
    const map = this.#depth;
    const width = this.#width;
    fillConvex({ xs, ys, count: n, width, height: this.#height }, (row, first, last) => {
      let depth = a * (first + 0.5) + b * (row + 0.5) + c;
      for (let i = row * width + first; i <= row * width + last; i++, depth += a) {
        if (depth > map[i]!) map[i] = depth;
      }
    });
  }
}
