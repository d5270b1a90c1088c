/**
 * @file First half of a picture: which surface is seen at each of four samples of every pixel. Colours come later, once
 * a pixel and surface (Burns and Hunt, "The Visibility Buffer", 2013).
 */
import type { CameraModel, View } from './Camera.ts';
import { fillConvex } from './fillConvex.ts';
import type { Surface } from './Mesh.ts';
import type { Sphere } from './surfaceBounds.ts';
import type { Texture, TextureCache } from './Texture.ts';

export const SAMPLES = 4;
/** Horizontal positions of a pixel's samples, one a quarter row: rooks that do not see each other. */
const SAMPLE_X = Float64Array.of(0.375, 0.875, 0.125, 0.625);
const NEAR_M = 0.12;
/** Nothing further away is drawn. */
const FAR_M = 420;
/** Coefficients a surface: 1/z, u/z and v/z as a + b x + c y over the image. */
export const COEFFICIENTS = 9;

/** The image coordinates of sample `quarter` of a pixel. */
export function sampleOffset(quarter: number): readonly [number, number] {
  return [SAMPLE_X[quarter]! - 0.5, (quarter + 0.5) / SAMPLES - 0.5];
}

interface Workspace {
  /** Corners in camera axes: depth, right, down. */
  depth: Float64Array;
  right: Float64Array;
  down: Float64Array;
}

function createWorkspace(): Workspace {
  return { depth: new Float64Array(24), right: new Float64Array(24), down: new Float64Array(24) };
}

export class VisibilityBuffer {
  readonly camera: CameraModel;
  /** [height * SAMPLES, width] slot seen at each sample plus 1; 0 is the sky. */
  readonly seen: Int32Array;
  /** [slots] index of the surface. */
  surfaceOf = new Int32Array(1024);
  /** [slots, COEFFICIENTS] */
  coefficients = new Float64Array(1024 * COEFFICIENTS);
  slots = 0;

  readonly #inverseDepth: Float32Array;
  readonly #textures: TextureCache;
  #corners = createWorkspace();
  #clipped = createWorkspace();
  readonly #xs = new Float64Array(24);
  readonly #ys = new Float64Array(24);

  constructor(camera: CameraModel, textures: TextureCache) {
    this.camera = camera;
    this.seen = new Int32Array(camera.width * camera.height * SAMPLES);
    this.#inverseDepth = new Float32Array(this.seen.length);
    this.#textures = textures;
  }

  draw(view: View, surfaces: readonly Surface[], bounds: readonly Sphere[]): void {
    this.seen.fill(0);
    this.#inverseDepth.fill(1 / FAR_M);
    this.slots = 0;
    const { camera, position: p, forward: f, right: r, down: d } = view;
    const slopeX = (camera.width / 2 + 1) / camera.focalPx;
    const slopeY = (camera.height / 2 + 1) / camera.focalPx;
    const normX = Math.hypot(1, slopeX);
    const normY = Math.hypot(1, slopeY);
    for (let i = 0; i < surfaces.length; i++) {
      const { x, y, z, radius } = bounds[i]!;
      const [dx, dy, dz] = [x - p[0], y - p[1], z - p[2]];
      const depth = dx * f[0] + dy * f[1] + dz * f[2];
      if (depth < -radius || depth > FAR_M + radius) continue;
      const across = Math.abs(dx * r[0] + dy * r[1] + dz * r[2]);
      if (across - depth * slopeX > radius * normX) continue;
      const along = Math.abs(dx * d[0] + dy * d[1] + dz * d[2]);
      if (along - depth * slopeY > radius * normY) continue;
      // less than a tenth of a pixel: leave it out
      if (radius * camera.focalPx < 0.1 * depth) continue;
      this.#drawSurface(view, surfaces[i]!, i);
    }
  }

  #drawSurface(view: View, surface: Surface, index: number): void {
    this.#reserve();
    const ready = surface.kind === 'polygon' ? this.#setPolygon(view, surface) : this.#setBillboard(view, surface);
    if (ready === 0) return;
    const count = this.#clipToNear(ready);
    if (count < 3) return;
    const { focalPx, centreX, centreY, width, height } = this.camera;
    const { depth, right, down } = this.#clipped;
    for (let i = 0; i < count; i++) {
      this.#xs[i] = centreX + (focalPx * right[i]!) / depth[i]! + 0.5;
      this.#ys[i] = (centreY + (focalPx * down[i]!) / depth[i]! + 0.5) * SAMPLES;
    }
    const slot = this.slots++;
    this.surfaceOf[slot] = index;
    const outline = { xs: this.#xs, ys: this.#ys, count, width, height: height * SAMPLES };
    const texture = surface.finish.cutout ? this.#textures.get(surface.finish.texture) : null;
    if (texture === null) this.#fillOpaque(outline, slot);
    else this.#fillCutout(outline, slot, texture);
  }

