/** @file Textures shared by many surfaces: road, pavement, grass, roof tiles, leaves, people. */
import { createRandom, type Random } from '../math/random.ts';
import { Canvas, shade, type Colour } from './Canvas.ts';
import { fractalNoise, hash2 } from './noise.ts';
import { createTexture, type LazyTexture } from './Texture.ts';

/** Repeating tiles: side in metres and in texels. */
const TILE_TEXELS = 256;

function lazyTile(sideM: number, paint: (canvas: Canvas) => void): LazyTexture {
  return {
    width: TILE_TEXELS,
    height: TILE_TEXELS,
    paint: () => {
      const canvas = new Canvas(sideM, sideM, TILE_TEXELS / sideM);
      paint(canvas);
      return createTexture(canvas, 'emission', true);
    },
  };
}

/** Noise that meets itself at the tile's sides: two phases cross-faded. */
function mottleTile(canvas: Canvas, amplitude: number, seed: number): void {
  const n = TILE_TEXELS;
  for (let y = 0; y < n; y++) {
    for (let x = 0; x < n; x++) {
      const t = x / n;
      const s = y / n;
      const at = (dx: number, dy: number): number => fractalNoise((x + dx) / 28, (y + dy) / 28, { seed, octaves: 4 });
      const low = at(0, 0) * (1 - t) + at(-n, 0) * t;
      const high = at(0, -n) * (1 - t) + at(-n, -n) * t;
      const grain = hash2(x, y, seed + 9) - 0.5;
      const tone = 1 + amplitude * ((low * (1 - s) + high * s) * 2 - 1) + amplitude * 0.5 * grain;
      const i = (y * n + x) * 4;
      for (let c = 0; c < 3; c++) canvas.data[i + c] = canvas.data[i + c]! * tone;
    }
  }
}

export const TILE_SIDE_M = { asphalt: 6, paving: 3.2, grass: 5, roof: 3, gravel: 4 } as const;

export type TileName = keyof typeof TILE_SIDE_M;

const whole = (sideM: number) => ({ x: 0, y: 0, w: sideM, h: sideM });

/** The tile textures by name. Colours are neutral where surfaces are tinted. */
export function createTiles(): Readonly<Record<TileName, LazyTexture>> {
  return {
    asphalt: lazyTile(TILE_SIDE_M.asphalt, (canvas) => {
      canvas.fill([84, 84, 86]);
      mottleTile(canvas, 0.2, 3);
    }),
    paving: lazyTile(TILE_SIDE_M.paving, (canvas) => {
      canvas.fill([160, 154, 146]);
      const joints = { jointM: 0.02, jointColour: [104, 100, 94] as Colour, variation: 0.08, seed: 5 };
      canvas.masonry(whole(TILE_SIDE_M.paving), { widthM: 0.8, heightM: 0.4, ...joints });
      mottleTile(canvas, 0.14, 4);
    }),
    grass: lazyTile(TILE_SIDE_M.grass, (canvas) => {
      canvas.fill([92, 104, 62]);
      mottleTile(canvas, 0.4, 6);
    }),
    roof: lazyTile(TILE_SIDE_M.roof, (canvas) => {
      canvas.fill([200, 200, 200]);
      const joints = { jointM: 0.05, jointColour: [120, 120, 120] as Colour, variation: 0.14, seed: 7 };
      canvas.masonry(whole(TILE_SIDE_M.roof), { widthM: 0.3, heightM: 0.25, ...joints });
      mottleTile(canvas, 0.12, 8);
    }),
    gravel: lazyTile(TILE_SIDE_M.gravel, (canvas) => {
      canvas.fill([126, 120, 112]);
      mottleTile(canvas, 0.2, 10);
    }),
  };
}

/** One colour. */
export function plainTexture(): LazyTexture {
  return {
    width: 1,
    height: 1,
    paint: () => {
      const canvas = new Canvas(1, 1, 1);
      canvas.fill([255, 255, 255], 255);
      return createTexture(canvas, 'emission', true);
    },
  };
}

