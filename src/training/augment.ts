/**
 * @file Variants of an image that show the same place at another moment: they stand in for the Time Machine where the data
 * holds one time of day alone. Seeded; every kind is drawn independently with its own probability.
 */
import type { RgbImage } from '../image/RgbImage.ts';
import type { Random } from '../math/random.ts';
import { between, toNight } from './photometric.ts';

/** Probability of each kind in a variant. */
export interface AugmentationRates {
  /** Exposure, gamma and white balance. */
  readonly light: number;
  /** Night-like tone curve with sensor noise. */
  readonly night: number;
  readonly blur: number;
  readonly rain: number;
  /** A darker half plane: the shadow of a building. */
  readonly shadow: number;
  /** Crop to 80..100 % and rotation of up to 3 degrees. */
  readonly geometry: number;
  /** A patch of one colour over up to a sixth of the image: a passing van. */
  readonly occluder: number;
}

type Augmentation = (image: RgbImage, random: Random) => RgbImage;

const toByte = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : Math.round(value));

/** Exposure x0.6..1.6, gamma 0.7..1.4, white balance +-15 % of red against blue. */
const light: Augmentation = (image, random) => {
  const exposure = 0.6 * (1.6 / 0.6) ** random.next();
  const gamma = 0.7 * 2 ** random.next();
  const cast = between(random, -0.15, 0.15);
  const curves = [1 + cast, 1, 1 - cast].map((gain) =>
    Uint8Array.from({ length: 256 }, (_unused, level) => toByte(255 * gain * exposure * (level / 255) ** gamma)),
  );
  return { ...image, data: image.data.map((value, at) => curves[at % 3]![value]!) };
};

/** One pass of a box filter along rows (stride 3) or columns (stride 3 width). */
function boxBlur(
  source: Uint8Array,
  { width, height }: RgbImage,
  along: { radius: number; vertical: boolean },
): Uint8Array {
  const { radius, vertical } = along;
  const [lines, length] = vertical ? [width, height] : [height, width];
  const [lineStep, step] = vertical ? [3, 3 * width] : [3 * width, 3];
  const out = new Uint8Array(source.length);
  for (let line = 0; line < lines; line++) {
    for (let channel = 0; channel < 3; channel++) {
      const start = line * lineStep + channel;
      const at = (i: number): number => source[start + Math.min(Math.max(i, 0), length - 1) * step]!;
      let sum = 0;
      for (let i = -radius; i <= radius; i++) sum += at(i);
      for (let i = 0; i < length; i++) {
        out[start + i * step] = sum / (2 * radius + 1);
        sum += at(i + radius + 1) - at(i - radius);
      }
    }
  }
  return out;
}

const blur: Augmentation = (image, random) => {
  const radius = 1 + random.int(2);
  const once = boxBlur(image.data, image, { radius, vertical: false });
  return { ...image, data: boxBlur(once, image, { radius, vertical: true }) };
};

/** Bright slanted streaks. */
const rain: Augmentation = (image, random) => {
  const { width, height } = image;
  const data = image.data.slice();
  const slant = between(random, -0.3, 0.3);
  const streaks = Math.round((width * height) / between(random, 300, 900));
  for (let streak = 0; streak < streaks; streak++) {
    const [x0, y0] = [random.int(width), random.int(height)];
    const length = 3 + random.int(Math.max(1, height >> 4));
    for (let i = 0; i < length; i++) {
      const [x, y] = [Math.round(x0 + slant * i), y0 + i];
      if (x < 0 || x >= width || y >= height) break;
      for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c]! += (200 - data[(y * width + x) * 3 + c]!) * 0.4;
    }
  }
  return { ...image, data };
};

const shadow: Augmentation = (image, random) => {
  const { width, height } = image;
  const angle = between(random, 0, 2 * Math.PI);
  const [nx, ny] = [Math.cos(angle), Math.sin(angle)];
  const offset = nx * random.int(width) + ny * random.int(height);
  const factor = between(random, 0.35, 0.7);
  const data = image.data.slice();
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      if (nx * x + ny * y < offset) continue;
      for (let c = 0; c < 3; c++) data[at + c]! *= factor;
    }
  }
  return { ...image, data };
};

const geometry: Augmentation = (image, random) => {
  const { width, height } = image;
  const scale = between(random, 0.8, 1);
  const angle = between(random, -3, 3) * (Math.PI / 180);
  const [cos, sin] = [Math.cos(angle) * scale, Math.sin(angle) * scale];
  const [cx, cy] = [width / 2, height / 2];
  const room = (1 - scale) / 2;
  const [dx, dy] = [between(random, -room, room) * width, between(random, -room, room) * height];
  const data = new Uint8Array(image.data.length);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const sx = cx + dx + cos * (x - cx) - sin * (y - cy);
      const sy = cy + dy + sin * (x - cx) + cos * (y - cy);
      sampleInto(data, at, { image, x: sx, y: sy });
    }
  }
  return { ...image, data };
};

/** Bilinear sample; the border is repeated outside. */
function sampleInto(out: Uint8Array, at: number, { image, x, y }: { image: RgbImage; x: number; y: number }): void {
  const { data, width, height } = image;
  const [cx, cy] = [Math.min(Math.max(x, 0), width - 1), Math.min(Math.max(y, 0), height - 1)];
  const [x0, y0] = [Math.floor(cx), Math.floor(cy)];
  const [fx, fy] = [cx - x0, cy - y0];
  const right = x0 + 1 < width ? 3 : 0;
  const down = y0 + 1 < height ? 3 * width : 0;
  const corner = (y0 * width + x0) * 3;
  for (let c = 0; c < 3; c++) {
    const top = data[corner + c]! * (1 - fx) + data[corner + right + c]! * fx;
    const bottom = data[corner + down + c]! * (1 - fx) + data[corner + down + right + c]! * fx;
    out[at + c] = top * (1 - fy) + bottom * fy + 0.5;
  }
}

const occluder: Augmentation = (image, random) => {
  const { width, height } = image;
  const w = Math.round(width * between(random, 0.15, 0.4));
  const h = Math.round(height * between(random, 0.15, 0.4));
  const [left, top] = [random.int(Math.max(1, width - w)), random.int(Math.max(1, height - h))];
  const colour = [random.int(256), random.int(256), random.int(256)];
  const data = image.data.slice();
  for (let y = top; y < Math.min(height, top + h); y++) {
    for (let x = left; x < Math.min(width, left + w); x++) {
      for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = colour[c]!;
    }
  }
  return { ...image, data };
};

/** Geometry first, weather and light on what the camera then sees, the lens last. */
const ORDER: readonly (readonly [keyof AugmentationRates, Augmentation])[] = [
  ['geometry', geometry],
  ['occluder', occluder],
  ['shadow', shadow],
  ['light', light],
  ['night', toNight],
  ['rain', rain],
  ['blur', blur],
];

/** A variant of an image, same size. */
export function augment(image: RgbImage, rates: AugmentationRates, random: Random): RgbImage {
  return ORDER.reduce(
    (current, [kind, apply]) => (random.next() < rates[kind] ? apply(current, random) : current),
    image,
  );
}
