/** @file Reads a texture as the eye would see it: averaged over the footprint of a pixel (trilinear, anisotropic). */
import type { Texture, TextureLevel } from './Texture.ts';

const MAX_TAPS = 5;
/** Between two levels only the nearer one is read where it has at least this share. */
const SHARE_OF_ONE = 0.8;

/** Texel position at level 0 and how far it moves from pixel to pixel. */
export interface Footprint {
  u: number;
  v: number;
  ux: number;
  vx: number;
  uy: number;
  vy: number;
  /** How many readings along the longer side; set by `sampleTexture`. */
  taps: number;
  /** Share of the level that is being read; set by `sampleTexture`. */
  weight: number;
  /** The result: colour and fourth channel, 0..255. */
  readonly colour: Float32Array;
}

/** Fills the footprint's `colour` with the texture's average over it. */
export function sampleTexture(texture: Texture, footprint: Footprint): void {
  const { levels } = texture;
  const out = footprint.colour;
  out[0] = 0;
  out[1] = 0;
  out[2] = 0;
  out[3] = 0;
  const { ux, vx, uy, vy } = footprint;
  const lengthX = Math.sqrt(ux * ux + vx * vx);
  const lengthY = Math.sqrt(uy * uy + vy * vy);
  const major = Math.max(lengthX, lengthY);
  const minor = Math.max(1, Math.min(lengthX, lengthY));
  const taps = major > minor ? Math.min(MAX_TAPS, Math.round(major / minor)) : 1;
  footprint.taps = taps;
  const lod = major > taps ? Math.log2(major / taps) : 0;
  const last = levels.length - 1;
  const fine = Math.min(last, Math.floor(lod));
  const blend = fine === last ? 0 : lod - fine;
  if (blend < SHARE_OF_ONE) {
    footprint.weight = blend > 1 - SHARE_OF_ONE ? 1 - blend : 1;
    addLevel(texture, fine, footprint);
  }
  if (blend > 1 - SHARE_OF_ONE) {
    footprint.weight = blend < SHARE_OF_ONE ? blend : 1;
    addLevel(texture, fine + 1, footprint);
  }
}

/** Adds `weight` times the bilinear average of one level. */
function addLevel(texture: Texture, which: number, footprint: Footprint): void {
  const finest = texture.levels[0]!;
  const level: TextureLevel = texture.levels[which]!;
  const { width, height, data } = level;
  const { u, v, ux, vx, uy, vy, taps, weight, colour: out } = footprint;
  const scaleU = width / finest.width;
  const scaleV = height / finest.height;
  const alongX = ux * ux + vx * vx > uy * uy + vy * vy;
  const stepU = ((alongX ? ux : uy) * scaleU) / taps;
  const stepV = ((alongX ? vx : vy) * scaleV) / taps;
  let x = u * scaleU - 0.5 - stepU * (taps - 1) * 0.5;
  let y = v * scaleV - 0.5 - stepV * (taps - 1) * 0.5;
  let [red, green, blue, fourth] = [0, 0, 0, 0];
  for (let tap = 0; tap < taps; tap++, x += stepU, y += stepV) {
    let x0 = Math.floor(x);
    let y0 = Math.floor(y);
    const fx = x - x0;
    const fy = y - y0;
    let x1 = x0 + 1;
    let y1 = y0 + 1;
    if (texture.repeat) {
      // sides are powers of two
      x0 &= width - 1;
      x1 &= width - 1;
      y0 &= height - 1;
      y1 &= height - 1;
    } else {
      x0 = x0 < 0 ? 0 : x0 >= width ? width - 1 : x0;
      x1 = x1 < 0 ? 0 : x1 >= width ? width - 1 : x1;
      y0 = y0 < 0 ? 0 : y0 >= height ? height - 1 : y0;
      y1 = y1 < 0 ? 0 : y1 >= height ? height - 1 : y1;
    }
    const a = (y0 * width + x0) << 2;
    const b = (y0 * width + x1) << 2;
    const c = (y1 * width + x0) << 2;
    const d = (y1 * width + x1) << 2;
    const wd = fx * fy;
    const wb = fx - wd;
    const wc = fy - wd;
    const wa = 1 - wb - wc - wd;
    red += data[a]! * wa + data[b]! * wb + data[c]! * wc + data[d]! * wd;
    green += data[a + 1]! * wa + data[b + 1]! * wb + data[c + 1]! * wc + data[d + 1]! * wd;
    blue += data[a + 2]! * wa + data[b + 2]! * wb + data[c + 2]! * wc + data[d + 2]! * wd;
    fourth += data[a + 3]! * wa + data[b + 3]! * wb + data[c + 3]! * wc + data[d + 3]! * wd;
  }
  const share = weight / taps;
  out[0] = out[0]! + red * share;
  out[1] = out[1]! + green * share;
  out[2] = out[2]! + blue * share;
  out[3] = out[3]! + fourth * share;
}