function paintLeaves(random: Random): Canvas {
  const canvas = new Canvas(2, 2, 80);
  canvas.fill([58, 78, 38], 0);
  const autumn = random.next();
  for (let i = 0; i < 420; i++) {
    const angle = random.next() * 2 * Math.PI;
    const radius = Math.sqrt(random.next()) * 0.86;
    const x = 1 + Math.cos(angle) * radius;
    const y = 1 + Math.sin(angle) * radius * 0.9;
    const size = 0.07 + random.next() * 0.13;
    const light = 0.55 + 0.3 * y + 0.35 * (random.next() - 0.5);
    const leaf: Colour = autumn < 0.25 ? [132, 112, 44] : [78, 108, 46];
    canvas.ellipse({ x: x - size / 2, y: y - size / 2, w: size, h: size * 0.8 }, shade(leaf, light), 255);
  }
  return canvas;
}

/** Clumps of leaves, 2 m across, for cut-out billboards. */
export function createLeaves(count: number, seed: number): LazyTexture[] {
  return Array.from({ length: count }, (_unused, i) => ({
    width: 160,
    height: 160,
    paint: () => createTexture(paintLeaves(createRandom(seed).fork(`leaves ${i}`)), 'coverage', false),
  }));
}

const CLOTHES: readonly Colour[] = [
  [150, 40, 44],
  [40, 60, 110],
  [60, 62, 66],
  [196, 188, 172],
  [52, 92, 70],
  [204, 160, 60],
  [120, 80, 120],
];
const SKIN: readonly Colour[] = [
  [226, 184, 156],
  [176, 124, 90],
  [110, 74, 54],
];

function paintPerson(random: Random): Canvas {
  const canvas = new Canvas(0.9, 1.9, 64);
  const coat = CLOTHES[random.int(CLOTHES.length)]!;
  const legs = shade(CLOTHES[random.int(CLOTHES.length)]!, 0.6);
  const skin = SKIN[random.int(SKIN.length)]!;
  const stride = 0.06 + random.next() * 0.14;
  canvas.fill(coat, 0);
  const part = (x: number, y: number, w: number, h: number, colour: Colour): void => {
    canvas.rect({ x, y, w, h }, colour);
    canvas.setFourth({ x, y, w, h }, 255);
  };
  part(0.45 - stride - 0.08, 0.02, 0.16, 0.85, legs);
  part(0.45 + stride - 0.08, 0.02, 0.16, 0.85, shade(legs, 0.8));
  part(0.22, 0.78, 0.46, 0.7, coat);
  part(0.12, 0.8, 0.13, 0.62, shade(coat, 0.8));
  part(0.65, 0.8, 0.13, 0.62, shade(coat, 0.8));
  if (random.next() < 0.4) part(0.74, 0.62, 0.15, 0.34, shade(CLOTHES[random.int(CLOTHES.length)]!, 0.8));
  canvas.ellipse({ x: 0.33, y: 1.48, w: 0.24, h: 0.3 }, skin, 255);
  canvas.ellipse({ x: 0.32, y: 1.6, w: 0.26, h: 0.2 }, [50 + random.int(60), 36 + random.int(30), 28], 255);
  return canvas;
}

/** People seen from anywhere, 0.9 x 1.9 m. */
export function createPeople(count: number, seed: number): LazyTexture[] {
  return Array.from({ length: count }, (_unused, i) => ({
    width: 58,
    height: 122,
    paint: () => createTexture(paintPerson(createRandom(seed).fork(`person ${i}`)), 'coverage', false),
  }));
}

/** Wooded hills that close the view beyond the town. */
export function createHills(seed: number): LazyTexture {
  return {
    width: 512,
    height: 128,
    paint: () => {
      const canvas = new Canvas(512, 128, 1);
      canvas.fill([78, 98, 78], 0);
      for (let x = 0; x < 512; x++) {
        const ridge = 30 + 60 * fractalNoise(x / 60, 0.5, { seed, octaves: 4 });
        const crowns = 8 * fractalNoise(x / 5, 7.5, { seed: seed + 1, octaves: 2 });
        const area = { x, y: 0, w: 1, h: ridge + crowns };
        canvas.gradient(area, [104, 118, 92], [64, 86, 66]);
        canvas.setFourth(area, 255);
      }
      return createTexture(canvas, 'coverage', true);
    },
  };
}
