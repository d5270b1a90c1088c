/** @file The ground: road, markings, kerbs, pavements, and the country around the town. */
import { createRandom } from '../math/random.ts';
import type { Colour } from './Canvas.ts';
import type { TownTextures } from './buildingGeometry.ts';
import { Mesh, matt, tintOf, WHITE, type Finish, type Vec3 } from './Mesh.ts';
import { direction, distance, insetPolygon, offset, rightOf, type Point } from './planar.ts';
import { createHills, TILE_SIDE_M } from './surfaces.ts';
import type { Block, Street, TownPlan } from './TownPlan.ts';

const KERB_M = 0.12;
const PAINT: Colour = [214, 212, 200];
/** Markings lie this much above the road: 0.3 % nearer to the camera, far more than the depth buffer needs. */
const MARKING_LIFT_M = 0.005;

function flat(points: readonly Point[], z: number): Vec3[] {
  return points.map((point) => [point.x, point.y, z]);
}

function onGround(finish: Finish): Finish {
  return { ...finish, ground: true };
}

export interface Bounds {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

export function boundsOf(points: readonly Point[], marginM: number): Bounds {
  return {
    west: Math.min(...points.map((p) => p.x)) - marginM,
    east: Math.max(...points.map((p) => p.x)) + marginM,
    south: Math.min(...points.map((p) => p.y)) - marginM,
    north: Math.max(...points.map((p) => p.y)) + marginM,
  };
}

function addGroundSquares(
  mesh: Mesh,
  bounds: Bounds,
  look: { finish: Finish; sideM: number; squareM: number; z: number },
): void {
  const { finish, sideM, squareM, z } = look;
  for (let x = bounds.west; x < bounds.east; x += squareM) {
    for (let y = bounds.south; y < bounds.north; y += squareM) {
      const [x2, y2] = [Math.min(bounds.east, x + squareM), Math.min(bounds.north, y + squareM)];
      const square: Vec3[] = [
        [x, y, z],
        [x2, y, z],
        [x2, y2, z],
        [x, y2, z],
      ];
      mesh.floor(square, onGround(finish), { sideM, alongRad: 0 });
    }
  }
}

function addBlockGround(mesh: Mesh, block: Block, textures: TownTextures): void {
  const n = block.kerb.length;
  const stone = matt(textures.plain, [0.6, 0.59, 0.57]);
  block.kerb.forEach((corner, i) => {
    const next = (i + 1) % n;
    const end = block.kerb[next]!;
    mesh.panel(
      [
        [corner.x, corner.y, 0],
        [end.x, end.y, 0],
        [end.x, end.y, KERB_M],
        [corner.x, corner.y, KERB_M],
      ],
      stone,
    );
    const along = direction(corner, end);
    const strip = flat([corner, end, block.buildingLine[next]!, block.buildingLine[i]!], KERB_M);
    const tile = { sideM: TILE_SIDE_M.paving, alongRad: Math.atan2(along.y, along.x) };
    mesh.floor(strip, onGround(matt(textures.tiles.paving)), tile);
    const edge = insetPolygon(
      block.kerb,
      block.kerb.map(() => 0.16),
    );
    mesh.face(
      flat([corner, end, edge[next]!, edge[i]!], KERB_M + MARKING_LIFT_M),
      onGround(matt(textures.plain, [0.62, 0.61, 0.59])),
    );
  });
  const inside = block.ground === 'grass' ? 'grass' : 'gravel';
  mesh.floor(flat(block.buildingLine, KERB_M), onGround(matt(textures.tiles[inside])), {
    sideM: TILE_SIDE_M[inside],
    alongRad: 0,
  });
}

interface Strip {
  readonly from: Point;
  readonly along: Point;
  readonly startM: number;
  readonly endM: number;
  readonly rightM: number;
  readonly widthM: number;
}

function addStrip(mesh: Mesh, strip: Strip, finish: Finish): void {
  const { from, along, startM, endM, rightM, widthM } = strip;
  const side = rightOf(along);
  const at = (alongM: number, outM: number): Vec3 => {
    const point = offset(offset(from, along, alongM), side, outM);
    return [point.x, point.y, MARKING_LIFT_M];
  };
  const [inner, outer] = [rightM - widthM / 2, rightM + widthM / 2];
  mesh.face([at(startM, outer), at(endM, outer), at(endM, inner), at(startM, inner)], onGround(finish));
}

/** Centre line, stop lines, zebra crossings, and the patches and covers that tell one street from another. */
function addMarkings(
  mesh: Mesh,
  plan: TownPlan,
  look: { street: Street; textures: TownTextures; index: number },
): void {
  const { street, textures } = look;
  const random = createRandom(plan.seed).fork(`markings ${look.index}`);
  const [from, to] = [plan.nodes[street.from]!, plan.nodes[street.to]!];
  const along = direction(from, to);
  const lengthM = distance(from, to);
  const paint = matt(textures.plain, tintOf(PAINT));
  const strip = (startM: number, endM: number, rightM: number, widthM: number): Strip => ({
    ...{ from, along, startM, endM, rightM, widthM },
  });
  const clear = 11;
  for (let i = 0; i < 5; i++) {
    const start = clear + random.next() * (lengthM - 2 * clear - 5);
    const tone = 0.27 + random.next() * 0.1;
    const patch = strip(
      start,
      start + 1 + random.next() * 4,
      (random.next() - 0.5) * street.halfWidthM,
      0.8 + random.next() * 1.4,
    );
    addStrip(mesh, patch, matt(textures.plain, [tone, tone, tone * 1.02]));
  }
  if (!street.markings) return;
  for (let s = clear; s < lengthM - clear - 2; s += 5) addStrip(mesh, strip(s, s + 2.4, 0, 0.14), paint);
  for (const [end, sign] of [
    [0, 1],
    [lengthM, -1],
  ] as const) {
    if (random.next() < 0.55) {
      for (let x = -street.halfWidthM + 0.6; x < street.halfWidthM - 0.3; x += 1) {
        const [a, b] = [end + sign * 8, end + sign * 10.6];
        addStrip(mesh, strip(Math.min(a, b), Math.max(a, b), x + 0.25, 0.5), paint);
      }
    } else {
      const [a, b] = [end + sign * 9, end + sign * 9.4];
      addStrip(
        mesh,
        strip(Math.min(a, b), Math.max(a, b), (-sign * street.halfWidthM) / 2, street.halfWidthM - 0.4),
        paint,
      );
    }
  }
}

function addCountry(mesh: Mesh, plan: TownPlan, { town, textures }: { town: Bounds; textures: TownTextures }): void {
  const far = { west: town.west - 160, south: town.south - 160, east: town.east + 160, north: town.north + 160 };
  addGroundSquares(mesh, far, { finish: matt(textures.tiles.grass), sideM: TILE_SIDE_M.grass, squareM: 80, z: -0.05 });
  const hills: Finish = { ...matt(createHills(plan.seed)), cutout: true };
  const ring: Point[] = [
    { x: far.west, y: far.south },
    { x: far.east, y: far.south },
    { x: far.east, y: far.north },
    { x: far.west, y: far.north },
  ];
  ring.forEach((corner, i) => {
    const next = ring[(i + 1) % 4]!;
    // seen from inside, so the next corner is on the left
    mesh.panel(
      [
        [next.x, next.y, -0.05],
        [corner.x, corner.y, -0.05],
        [corner.x, corner.y, 34],
        [next.x, next.y, 34],
      ],
      hills,
    );
  });
}

export function addStreets(mesh: Mesh, plan: TownPlan, textures: TownTextures): void {
  const town = boundsOf(plan.nodes, 9);
  addCountry(mesh, plan, { town, textures });
  addGroundSquares(mesh, town, {
    ...{ finish: matt(textures.tiles.asphalt, WHITE), sideM: TILE_SIDE_M.asphalt, squareM: 16, z: 0 },
  });
  plan.blocks.forEach((block) => {
    addBlockGround(mesh, block, textures);
  });
  plan.streets.forEach((street, index) => {
    addMarkings(mesh, plan, { street, textures, index });
  });
}
