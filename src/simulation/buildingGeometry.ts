/** @file Buildings as surfaces: walls with their painted fronts, roofs, balconies, awnings, cornices. */
import { createRandom } from '../math/random.ts';
import { eavesM, type BuildingStyle } from './buildingStyle.ts';
import { shade } from './Canvas.ts';
import { Mesh, matt, tintOf, WHITE, type Finish, type Vec3 } from './Mesh.ts';
import { layOutFacade, paintFacade, paintRear, type FacadeSettings, type Lights } from './paintFacade.ts';
import { direction, distance, lerpPoint, offset, rightOf, type Point } from './planar.ts';
import { TILE_SIDE_M, type TileName } from './surfaces.ts';
import { createTexture, type LazyTexture } from './Texture.ts';
import type { Building } from './TownPlan.ts';
import type { Canvas } from './Canvas.ts';

/** What every builder of the town draws from. */
export interface TownTextures {
  readonly plain: LazyTexture;
  readonly tiles: Readonly<Record<TileName, LazyTexture>>;
  readonly leaves: readonly LazyTexture[];
  readonly people: readonly LazyTexture[];
}

/** Texels a metre of a house front for each pixel of focal length: sharp from some 18 m on, soft when nearer. */
const DETAIL = 0.056;
const MOST_TEXELS_PER_M = 24;

function lazyWall(settings: FacadeSettings, paint: (settings: FacadeSettings) => Canvas): LazyTexture {
  return {
    width: Math.max(1, Math.round(settings.widthM * settings.texelsPerM)),
    height: Math.max(1, Math.round(eavesM(settings.style) * settings.texelsPerM)),
    paint: () => createTexture(paint(settings), 'emission', false),
  };
}

function at(point: Point, z: number): Vec3 {
  return [point.x, point.y, z];
}

interface Wall {
  readonly left: Point;
  readonly right: Point;
  readonly bottomM: number;
  readonly topM: number;
}

function addWall(mesh: Mesh, { left, right, bottomM, topM }: Wall, finish: Finish): void {
  mesh.panel([at(left, bottomM), at(right, bottomM), at(right, topM), at(left, topM)], finish);
}

function addRoof(mesh: Mesh, { footprint, style }: Building, textures: TownTextures): void {
  const [frontLeft, frontRight, backRight, backLeft] = footprint;
  const eaves = eavesM(style);
  const tiles = matt(textures.tiles.roof, tintOf(shade(style.roofColour, 1.25)));
  const wall = matt(textures.plain, tintOf(shade(style.wall, 0.82)));
  if (style.roof === 'flat') {
    mesh.face(
      footprint.map((point) => at(point, eaves)),
      matt(textures.tiles.gravel),
    );
    return;
  }
  const depth = style.roof === 'gable' ? 0.5 : 0.18;
  const rise = style.roof === 'gable' ? 3.4 : 3;
  const [l, r] = [lerpPoint(frontLeft, backLeft, depth), lerpPoint(frontRight, backRight, depth)];
  const [l2, r2] = [lerpPoint(backLeft, frontLeft, depth), lerpPoint(backRight, frontRight, depth)];
  const top = eaves + rise;
  mesh.slope([at(frontLeft, eaves), at(frontRight, eaves), at(r, top), at(l, top)], tiles, TILE_SIDE_M.roof);
  mesh.slope([at(backRight, eaves), at(backLeft, eaves), at(l2, top), at(r2, top)], tiles, TILE_SIDE_M.roof);
  const gable = (outline: readonly Vec3[]): void => {
    mesh.face(outline, wall);
  };
  if (style.roof === 'gable') {
    gable([at(frontRight, eaves), at(backRight, eaves), at(r, top)]);
    gable([at(backLeft, eaves), at(frontLeft, eaves), at(l, top)]);
    return;
  }
  gable([at(frontRight, eaves), at(backRight, eaves), at(r2, top), at(r, top)]);
  gable([at(backLeft, eaves), at(frontLeft, eaves), at(l, top), at(l2, top)]);
  mesh.face([at(l, top), at(r, top), at(r2, top), at(l2, top)], matt(textures.tiles.gravel));
}

function addChimneys(mesh: Mesh, { footprint, style, seed }: Building, textures: TownTextures): void {
  const random = createRandom(seed).fork('chimney');
  if (style.roof === 'flat' || random.next() < 0.35) return;
  const side = lerpPoint(footprint[0], footprint[1], random.next() < 0.5 ? 0.12 : 0.88);
  const back = lerpPoint(footprint[3], footprint[2], 0.5);
  const foot = lerpPoint(side, back, 0.35);
  const finish = matt(textures.tiles.roof, tintOf([150, 84, 66]));
  mesh.box(at(foot, eavesM(style) + 1), [0.9, 0.7, 3.4], { yawRad: 0, finish });
}

/** The dormers of mansard roofs: small houses with a window, above every second bay. */
function addDormers(mesh: Mesh, front: FrontFrame, textures: TownTextures): void {
  const { style, layout } = front;
  if (style.roof !== 'mansard') return;
  layout.bays.forEach((bay, i) => {
    if (i % 2 === 1) return;
    const base = front.point(bay, -0.9, layout.heightM + 0.4);
    const yawRad = front.yawRad;
    mesh.box(base, [1.5, 1.3, 1.7], { yawRad, finish: matt(textures.plain, tintOf(style.trim)) });
    const glass = matt(textures.plain, [0.24, 0.29, 0.34]);
    mesh.box(front.point(bay, -0.12, layout.heightM + 0.8), [0.06, 0.8, 1.05], { yawRad, finish: glass });
  });
}

