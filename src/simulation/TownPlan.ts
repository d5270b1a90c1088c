/** @file The town as a plan: streets, blocks, buildings, lamps, trees and furniture. Same seed, same town. */
import type { Random } from '../math/random.ts';
import { createRandom } from '../math/random.ts';
import { between, createBuildingStyle, pick, type BuildingStyle, type Quarter } from './buildingStyle.ts';
import { direction, distance, insetPolygon, lerpPoint, offset, rightOf, type Point } from './planar.ts';

export interface Street {
  /** Indices into `TownPlan.nodes`. */
  readonly from: number;
  readonly to: number;
  /** Half the carriageway. */
  readonly halfWidthM: number;
  readonly pavementM: number;
  readonly trees: boolean;
  readonly markings: boolean;
}

export interface Building {
  /** Front left, front right, back right, back left, seen from the street. */
  readonly footprint: readonly [Point, Point, Point, Point];
  readonly style: BuildingStyle;
  readonly seed: number;
}

export type BlockGround = 'paved' | 'grass';

export interface Block {
  /** The kerb: the edge of the carriageway. */
  readonly kerb: readonly Point[];
  /** Where the fronts of the houses stand. */
  readonly buildingLine: readonly Point[];
  readonly ground: BlockGround;
}

export type FurnitureKind = 'lamp' | 'tree' | 'bench' | 'bin' | 'sign' | 'hedge' | 'kiosk' | 'post-box' | 'shelter';

/** Something that stands on the pavement; yaw is ENU, its front looks along it. */
export interface Furniture {
  readonly kind: FurnitureKind;
  readonly x: number;
  readonly y: number;
  readonly yawRad: number;
  readonly seed: number;
}

/** A place at the kerb where a car may stand. */
export interface ParkingSpot {
  readonly x: number;
  readonly y: number;
  readonly yawRad: number;
  /** How often it is taken, 0..1. */
  readonly occupancy: number;
}

export interface TownPlan {
  readonly seed: number;
  readonly columns: number;
  readonly rows: number;
  /** Crossings and the corners of the outskirts, (columns + 3) x (rows + 3), row-major from the south-west. */
  readonly nodes: readonly Point[];
  /** Those between houses on both sides. */
  readonly streets: readonly Street[];
  readonly blocks: readonly Block[];
  readonly buildings: readonly Building[];
  readonly furniture: readonly Furniture[];
  readonly parking: readonly ParkingSpot[];
}

export interface TownSettings {
  readonly seed: number;
  /** Blocks from west to east and from south to north. */
  readonly columns: number;
  readonly rows: number;
}

interface StreetLine {
  readonly halfWidthM: number;
  readonly pavementM: number;
  readonly trees: boolean;
  readonly markings: boolean;
  readonly occupancy: number;
}

const LOT_DEPTH_M = 11;
/** Depth of the blocks that close the town to the outside; nobody drives behind them. */
const OUTSKIRTS_M = 40;

function createStreetLine(random: Random): StreetLine {
  const kind = random.next();
  const occupancy = between(random, 0.2, 0.75);
  if (kind < 0.3) return { halfWidthM: 6.2, pavementM: 4.2, trees: random.next() < 0.75, markings: true, occupancy };
  if (kind < 0.8) return { halfWidthM: 4.7, pavementM: 3, trees: random.next() < 0.25, markings: true, occupancy };
  return { halfWidthM: 3.9, pavementM: 1.9, trees: false, markings: false, occupancy: occupancy * 0.6 };
}

/** Positions of the street lines along one axis, with a last row of houses beyond the outermost streets. */
function createAxis(random: Random, blocks: number): number[] {
  const positions = [0];
  for (let i = 0; i < blocks; i++) positions.push(positions.at(-1)! + between(random, 54, 84));
  return [-OUTSKIRTS_M, ...positions, positions.at(-1)! + OUTSKIRTS_M];
}

