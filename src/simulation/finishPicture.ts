/** @file From light to pixels: wet ground, glow, rain, exposure and the sensor's noise. */
import type { RgbImage } from '../image/RgbImage.ts';
import { createRandom, type Random } from '../math/random.ts';
import type { Condition } from './conditions.ts';
import { hash2, valueNoise } from './noise.ts';

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3] linear light. */
  readonly light: Float32Array;
  /** [height, width] how many of the four samples are ground. */
  readonly ground: Uint8Array;
}

/** Roots of light 0..MAX_LIGHT (times exposure) to sRGB levels: a soft shoulder instead of clipping. */
const MAX_LIGHT = 9;
const TONES = Float32Array.from({ length: 4096 }, (_unused, i) => {
  const light = (i / 4095) ** 2 * MAX_LIGHT;
  const kept = 1 - Math.exp(-light);
  return 255 * (kept <= 0.0031308 ? 12.92 * kept : 1.055 * kept ** (1 / 2.4) - 0.055);
});

/** Standard normal deviates, drawn once; a frame reads them from a random place. */
const NOISE = (() => {
  const random = createRandom(20_117);
  return Float32Array.from({ length: 65_536 }, () => random.normal());
})();

export function finishPicture(picture: Picture, condition: Condition, seed: number): RgbImage {
  const random = createRandom(seed);
  if (condition.wet > 0) mirrorInWetGround(picture, condition.wet, seed);
  if (condition.lampsLit) addGlow(picture);
  if (condition.raining) addRain(picture, random);
  const image = develop(picture, condition, random);
  if (condition.raining) addLensDrops(image, random);
  return image;
}

/** Walls and lamps stand on their heads in wet ground: below the foot of a thing its picture, upside down and blurred. */
function mirrorInWetGround({ width, height, light, ground }: Picture, wet: number, seed: number): void {
  const source = light.slice();
  for (let x = 0; x < width; x++) {
    let foot = -1;
    for (let y = 1; y < height; y++) {
      const i = y * width + x;
      if (ground[i]! < 3) {
        foot = y;
        continue;
      }
      if (foot < 0) continue;
      const depthBelow = y - foot;
      const puddle = valueNoise(x / (18 + depthBelow * 0.4), y / (5 + depthBelow * 0.1), seed & 0xff);
      const strength = wet * (0.12 + 0.36 * puddle) * (1 - (0.55 * y) / height);
      const mirrored = Math.max(0, Math.round(foot - depthBelow * 0.85));
      const shift = Math.round((hash2(x >> 2, y, 77) - 0.5) * 5);
      const column = Math.min(width - 1, Math.max(0, x + shift));
      const from = (mirrored * width + column) * 3;
      for (let c = 0; c < 3; c++) {
        const dark = light[i * 3 + c]! * (1 - 0.42 * wet);
        light[i * 3 + c] = dark + source[from + c]! * strength;
      }
    }
  }
}

/** Bright lamps spill over their surroundings: the light above 1, blurred at an eighth of the size. */
function addGlow({ width, height, light }: Picture): void {
  const cell = 8;
  const w = Math.ceil(width / cell);
  const h = Math.ceil(height / cell);
  let coarse = new Float32Array(w * h * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3;
      if (light[from]! < 0.8 && light[from + 1]! < 0.8 && light[from + 2]! < 0.8) continue;
      const to = (((y / cell) | 0) * w + ((x / cell) | 0)) * 3;
      for (let c = 0; c < 3; c++) {
        const excess = Math.min(6, light[from + c]! - 0.8);
        if (excess > 0) coarse[to + c] = coarse[to + c]! + excess / (cell * cell);
      }
    }
  }
  for (let pass = 0; pass < 2; pass++) coarse = blur(coarse, w, h);
  for (let y = 0; y < height; y++) {
    const row = Math.min(h - 1.001, Math.max(0, (y + 0.5) / cell - 0.5));
    const r0 = Math.floor(row);
    const fr = row - r0;
    for (let x = 0; x < width; x++) {
      const column = Math.min(w - 1.001, Math.max(0, (x + 0.5) / cell - 0.5));
      const c0 = Math.floor(column);
      const fc = column - c0;
      const a = (r0 * w + c0) * 3;
      const b = a + w * 3;
      for (let c = 0; c < 3; c++) {
        const top = coarse[a + c]! * (1 - fc) + coarse[a + 3 + c]! * fc;
        const bottom = coarse[b + c]! * (1 - fc) + coarse[b + 3 + c]! * fc;
        const i = (y * width + x) * 3 + c;
        light[i] = light[i]! + (top * (1 - fr) + bottom * fr) * 0.7;
      }
    }
  }
}

