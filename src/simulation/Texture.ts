/** @file Textures with their chain of halved copies, so that distant surfaces are smooth instead of noisy. */
import type { Canvas } from './Canvas.ts';

/** What the fourth channel of a texture means. */
export type FourthChannel = 'emission' | 'coverage';

export interface TextureLevel {
  readonly width: number;
  readonly height: number;
  /** [height, width, 4] sRGB and the fourth channel. */
  readonly data: Uint8Array;
}

export interface Texture {
  /** Finest first, down to one texel. */
  readonly levels: readonly TextureLevel[];
  /** Whether the picture repeats beyond its sides. */
  readonly repeat: boolean;
}

/** Halves a level; with `coverage` colours are weighted by it, so that the void does not bleed into leaves. */
function halve(level: TextureLevel, fourth: FourthChannel): TextureLevel {
  const width = Math.max(1, level.width >> 1);
  const height = Math.max(1, level.height >> 1);
  const data = new Uint8Array(width * height * 4);
  const stepX = level.width / width;
  const stepY = level.height / height;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const x0 = Math.floor(x * stepX);
      const y0 = Math.floor(y * stepY);
      const x1 = Math.min(level.width - 1, x0 + 1);
      const y1 = Math.min(level.height - 1, y0 + 1);
      const corners = [
        (y0 * level.width + x0) * 4,
        (y0 * level.width + x1) * 4,
        (y1 * level.width + x0) * 4,
        (y1 * level.width + x1) * 4,
      ] as const;
      average(level.data, corners, { data, at: (y * width + x) * 4, fourth });
    }
  }
  return { width, height, data };
}

function average(
  source: Uint8Array,
  corners: readonly [number, number, number, number],
  target: { readonly data: Uint8Array; readonly at: number; readonly fourth: FourthChannel },
): void {
  let [r, g, b, a, weights] = [0, 0, 0, 0, 0];
  for (const i of corners) {
    const fourth = source[i + 3]!;
    const weight = target.fourth === 'coverage' ? fourth + 1 : 1;
    r += source[i]! * weight;
    g += source[i + 1]! * weight;
    b += source[i + 2]! * weight;
    a += fourth;
    weights += weight;
  }
  target.data[target.at] = Math.round(r / weights);
  target.data[target.at + 1] = Math.round(g / weights);
  target.data[target.at + 2] = Math.round(b / weights);
  target.data[target.at + 3] = Math.round(a / 4);
}

/** A repeating texture must have sides that are powers of two. */
export function createTexture(canvas: Canvas, fourth: FourthChannel, repeat: boolean): Texture {
  const levels: TextureLevel[] = [
    { width: canvas.width, height: canvas.height, data: new Uint8Array(canvas.data.buffer) },
  ];
  for (let last = levels[0]!; last.width > 1 || last.height > 1; last = levels.at(-1)!)
    levels.push(halve(last, fourth));
  return { levels, repeat };
}

/** A texture that is painted when first seen and may be forgotten: painting is repeatable. */
export interface LazyTexture {
  /** Texels of the finest level. */
  readonly width: number;
  readonly height: number;
  readonly paint: () => Texture;
}

/** Keeps the textures used last within a budget of texels. */
export class TextureCache {
  readonly #budgetTexels: number;
  readonly #painted = new Map<LazyTexture, Texture>();
  #texels = 0;

  constructor(budgetTexels: number) {
    this.#budgetTexels = budgetTexels;
  }

  get(lazy: LazyTexture): Texture {
    const kept = this.#painted.get(lazy);
    if (kept !== undefined) {
      this.#painted.delete(lazy); // the map's order is the order of use
      this.#painted.set(lazy, kept);
      return kept;
    }
    const texture = lazy.paint();
    this.#painted.set(lazy, texture);
    this.#texels += lazy.width * lazy.height;
    this.#forget();
    return texture;
  }

  #forget(): void {
    for (const oldest of this.#painted.keys()) {
      if (this.#texels <= this.#budgetTexels || this.#painted.size < 2) return;
      this.#painted.delete(oldest);
      this.#texels -= oldest.width * oldest.height;
    }
  }
}