/** Cuts a length into lots; the first and the last belong to the corners. */
function cutLots(random: Random, lengthM: number, [narrow, wide]: readonly [number, number]): number[] {
  const widths: number[] = [];
  let left = lengthM;
  while (left > wide * 1.6) {
    const width = between(random, narrow, wide);
    widths.push(width);
    left -= width;
  }
  if (left > wide) widths.push(left / 2, left / 2);
  else widths.push(left);
  return widths;
}

const LOT_WIDTHS: Readonly<Record<Quarter, readonly [number, number]>> = {
  old: [6.5, 12],
  terraces: [5.5, 8],
  centre: [10, 19],
  modern: [13, 24],
  works: [14, 26],
};

interface BlockDraft {
  readonly line: readonly Point[];
  readonly quarter: Quarter;
  /** Neighbours that look alike, as rows of terraces do: the share of lots that copy the one before. */
  readonly alike: number;
}

function buildBlock(random: Random, { line, quarter, alike }: BlockDraft): Building[] {
  const inner = insetPolygon(
    line,
    line.map(() => LOT_DEPTH_M),
  );
  const corners = line.map(() => ({ style: createBuildingStyle(random, quarter), seed: random.int(2 ** 31) }));
  const buildings: Building[] = [];
  line.forEach((start, side) => {
    const next = (side + 1) % line.length;
    const end = line[next]!;
    const lots = cutLots(random, distance(start, end), LOT_WIDTHS[quarter]);
    const total = lots.reduce((sum, width) => sum + width, 0);
    let at = 0;
    let style = corners[side]!.style;
    lots.forEach((width, k) => {
      const from = at / total;
      at += width;
      const to = at / total;
      if (k > 0 && random.next() > alike) style = createBuildingStyle(random, quarter);
      if (k === lots.length - 1) style = corners[next]!.style;
      const seed = random.int(2 ** 31);
      const isGap = k > 0 && k < lots.length - 1 && random.next() < 0.07;
      if (isGap) return;
      buildings.push({
        footprint: [
          lerpPoint(start, end, from),
          lerpPoint(start, end, to),
          lerpPoint(inner[side]!, inner[next]!, to),
          lerpPoint(inner[side]!, inner[next]!, from),
        ],
        style,
        seed,
      });
    });
  });
  return buildings;
}

/** A park: trees and hedges instead of houses. */
function plantPark(random: Random, line: readonly Point[]): Furniture[] {
  const plants: Furniture[] = [];
  const count = 14 + random.int(10);
  for (let i = 0; i < count; i++) {
    const south = lerpPoint(line[0]!, line[1]!, random.next());
    const north = lerpPoint(line[3]!, line[2]!, random.next());
    const at = lerpPoint(south, north, random.next());
    plants.push({ kind: 'tree', ...at, yawRad: 0, seed: random.int(2 ** 31) });
  }
  line.forEach((start, side) => {
    const end = line[(side + 1) % line.length]!;
    const along = direction(start, end);
    const yawRad = Math.atan2(-along.x, along.y);
    const steps = Math.floor(distance(start, end) / 3);
    for (let i = 1; i < steps - 1; i++) {
      if (Math.abs(i - steps / 2) < 1.5) continue;
      plants.push({ kind: 'hedge', ...lerpPoint(start, end, i / steps), yawRad, seed: random.int(2 ** 31) });
    }
  });
  return plants;
}

interface KerbSide {
  readonly start: Point;
  readonly end: Point;
  readonly street: StreetLine;
}