function blur(values: Float32Array, w: number, h: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(values.length);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          const row = Math.min(h - 1, Math.max(0, y + dy));
          const column = Math.min(w - 1, Math.max(0, x + dx));
          const weight = ((2 - Math.abs(dx)) * (2 - Math.abs(dy))) / 16;
          for (let c = 0; c < 3; c++)
            out[(y * w + x) * 3 + c] = out[(y * w + x) * 3 + c]! + values[(row * w + column) * 3 + c]! * weight;
        }
      }
    }
  }
  return out;
}

/** Falling drops: short bright streaks, as bright as what is around them. */
function addRain({ width, height, light }: Picture, random: Random): void {
  const count = Math.round((width * height) / 700);
  const slant = (random.next() - 0.5) * 0.3;
  for (let k = 0; k < count; k++) {
    const near = random.next() ** 3;
    const length = (4 + near * 26) * (height / 480);
    const x0 = random.next() * width;
    const y0 = random.next() * height;
    const weight = 0.05 + 0.13 * random.next();
    for (let t = 0; t < length; t++) {
      const x = Math.round(x0 + slant * t);
      const y = Math.round(y0 + t);
      if (x < 0 || x >= width || y < 0 || y >= height) break;
      const i = (y * width + x) * 3;
      const brightness = Math.max(light[i]!, light[i + 1]!, light[i + 2]!) * 0.5 + 0.06;
      for (let c = 0; c < 3; c++) light[i + c] = light[i + c]! + (brightness - light[i + c]! * 0.3) * weight;
    }
  }
}

function develop({ width, height, light }: Picture, condition: Condition, random: Random): RgbImage {
  const data = new Uint8Array(width * height * 3);
  let at = random.int(NOISE.length);
  const scale = condition.exposure / MAX_LIGHT;
  for (let y = 0; y < height; y++) {
    const dy = (y - height / 2) / height;
    for (let x = 0; x < width; x++) {
      const dx = (x - width / 2) / width;
      const vignette = 1 - 0.42 * (dx * dx + dy * dy);
      const i = (y * width + x) * 3;
      const shared = NOISE[at & 0xffff]! * condition.noise * 0.7;
      for (let c = 0; c < 3; c++) {
        const light01 = Math.min(1, Math.max(0, light[i + c]! * vignette * scale));
        const level = TONES[(Math.sqrt(light01) * 4095) | 0]!;
        const grain = shared + NOISE[(at + 1 + c) & 0xffff]! * condition.noise * 0.5;
        const value = level + grain;
        data[i + c] = value < 0 ? 0 : value > 255 ? 255 : value + 0.5;
      }
      at += 4;
    }
    at += random.int(1024);
  }
  return { data, width, height };
}

/** Drops on the lens show the scene upside down and small. */
function addLensDrops({ data, width, height }: RgbImage, random: Random): void {
  const source = data.slice();
  const count = 5 + random.int(9);
  for (let k = 0; k < count; k++) {
    const radius = (3 + random.next() ** 2 * 13) * (width / 640);
    const x0 = random.next() * width;
    const y0 = random.next() * height;
    for (let y = Math.max(0, Math.floor(y0 - radius)); y < Math.min(height, y0 + radius); y++) {
      for (let x = Math.max(0, Math.floor(x0 - radius)); x < Math.min(width, x0 + radius); x++) {
        const [dx, dy] = [(x - x0) / radius, (y - y0) / radius];
        const r = dx * dx + dy * dy;
        if (r >= 1) continue;
        const sx = Math.min(width - 1, Math.max(0, Math.round(x0 - dx * radius * 5)));
        const sy = Math.min(height - 1, Math.max(0, Math.round(y0 - dy * radius * 5)));
        const edge = r > 0.7 ? 0.8 : 1.04;
        const weight = Math.min(1, (1 - r) * 4) * 0.8;
        const [from, to] = [(sy * width + sx) * 3, (y * width + x) * 3];
        for (let c = 0; c < 3; c++) {
          const value = source[from + c]! * edge;
          data[to + c] = Math.min(255, data[to + c]! * (1 - weight) + value * weight);
        }
      }
    }
  }
}
