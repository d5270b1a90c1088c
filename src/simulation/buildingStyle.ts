/** @file What a building looks like, drawn from the habits of its district. */
import type { Random } from '../math/random.ts';
import { shade, type Colour } from './Canvas.ts';

export type WallMaterial = 'brick' | 'plaster' | 'stone' | 'panel' | 'boards';
export type WindowKind = 'sash' | 'casement' | 'arched' | 'wide' | 'french';
export type RoofKind = 'flat' | 'gable' | 'mansard';
export type Quarter = 'old' | 'terraces' | 'centre' | 'modern' | 'works';

export interface Shop {
  readonly name: string;
  readonly boardColour: Colour;
  readonly letterColour: Colour;
  readonly awning: Colour | null;
  /** A sign that stands out over the pavement. */
  readonly blade: boolean;
}

export interface BuildingStyle {
  readonly material: WallMaterial;
  readonly wall: Colour;
  readonly trim: Colour;
  readonly frame: Colour;
  readonly door: Colour;
  readonly floors: number;
  readonly groundM: number;
  readonly floorM: number;
  readonly bayM: number;
  readonly windowWidthM: number;
  readonly windowHeightM: number;
  readonly window: WindowKind;
  readonly shutters: Colour | null;
  /** Share of the windows with a balcony. */
  readonly balconies: number;
  readonly cornice: boolean;
  readonly quoins: boolean;
  readonly bands: boolean;
  readonly roof: RoofKind;
  readonly roofColour: Colour;
  readonly shop: Shop | null;
  readonly ivy: boolean;
}

interface Habits {
  readonly materials: readonly WallMaterial[];
  readonly walls: readonly Colour[];
  readonly windows: readonly WindowKind[];
  readonly roofs: readonly RoofKind[];
  readonly floors: readonly [number, number];
  readonly shops: number;
  readonly shutters: number;
  readonly balconies: number;
}

const HABITS: Readonly<Record<Quarter, Habits>> = {
  old: {
    materials: ['plaster', 'plaster', 'stone'],
    walls: [
      [222, 196, 150],
      [206, 158, 120],
      [226, 214, 190],
      [196, 120, 92],
      [178, 176, 150],
      [214, 180, 96],
      [160, 174, 180],
    ],
    windows: ['casement', 'arched', 'french'],
    roofs: ['gable', 'gable', 'mansard'],
    floors: [2, 4],
    shops: 0.45,
    shutters: 0.55,
    balconies: 0.3,
  },
  terraces: {
    materials: ['brick', 'brick', 'brick', 'plaster'],
    walls: [
      [150, 78, 60],
      [132, 70, 54],
      [170, 102, 74],
      [184, 150, 112],
      [110, 66, 56],
      [214, 208, 196],
    ],
    windows: ['sash', 'sash', 'arched'],
    roofs: ['gable', 'gable', 'flat'],
    floors: [2, 3],
    shops: 0.15,
    shutters: 0.05,
    balconies: 0.03,
  },
  centre: {
    materials: ['stone', 'plaster', 'brick', 'stone'],
    walls: [
      [206, 198, 180],
      [188, 176, 152],
      [150, 92, 70],
      [216, 206, 196],
      [168, 160, 150],
      [190, 150, 120],
    ],
    windows: ['arched', 'sash', 'french', 'wide'],
    roofs: ['mansard', 'flat', 'flat'],
    floors: [4, 6],
    shops: 0.8,
    shutters: 0.08,
    balconies: 0.35,
  },
  modern: {
    materials: ['panel', 'plaster', 'brick'],
    walls: [
      [170, 174, 176],
      [214, 212, 206],
      [120, 124, 130],
      [196, 186, 160],
      [92, 100, 108],
      [190, 120, 84],
    ],
    windows: ['wide', 'wide', 'french'],
    roofs: ['flat'],
    floors: [3, 7],
    shops: 0.35,
    shutters: 0,
    balconies: 0.5,
  },
  works: {
    materials: ['brick', 'panel', 'boards'],
    walls: [
      [140, 84, 66],
      [150, 154, 156],
      [104, 124, 132],
      [160, 146, 110],
      [124, 112, 104],
    ],
    windows: ['wide', 'arched'],
    roofs: ['gable', 'flat'],
    floors: [1, 3],
    shops: 0.1,
    shutters: 0,
    balconies: 0,
  },
};