/** Lamps, trees, boxes and parked cars along one side of a block. */
function furnishKerb(
  random: Random,
  { start, end, street }: KerbSide,
): { furniture: Furniture[]; parking: ParkingSpot[] } {
  const furniture: Furniture[] = [];
  const parking: ParkingSpot[] = [];
  const along = direction(start, end);
  const toStreet = rightOf(along);
  const lengthM = distance(start, end);
  const yawRad = Math.atan2(toStreet.y, toStreet.x);
  const stand = (kind: FurnitureKind, atM: number, inM: number): void => {
    const point = offset(offset(start, along, atM), toStreet, -inM);
    furniture.push({ kind, ...point, yawRad, seed: random.int(2 ** 31) });
  };
  const lampPhase = between(random, 4, 12);
  for (let s = lampPhase; s < lengthM - 3; s += 24) stand('lamp', s, 0.5);
  if (street.trees) {
    const spacing = between(random, 8, 13);
    for (let s = between(random, 5, 9); s < lengthM - 5; s += spacing + random.next() * 2) {
      if (random.next() < 0.85) stand('tree', s, 1.1);
    }
  }
  const odds: readonly FurnitureKind[] = ['bench', 'bin', 'sign', 'sign', 'kiosk', 'post-box', 'shelter'];
  const pieces = street.pavementM < 2.5 ? 1 : 1 + random.int(4);
  for (let i = 0; i < pieces; i++) {
    const kind = pick(random, odds);
    if ((kind === 'kiosk' || kind === 'shelter') && street.pavementM < 4) continue;
    stand(kind, between(random, 3, lengthM - 3), kind === 'kiosk' || kind === 'shelter' ? 1.6 : 0.5);
  }
  for (let s = 8; s < lengthM - 8; s += 6) {
    const point = offset(offset(start, along, s), toStreet, 1.15);
    parking.push({ ...point, yawRad: Math.atan2(-along.y, -along.x), occupancy: street.occupancy });
  }
  return { furniture, parking };
}

const QUARTERS: readonly Quarter[] = ['old', 'terraces', 'centre', 'modern', 'terraces', 'old', 'works', 'centre'];

/** Draws a town. Its south-west crossing lies near the origin; east is +x. */
export function planTown(settings: TownSettings): TownPlan {
  const { seed } = settings;
  const random = createRandom(seed).fork('town plan');
  const xs = createAxis(random, settings.columns);
  const ys = createAxis(random, settings.rows);
  const columns = settings.columns + 2;
  const rows = settings.rows + 2;
  const vertical = xs.map(() => createStreetLine(random));
  const horizontal = ys.map(() => createStreetLine(random));
  const nodes = ys.flatMap((y) => xs.map((x) => ({ x: x + between(random, -6, 6), y: y + between(random, -6, 6) })));
  const node = (column: number, row: number): number => row * (columns + 1) + column;
  const streets: Street[] = [];
  for (let row = 1; row < rows; row++) {
    for (let column = 1; column < columns; column++) {
      if (column < columns - 1)
        streets.push({ from: node(column, row), to: node(column + 1, row), ...horizontal[row]! });
      if (row < rows - 1) streets.push({ from: node(column, row), to: node(column, row + 1), ...vertical[column]! });
    }
  }
  const blocks: Block[] = [];
  const buildings: Building[] = [];
  const furniture: Furniture[] = [];
  const parking: ParkingSpot[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const around = [horizontal[row]!, vertical[column + 1]!, horizontal[row + 1]!, vertical[column]!];
      const outline = [node(column, row), node(column + 1, row), node(column + 1, row + 1), node(column, row + 1)].map(
        (i) => nodes[i]!,
      );
      const blockRandom = random.fork(`block ${column} ${row}`);
      const kerb = insetPolygon(
        outline,
        around.map((street) => street.halfWidthM),
      );
      const buildingLine = insetPolygon(
        kerb,
        around.map((street) => street.pavementM),
      );
      const isPark = blockRandom.next() < 0.1;
      blocks.push({ kerb, buildingLine, ground: isPark ? 'grass' : 'paved' });
      const quarter = pick(blockRandom, QUARTERS);
      const alike = quarter === 'terraces' ? 0.75 : 0.25;
      if (isPark) furniture.push(...plantPark(blockRandom, buildingLine));
      else buildings.push(...buildBlock(blockRandom, { line: buildingLine, quarter, alike }));
      around.forEach((street, side) => {
        const items = furnishKerb(blockRandom, { start: kerb[side]!, end: kerb[(side + 1) % 4]!, street });
        furniture.push(...items.furniture);
        parking.push(...items.parking);
      });
    }
  }
  return { ...settings, nodes, streets, blocks, buildings, furniture, parking };
}
