/** @file A painting surface in metres for procedural textures: origin at the lower left, y up, edges antialiased. */
import { GLYPH_COLUMNS, GLYPH_ROWS, hasInk } from './glyphs.ts';
import { fractalNoise, hash2 } from './noise.ts';

/** sRGB, 0..255. */
export type Colour = readonly [number, number, number];

/** Metres, lower left corner and size. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** Scales a colour's brightness. */
export function shade(colour: Colour, factor: number): Colour {
  return [colour[0] * factor, colour[1] * factor, colour[2] * factor];
}

export function mixColours(a: Colour, b: Colour, t: number): Colour {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

/** Bricks, slabs or tiles of a wall or floor. */
export interface Masonry {
  readonly widthM: number;
  readonly heightM: number;
  readonly jointM: number;
  readonly jointColour: Colour;
  /** Brightness spread from stone to stone, 0..1. */
  readonly variation: number;
  readonly seed: number;
}

/**
 * Texels are RGBA; the fourth channel is what the texture's user makes of it: emission (facades) or coverage (cut-outs).
 */
export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly texelsPerM: number;
  /** [height, width, 4] row-major, row 0 at the top. */
  readonly data: Uint8ClampedArray;

  constructor(widthM: number, heightM: number, texelsPerM: number) {
    this.width = Math.max(1, Math.round(widthM * texelsPerM));
    this.height = Math.max(1, Math.round(heightM * texelsPerM));
    this.texelsPerM = texelsPerM;
    this.data = new Uint8ClampedArray(this.width * this.height * 4);
  }

  fill(colour: Colour, fourth = 0): void {
    for (let i = 0; i < this.data.length; i += 4) this.#set(i, colour, fourth);
  }

  rect(area: Rect, colour: Colour, opacity = 1): void {
    this.#cover(area, (i, coverage) => {
      this.#blend(i, colour, coverage * opacity);
    });
  }

  /** Colour changes from `bottom` to `top`. */
  gradient(area: Rect, bottom: Colour, top: Colour): void {
    this.#cover(area, (i, coverage, _x, y) => {
      this.#blend(i, mixColours(bottom, top, Math.min(1, Math.max(0, (y - area.y) / area.h))), coverage);
    });
  }

  /** Sets the fourth channel, 0..255. */
  setFourth(area: Rect, value: number): void {
    this.#cover(area, (i, coverage) => {
      if (coverage > 0.5) this.data[i + 3] = value;
    });
  }

  /** An ellipse that touches the sides of `area`; also writes `fourth` where one is given. */
  ellipse(area: Rect, colour: Colour, fourth?: number): void {
    const soft = 1 / (this.texelsPerM * Math.min(area.w, area.h));
    this.#cover(area, (i, _coverage, x, y) => {
      const radius = Math.hypot((x - area.x) / area.w - 0.5, (y - area.y) / area.h - 0.5);
      const inside = Math.min(1, Math.max(0, (0.5 - radius) / soft + 0.5));
      this.#blend(i, colour, inside);
      if (fourth !== undefined && inside > 0.5) this.data[i + 3] = fourth;
    });
  }

  /** Stones in running bond over what was painted before, which gives their colour. */
  masonry(area: Rect, masonry: Masonry): void {
    const { widthM, heightM, jointM, jointColour, variation, seed } = masonry;
    this.#cover(area, (i, coverage, x, y) => {
      const row = Math.floor(y / heightM);
      const shifted = x / widthM + (row & 1) * 0.5;
      const column = Math.floor(shifted);
      const edge = Math.min((shifted - column) * widthM, y - row * heightM);
      const tone = 1 + variation * (hash2(column, row, seed) * 2 - 1);
      for (let c = 0; c < 3; c++) this.data[i + c] = this.data[i + c]! * tone;
      if (edge < jointM) this.#blend(i, jointColour, coverage * 0.75);
    });
  }

  /** Weathering: brightness varies by `amplitude` over blotches of `scaleM`. */
  mottle(area: Rect, scaleM: number, options: { amplitude: number; seed: number }): void {
    this.#cover(area, (i, _coverage, x, y) => {
      const noise = fractalNoise(x / scaleM, y / scaleM, { seed: options.seed, octaves: 3 });
      const tone = 1 + options.amplitude * (noise * 2 - 1);
      for (let c = 0; c < 3; c++) this.data[i + c] = this.data[i + c]! * tone;
    });
  }

  /** Writes in capitals, fitted into `area`, centred. */
  text(area: Rect, words: string, colour: Colour): void {
    const columns = words.length * (GLYPH_COLUMNS + 1) - 1;
    const cell = Math.min(area.w / columns, area.h / GLYPH_ROWS);
    const x0 = area.x + (area.w - columns * cell) / 2;
    const y0 = area.y + (area.h + GLYPH_ROWS * cell) / 2;
    for (let letter = 0; letter < words.length; letter++) {
      for (let k = 0; k < GLYPH_COLUMNS * GLYPH_ROWS; k++) {
        const column = k % GLYPH_COLUMNS;
        const row = (k - column) / GLYPH_COLUMNS;
        if (!hasInk(words[letter]!, column, row)) continue;
        const x = x0 + (letter * (GLYPH_COLUMNS + 1) + column) * cell;
        this.rect({ x, y: y0 - (row + 1) * cell, w: cell, h: cell }, colour);
      }
    }
  }

  /** Calls `paint` for every texel that the area touches, with its share covered and its centre in metres. */
  #cover(area: Rect, paint: (index: number, coverage: number, x: number, y: number) => void): void {
    const s = this.texelsPerM;
    const left = area.x * s;
    const right = (area.x + area.w) * s;
    const top = this.height - (area.y + area.h) * s;
    const bottom = this.height - area.y * s;
    const lastRow = Math.min(this.height, Math.ceil(bottom));
    const lastColumn = Math.min(this.width, Math.ceil(right));
    for (let row = Math.max(0, Math.floor(top)); row < lastRow; row++) {
      const vertical = Math.min(row + 1, bottom) - Math.max(row, top);
      if (vertical <= 0) continue;
      for (let column = Math.max(0, Math.floor(left)); column < lastColumn; column++) {
        const horizontal = Math.min(column + 1, right) - Math.max(column, left);
        if (horizontal <= 0) continue;
        paint(
          (row * this.width + column) * 4,
          vertical * horizontal,
          (column + 0.5) / s,
          (this.height - row - 0.5) / s,
        );
      }
    }
  }

  #blend(i: number, colour: Colour, weight: number): void {
    const data = this.data;
    data[i] = data[i]! + (colour[0] - data[i]!) * weight;
    data[i + 1] = data[i + 1]! + (colour[1] - data[i + 1]!) * weight;
    data[i + 2] = data[i + 2]! + (colour[2] - data[i + 2]!) * weight;
  }

  #set(i: number, colour: Colour, fourth: number): void {
    this.data[i] = colour[0];
    this.data[i + 1] = colour[1];
    this.data[i + 2] = colour[2];
    this.data[i + 3] = fourth;
  }
}