const TRIMS: readonly Colour[] = [
  [232, 226, 214],
  [210, 200, 184],
  [176, 168, 156],
  [120, 110, 104],
  [240, 238, 232],
];
const FRAMES: readonly Colour[] = [
  [236, 234, 228],
  [236, 234, 228],
  [92, 64, 46],
  [58, 62, 66],
  [70, 92, 82],
];
const BRIGHT: readonly Colour[] = [
  [168, 44, 40],
  [30, 78, 124],
  [36, 96, 66],
  [212, 160, 40],
  [88, 44, 92],
  [38, 40, 46],
  [196, 92, 36],
  [40, 120, 128],
  [228, 222, 206],
];
const ROOFS: readonly Colour[] = [
  [140, 70, 52],
  [96, 88, 86],
  [116, 96, 80],
  [72, 78, 88],
];
const SHOP_NAMES: readonly string[] = [
  ...['BAKERY', 'CAFE ROMA', 'HOTEL', 'PHARMACY', 'BOOKS', 'FLOWERS', 'BAR 21', 'TAILOR', 'OPTICIAN', 'BANK'],
  ...['KIOSK', 'PIZZA', 'BIKES', 'TOYS', 'WINE', 'BUTCHER', 'SHOES', 'MUSIC', 'POST', 'TEA ROOM', 'CINEMA', 'SUSHI'],
  ...['HARDWARE', 'LAUNDRY', 'GALLERY', 'BARBER', 'ANTIQUES', 'MARKET', 'CHEESE', 'TRAVEL', 'PHOTO', 'CLINIC'],
];

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.int(items.length)]!;
}

/** Uniform between two bounds. */
export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.next();
}

function jitterColour(random: Random, colour: Colour, spread: number): Colour {
  const tone = 1 + spread * (random.next() * 2 - 1);
  return [
    colour[0] * tone * (1 + 0.06 * random.next()),
    colour[1] * tone,
    colour[2] * tone * (1 + 0.06 * random.next()),
  ];
}

function createShop(random: Random): Shop {
  const boardColour = pick(random, BRIGHT);
  const dark = boardColour[0] + boardColour[1] + boardColour[2] < 420;
  return {
    name: pick(random, SHOP_NAMES),
    boardColour,
    letterColour: dark ? pick(random, [[246, 240, 220] as const, [236, 200, 90] as const]) : [44, 36, 34],
    awning: random.next() < 0.45 ? pick(random, BRIGHT) : null,
    blade: random.next() < 0.5,
  };
}

export function createBuildingStyle(random: Random, quarter: Quarter): BuildingStyle {
  const habits = HABITS[quarter];
  const material = pick(random, habits.materials);
  const window = pick(random, habits.windows);
  const wide = window === 'wide';
  const floors = habits.floors[0] + random.int(habits.floors[1] - habits.floors[0] + 1);
  const floorM = between(random, 2.8, quarter === 'centre' || quarter === 'works' ? 3.8 : 3.3);
  const shop = random.next() < habits.shops ? createShop(random) : null;
  return {
    material,
    wall: jitterColour(random, pick(random, habits.walls), 0.12),
    trim: pick(random, TRIMS),
    frame: pick(random, FRAMES),
    door: shade(pick(random, BRIGHT), 0.8),
    floors,
    groundM: shop === null ? between(random, 3, 3.6) : between(random, 3.6, 4.4),
    floorM,
    bayM: between(random, wide ? 3 : 2.1, wide ? 4.4 : 3.2),
    windowWidthM: wide ? between(random, 1.8, 2.6) : between(random, 0.9, 1.3),
    windowHeightM: Math.min(floorM - 0.9, window === 'french' ? 2.2 : between(random, 1.3, 1.9)),
    window,
    shutters: random.next() < habits.shutters ? shade(pick(random, BRIGHT), 0.9) : null,
    balconies: random.next() < habits.balconies ? between(random, 0.25, 1) : 0,
    cornice: random.next() < 0.65,
    quoins: material !== 'panel' && random.next() < 0.3,
    bands: random.next() < 0.4,
    roof: pick(random, habits.roofs),
    roofColour: jitterColour(random, pick(random, ROOFS), 0.15),
    shop,
    ivy: random.next() < 0.07,
  };
}

/** Height of the eaves above the ground. */
export function eavesM(style: BuildingStyle): number {
  return style.groundM + (style.floors - 1) * style.floorM + 0.5;
}