  #fillOpaque(outline: Parameters<typeof fillConvex>[0], slot: number): void {
    const { seen, coefficients: k } = this;
    const depth = this.#inverseDepth;
    const { width } = this.camera;
    const c = slot * COEFFICIENTS;
    const dx = k[c + 1]!;
    fillConvex(
      outline,
      (row, first, last) => {
        const x = first + SAMPLE_X[row & 3]! - 0.5;
        let inverse = k[c]! + dx * x + k[c + 2]! * ((row + 0.5) / SAMPLES - 0.5);
        const end = row * width + last;
        for (let i = row * width + first; i <= end; i++, inverse += dx) {
          if (inverse > depth[i]!) {
            depth[i] = inverse;
            seen[i] = slot + 1;
          }
        }
      },
      SAMPLE_X,
    );
  }

  /** As opaque, but only where the texture at a fitting level covers more than half. */
  #fillCutout(outline: Parameters<typeof fillConvex>[0], slot: number, texture: Texture): void {
    const { seen, coefficients: k } = this;
    const depth = this.#inverseDepth;
    const { width } = this.camera;
    const c = slot * COEFFICIENTS;
    fillConvex(
      outline,
      (row, first, last) => {
        const y = (row + 0.5) / SAMPLES - 0.5;
        for (let column = first; column <= last; column++) {
          const x = column + SAMPLE_X[row & 3]! - 0.5;
          const inverse = k[c]! + k[c + 1]! * x + k[c + 2]! * y;
          const i = row * width + column;
          if (inverse <= depth[i]!) continue;
          const z = 1 / inverse;
          const u = (k[c + 3]! + k[c + 4]! * x + k[c + 5]! * y) * z;
          const v = (k[c + 6]! + k[c + 7]! * x + k[c + 8]! * y) * z;
          const texelsPerPixel = Math.abs(k[c + 8]! - v * k[c + 2]!) * z;
          if (!covers(texture, u, v, texelsPerPixel / 2)) continue;
          depth[i] = inverse;
          seen[i] = slot + 1;
        }
      },
      SAMPLE_X,
    );
  }

  #reserve(): void {
    if (this.slots < this.surfaceOf.length) return;
    const surfaceOf = new Int32Array(this.surfaceOf.length * 2);
    surfaceOf.set(this.surfaceOf);
    this.surfaceOf = surfaceOf;
    const coefficients = new Float64Array(this.coefficients.length * 2);
    coefficients.set(this.coefficients);
    this.coefficients = coefficients;
  }

  /** Fills the slot's coefficients and the corners; 0 when the polygon shows its back. */
  #setPolygon(
    { camera, position: p, forward: f, right: r, down: d }: View,
    surface: Surface & { kind: 'polygon' },
  ): number {
    const { normal: n, mapping: m, corners } = surface;
    const height = surface.distance - (n[0] * p[0] + n[1] * p[1] + n[2] * p[2]);
    if (height > -1e-4) return 0;
    const along = (a: number, b: number, e: number, axis: readonly [number, number, number]): number =>
      a * axis[0] + b * axis[1] + e * axis[2];
    const u0 = along(m[0]!, m[1]!, m[2]!, p) + m[3]!;
    const v0 = along(m[4]!, m[5]!, m[6]!, p) + m[7]!;
    const perPixel = 1 / camera.focalPx;
    const ix = (along(n[0], n[1], n[2], r) / height) * perPixel;
    const iy = (along(n[0], n[1], n[2], d) / height) * perPixel;
    const i0 = along(n[0], n[1], n[2], f) / height - ix * camera.centreX - iy * camera.centreY;
    const k = this.coefficients;
    const c = this.slots * COEFFICIENTS;
    k[c] = i0;
    k[c + 1] = ix;
    k[c + 2] = iy;
    for (let t = 0; t < 2; t++) {
      const [a, b, e] = [m[4 * t]!, m[4 * t + 1]!, m[4 * t + 2]!];
      const base = t === 0 ? u0 : v0;
      const sx = along(a, b, e, r) * perPixel;
      const sy = along(a, b, e, d) * perPixel;
      k[c + 3 + 3 * t] = base * i0 + along(a, b, e, f) - sx * camera.centreX - sy * camera.centreY;
      k[c + 4 + 3 * t] = base * ix + sx;
      k[c + 5 + 3 * t] = base * iy + sy;
    }
    const count = corners.length / 3;
    const work = this.#corners;
    for (let i = 0; i < count; i++) {
      const [x, y, z] = [corners[3 * i]! - p[0], corners[3 * i + 1]! - p[1], corners[3 * i + 2]! - p[2]];
      work.depth[i] = x * f[0] + y * f[1] + z * f[2];
      work.right[i] = x * r[0] + y * r[1] + z * r[2];
      work.down[i] = x * d[0] + y * d[1] + z * d[2];
    }
    return count;
  }

  /** A billboard stands upright at one depth, turned to the image plane. */
  #setBillboard(
    { camera, position: p, forward: f, right: r, down: d }: View,
    surface: Surface & { kind: 'billboard' },
  ): number {
    const { foot, widthM, heightM, finish } = surface;
    const [x, y, z] = [foot[0] - p[0], foot[1] - p[1], foot[2] - p[2]];
    const depth = x * f[0] + y * f[1] + z * f[2];
    if (depth < 0.6) return 0;
    const centre = x * r[0] + y * r[1] + z * r[2];
    const bottom = x * d[0] + y * d[1] + z * d[2];
    const work = this.#corners;
    const [left, right, top] = [centre - widthM / 2, centre + widthM / 2, bottom - heightM];
    work.depth.fill(depth, 0, 4);
    work.right.set([left, right, right, left]);
    work.down.set([bottom, bottom, top, top]);
    const k = this.coefficients;
    const c = this.slots * COEFFICIENTS;
    const uPerM = finish.texture.width / widthM;
    const vPerM = finish.texture.height / heightM;
    k[c] = 1 / depth;
    k[c + 1] = 0;
    k[c + 2] = 0;
    // u = ((x - centreX) / focal * depth - left) * uPerM, and the table holds u / depth
    k[c + 4] = uPerM / camera.focalPx;
    k[c + 3] = (-left / depth) * uPerM - k[c + 4]! * camera.centreX;
    k[c + 5] = 0;
    k[c + 7] = 0;
    k[c + 8] = vPerM / camera.focalPx;
    k[c + 6] = (-top / depth) * vPerM - k[c + 8]! * camera.centreY;
    return 4;
  }

  /** Cuts the corners at the near plane (Sutherland and Hodgman); the result is in `#clipped`. */
  #clipToNear(count: number): number {
    const from = this.#corners;
    const to = this.#clipped;
    let out = 0;
    for (let i = 0; i < count; i++) {
      const j = i + 1 === count ? 0 : i + 1;
      const a = from.depth[i]!;
      const b = from.depth[j]!;
      if (a >= NEAR_M) {
        to.depth[out] = a;
        to.right[out] = from.right[i]!;
        to.down[out++] = from.down[i]!;
      }
      if (a >= NEAR_M !== b >= NEAR_M) {
        const t = (NEAR_M - a) / (b - a);
        to.depth[out] = NEAR_M;
        to.right[out] = from.right[i]! + (from.right[j]! - from.right[i]!) * t;
        to.down[out++] = from.down[i]! + (from.down[j]! - from.down[i]!) * t;
      }
    }
    return out;
  }
}

/** Whether a cut-out texture covers a point, at the level whose texels are about `texels` wide. */
function covers(texture: Texture, u: number, v: number, texels: number): boolean {
  let level = 0;
  for (let size = texels; size > 1 && level < texture.levels.length - 1; size /= 2) level++;
  const { width, height, data } = texture.levels[level]!;
  const finest = texture.levels[0]!;
  let column = Math.floor((u * width) / finest.width);
  const row = Math.floor((v * height) / finest.height);
  if (texture.repeat) column = ((column % width) + width) % width;
  if (column < 0 || row < 0 || column >= width || row >= height) return false;
  return data[(row * width + column) * 4 + 3]! > 110;
}