/** A front seen as a frame: x along the wall, y out of it. */
interface FrontFrame {
  readonly style: BuildingStyle;
  readonly layout: ReturnType<typeof layOutFacade>;
  readonly widthM: number;
  readonly yawRad: number;
  readonly point: (alongM: number, outM: number, z: number) => Vec3;
}

function createFrontFrame({ footprint, style, seed }: Building): FrontFrame {
  const [left, right] = footprint;
  const along = direction(left, right);
  const out = rightOf(along);
  const widthM = distance(left, right);
  return {
    style,
    layout: layOutFacade(style, widthM, seed),
    widthM,
    yawRad: Math.atan2(out.y, out.x),
    point: (alongM, outM, z) => at(offset(offset(left, along, alongM), out, outM), z),
  };
}

function addBalconies(mesh: Mesh, front: FrontFrame, look: { seed: number; textures: TownTextures }): void {
  const { style, layout } = front;
  if (style.balconies === 0) return;
  const random = createRandom(look.seed).fork('balconies');
  const slab = matt(look.textures.plain, tintOf(style.trim));
  const rail = matt(look.textures.plain, tintOf(style.material === 'panel' ? [150, 160, 166] : [52, 50, 50]));
  const w = style.windowWidthM + 0.8;
  for (const sill of layout.sills) {
    for (const bay of layout.bays) {
      if (random.next() > style.balconies) continue;
      const z = sill - 0.25;
      mesh.box(front.point(bay, 0.5, z), [1, w, 0.14], { yawRad: front.yawRad, finish: slab });
      mesh.box(front.point(bay, 0.98, z + 0.95), [0.05, w, 0.07], { yawRad: front.yawRad, finish: rail });
      const bars = Math.round(w / 0.28);
      for (let i = 0; i <= bars; i++) {
        const x = bay - w / 2 + (w * i) / bars;
        mesh.panel(
          [
            front.point(x - 0.025, 0.99, z + 0.14),
            front.point(x + 0.025, 0.99, z + 0.14),
            front.point(x + 0.025, 0.99, z + 0.96),
            front.point(x - 0.025, 0.99, z + 0.96),
          ],
          rail,
        );
      }
    }
  }
}

function addShopFront(mesh: Mesh, front: FrontFrame, look: { textures: TownTextures; lights: Lights }): void {
  const { shop } = front.style;
  if (shop === null) return;
  const { plain } = look.textures;
  const z = front.style.groundM - 0.5;
  const { widthM, yawRad } = front;
  if (shop.awning !== null) {
    const stripes = Math.max(4, Math.round(widthM / 0.6));
    for (let i = 0; i < stripes; i++) {
      const tint = tintOf(i % 2 === 0 ? shop.awning : [236, 230, 218]);
      const [a, b] = [0.3 + ((widthM - 0.6) * i) / stripes, 0.3 + ((widthM - 0.6) * (i + 1)) / stripes];
      const corners = [front.point(a, 1.3, z - 0.75), front.point(b, 1.3, z - 0.75), front.point(b, 0.05, z - 0.1)];
      mesh.face([...corners, front.point(a, 0.05, z - 0.1)], matt(plain, tint));
      mesh.face(
        [
          front.point(a, 1.3, z - 0.95),
          front.point(b, 1.3, z - 0.95),
          front.point(b, 1.3, z - 0.75),
          front.point(a, 1.3, z - 0.75),
        ],
        matt(plain, tint),
      );
    }
  }
  if (shop.blade) {
    const glow = look.lights.shops > 0.3 ? 0.35 : 0;
    const finish: Finish = { ...matt(plain, tintOf(shop.boardColour)), emission: glow };
    mesh.box(front.point(0.7, 0.55, z + 0.4), [0.9, 0.14, 0.9], { yawRad, finish });
  }
}

function addCornice(mesh: Mesh, front: FrontFrame, textures: TownTextures): void {
  if (!front.style.cornice) return;
  const finish = matt(textures.plain, tintOf(front.style.trim));
  const base = front.point(front.widthM / 2, 0.2, front.layout.heightM - 0.22);
  mesh.box(base, [0.45, front.widthM, 0.3], { yawRad: front.yawRad, finish });
}

export interface BuildingLook {
  readonly textures: TownTextures;
  readonly lights: Lights;
  /** Of the camera that will look: pictures of few pixels need no fine paint. */
  readonly focalPx: number;
}

export function addBuilding(mesh: Mesh, building: Building, look: BuildingLook): void {
  const { footprint, style, seed } = building;
  const { textures, lights } = look;
  const eaves = eavesM(style);
  const lit = { texture: textures.plain, tint: WHITE, emission: 1, cutout: false, ground: false };
  const fine = Math.min(MOST_TEXELS_PER_M, Math.max(4, Math.round(look.focalPx * DETAIL)));
  footprint.forEach((left, side) => {
    const right = footprint[(side + 1) % 4]!;
    const texelsPerM = side === 0 ? fine : fine / 2;
    const settings = { style, seed: seed + side, widthM: distance(left, right), texelsPerM, lights };
    if (settings.widthM < 0.3) return;
    const texture = lazyWall(side === 0 ? { ...settings, seed } : settings, side === 0 ? paintFacade : paintRear);
    addWall(mesh, { left, right, bottomM: 0.1, topM: eaves }, { ...lit, texture });
  });
  const front = createFrontFrame(building);
  addRoof(mesh, building, textures);
  addChimneys(mesh, building, textures);
  addDormers(mesh, front, textures);
  addBalconies(mesh, front, { seed, textures });
  addShopFront(mesh, front, look);
  addCornice(mesh, front, textures);
}
