/** @file Second half of a picture: the light that a surface sends to a pixel. */
import type { View } from './Camera.ts';
import type { Finish } from './Mesh.ts';
import { sampleTexture, type Footprint } from './textureSampling.ts';
import type { Texture, TextureCache } from './Texture.ts';
import type { TownScene } from './TownScene.ts';
import { COEFFICIENTS, type VisibilityBuffer } from './VisibilityBuffer.ts';

const LAMP_LIGHT = [11, 6.2, 2.1] as const;
const HEADLIGHT = [1, 0.95, 0.84] as const;

/** sRGB level (0..255 in quarter steps) to linear light. */
const LINEAR = Float32Array.from({ length: 1024 }, (_unused, i) => {
  const level = Math.min(255, i / 4) / 255;
  return level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4;
});

export class PixelShader {
  /** Result of `shade`: linear light. */
  readonly light = new Float32Array(3);
  readonly #scene: TownScene;
  readonly #textures: TextureCache;
  readonly #texel = new Float32Array(4);
  readonly #footprint: Footprint = {
    ...{ u: 0, v: 0, ux: 0, vx: 0, uy: 0, vy: 0, taps: 1, weight: 1 },
    colour: this.#texel,
  };
  readonly #falling = new Float32Array(3);
  /** Image position and depth of the point being shaded. */
  readonly #at = new Float64Array(3);
  #lastFinish: Finish | null = null;
  #lastTexture: Texture | null = null;

  constructor(scene: TownScene, textures: TextureCache) {
    this.#scene = scene;
    this.#textures = textures;
  }

  shadeSky(view: View, x: number, y: number): void {
    const { camera, forward: f, right: r, down: d } = view;
    const sx = (x - camera.centreX) / camera.focalPx;
    const sy = (y - camera.centreY) / camera.focalPx;
    const up = f[2] + sx * r[2] + sy * d[2];
    this.#scene.sky.sample(f[0] + sx * r[0] + sy * d[0], f[1] + sx * r[1] + sy * d[1], up, this.light);
  }

  /** Light of the surface in a slot at an image position that it covers; the result is in `light`. */
  shade(view: View, buffer: VisibilityBuffer, slot: number, x: number, y: number): void {
    const k = buffer.coefficients;
    const c = slot * COEFFICIENTS;
    const z = 1 / (k[c]! + k[c + 1]! * x + k[c + 2]! * y);
    const index = buffer.surfaceOf[slot]!;
    const { finish } = this.#scene.surfaces[index]!;
    const at = this.#at;
    at[0] = x;
    at[1] = y;
    at[2] = z;
    this.#readTexture(k, c, finish);
    const { camera, position: p, forward: f, right: r, down: d } = view;
    const sx = (x - camera.centreX) / camera.focalPx;
    const sy = (y - camera.centreY) / camera.focalPx;
    const px = p[0] + z * (f[0] + sx * r[0] + sy * d[0]);
    const py = p[1] + z * (f[1] + sx * r[1] + sy * d[1]);
    const pz = p[2] + z * (f[2] + sx * r[2] + sy * d[2]);
    this.#gatherLight(index, px, py, pz);
    if (this.#scene.condition.headlight > 0) this.#addHeadlight(index, view);
    const texel = this.#texel;
    const { condition } = this.#scene;
    const glow = finish.cutout ? 0 : (texel[3]! / 255) * finish.emission * condition.emission;
    const steady = finish.emission > 1 ? finish.emission : 0; // lamps shine whatever their texture
    const haze = Math.exp(-condition.hazePerM * z);
    const falling = this.#falling;
    const { tint } = finish;
    const { horizon } = condition;
    const { light } = this;
    const extra = glow + steady;
    const veil = 1 - haze;
    light[0] = horizon[0] * veil + LINEAR[(texel[0]! * 4) | 0]! * tint[0] * (falling[0]! + extra) * haze;
    light[1] = horizon[1] * veil + LINEAR[(texel[1]! * 4) | 0]! * tint[1] * (falling[1]! + extra) * haze;
    light[2] = horizon[2] * veil + LINEAR[(texel[2]! * 4) | 0]! * tint[2] * (falling[2]! + extra) * haze;
  }

  #readTexture(k: Float64Array, c: number, finish: Finish): void {
    const x = this.#at[0]!;
    const y = this.#at[1]!;
    const z = this.#at[2]!;
    const u = (k[c + 3]! + k[c + 4]! * x + k[c + 5]! * y) * z;
    const v = (k[c + 6]! + k[c + 7]! * x + k[c + 8]! * y) * z;
    const footprint = this.#footprint;
    footprint.u = u;
    footprint.v = v;
    footprint.ux = (k[c + 4]! - u * k[c + 1]!) * z;
    footprint.uy = (k[c + 5]! - u * k[c + 2]!) * z;
    footprint.vx = (k[c + 7]! - v * k[c + 1]!) * z;
    footprint.vy = (k[c + 8]! - v * k[c + 2]!) * z;
    sampleTexture(this.#textureOf(finish), footprint);
  }

  /** Neighbouring pixels mostly see the same surface, so the last answer is kept at hand. */
  #textureOf(finish: Finish): Texture {
    if (this.#lastFinish !== finish || this.#lastTexture === null) {
      this.#lastFinish = finish;
      this.#lastTexture = this.#textures.get(finish.texture);
    }
    return this.#lastTexture;
  }

  /** Sky, ground, sun and street lamps at a point; the result is in `#falling`. */
  #gatherLight(index: number, x: number, y: number, z: number): void {
    const scene = this.#scene;
    const { ambient, lampsOf, lampsPerSurface, condition } = scene;
    const surface = scene.surfaces[index]!;
    // the foot of a wall sees less of the sky
    const open = surface.finish.ground ? 1 : 0.72 + 0.28 * Math.min(1, z / 3);
    let red = ambient[3 * index]! * open;
    let green = ambient[3 * index + 1]! * open;
    let blue = ambient[3 * index + 2]! * open;
    const cosine = scene.sunCosine[index]!;
    if (cosine > 0 && scene.shadows !== null) {
      const slack = surface.kind === 'billboard' ? 1.6 : 0.32 * Math.min(4, Math.sqrt(1 - cosine * cosine) / cosine);
      const sun = cosine * scene.shadows.lit(x, y, z, slack);
      red += condition.sun[0] * sun;
      green += condition.sun[1] * sun;
      blue += condition.sun[2] * sun;
    }
    for (let i = index * lampsPerSurface; i < (index + 1) * lampsPerSurface; i++) {
      const which = lampsOf[i]!;
      if (which < 0) break;
      const lamp = scene.lamps[which]!;
      const dx = lamp[0] - x;
      const dy = lamp[1] - y;
      const dz = lamp[2] - z;
      const square = dx * dx + dy * dy + dz * dz + 0.3;
      const distance = Math.sqrt(square);
      const facing =
        surface.kind === 'polygon'
          ? (surface.normal[0] * dx + surface.normal[1] * dy + surface.normal[2] * dz) / distance
          : 0.5;
      if (facing <= 0) continue;
      const downward = 0.16 + 0.84 * Math.max(0, dz / distance);
      const strength = (facing * downward) / square;
      red += LAMP_LIGHT[0] * strength;
      green += LAMP_LIGHT[1] * strength;
      blue += LAMP_LIGHT[2] * strength;
    }
    this.#falling[0] = red;
    this.#falling[1] = green;
    this.#falling[2] = blue;
  }

  /** The car's own beams: a cone that is cut off just above the horizon. */
  #addHeadlight(index: number, view: View): void {
    const { camera } = view;
    const sx = (this.#at[0]! - camera.centreX) / camera.focalPx;
    const sy = (this.#at[1]! - camera.centreY) / camera.focalPx;
    const z = this.#at[2]!;
    const { condition, surfaces } = this.#scene;
    const surface = surfaces[index]!;
    const side = Math.exp(-(sx * sx) / 0.16);
    const cut = sy > 0.01 ? 1 : sy > -0.06 ? 0.08 + (0.92 * (sy + 0.06)) / 0.07 : 0.08;
    let facing = 0.8;
    if (surface.kind === 'polygon') {
      const { normal: n } = surface;
      facing = Math.abs(n[0] * view.forward[0] + n[1] * view.forward[1] + n[2] * view.forward[2]) + 0.18;
    }
    const strength = (condition.headlight * side * cut * facing * 9) / (18 + z * z);
    const falling = this.#falling;
    falling[0] = falling[0]! + HEADLIGHT[0] * strength;
    falling[1] = falling[1]! + HEADLIGHT[1] * strength;
    falling[2] = falling[2]! + HEADLIGHT[2] * strength;
  }
}
