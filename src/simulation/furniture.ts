/** @file Lamps, trees, benches and kiosks; and what differs from one traverse to the next: cars and people. */
import { createRandom, type Random } from '../math/random.ts';
import { pick } from './buildingStyle.ts';
import type { TownTextures } from './buildingGeometry.ts';
import { shade, type Colour } from './Canvas.ts';
import { Mesh, matt, tintOf, type Finish, type Vec3 } from './Mesh.ts';
import { direction, distance, lerpPoint, offset, rightOf } from './planar.ts';
import type { Furniture, FurnitureKind, ParkingSpot, TownPlan } from './TownPlan.ts';

/** Height of the light of a street lamp. */
export const LAMP_HEIGHT_M = 5.6;
const LAMP_REACH_M = 1.3;

/** Where a lamp's light hangs: over the kerb. */
export function lampLight(lamp: Furniture): Vec3 {
  const [c, s] = [Math.cos(lamp.yawRad), Math.sin(lamp.yawRad)];
  return [lamp.x + c * LAMP_REACH_M, lamp.y + s * LAMP_REACH_M, LAMP_HEIGHT_M];
}

interface Look {
  readonly textures: TownTextures;
  readonly lampsLit: boolean;
}

type Builder = (mesh: Mesh, item: Furniture, look: Look) => void;

const IRON: Vec3 = [0.17, 0.19, 0.19];

function addLamp(mesh: Mesh, item: Furniture, { textures, lampsLit }: Look): void {
  const iron = matt(textures.plain, IRON);
  const { yawRad } = item;
  mesh.box([item.x, item.y, 0.1], [0.14, 0.14, LAMP_HEIGHT_M], { yawRad, finish: iron });
  const [c, s] = [Math.cos(yawRad), Math.sin(yawRad)];
  const arm: Vec3 = [item.x + c * 0.65, item.y + s * 0.65, LAMP_HEIGHT_M];
  mesh.box(arm, [1.4, 0.09, 0.08], { yawRad, finish: iron });
  const light = lampLight(item);
  const glass: Finish = { ...matt(textures.plain, [1, 0.86, 0.6]), emission: lampsLit ? 9 : 0 };
  mesh.box([light[0], light[1], light[2] - 0.12], [0.5, 0.24, 0.12], { yawRad, finish: glass });
}

function addTree(mesh: Mesh, item: Furniture, { textures }: Look): void {
  const random = createRandom(item.seed);
  const trunkM = 2.2 + random.next() * 1.2;
  const bark = matt(textures.plain, [0.3, 0.24, 0.19]);
  mesh.box([item.x, item.y, 0], [0.26, 0.26, trunkM + 1], { yawRad: 0.4, finish: bark });
  const spread = 1 + random.next() * 0.7;
  const tone = 0.8 + random.next() * 0.4;
  const kind = pick(random, textures.leaves);
  const finish: Finish = { ...matt(kind, [tone, tone, tone * 0.95]), cutout: true };
  const clumps = 7;
  for (let i = 0; i < clumps; i++) {
    const angle = (i / (clumps - 1)) * 2 * Math.PI + random.next();
    const out = i === 0 ? 0 : spread * (0.7 + 0.3 * random.next());
    const size = 2.3 + random.next() * 1.1;
    const z = trunkM - 0.5 + (i === 0 ? 1.6 : random.next() * 1.7);
    mesh.billboard([item.x + Math.cos(angle) * out, item.y + Math.sin(angle) * out, z], [size, size * 0.95], finish);
  }
}

function addSign(mesh: Mesh, item: Furniture, { textures }: Look): void {
  const random = createRandom(item.seed);
  const yawRad = item.yawRad + (random.next() < 0.5 ? 1 : -1) * (Math.PI / 2);
  mesh.box([item.x, item.y, 0.1], [0.07, 0.07, 2.7], { yawRad, finish: matt(textures.plain, [0.6, 0.61, 0.62]) });
  const face = pick(random, [
    [190, 40, 38],
    [30, 80, 160],
    [226, 186, 46],
    [236, 236, 232],
  ] as const);
  const round = random.next() < 0.6;
  const [c, s] = [Math.cos(yawRad), Math.sin(yawRad)];
  const sides = round ? 10 : 4;
  const radius = round ? 0.34 : 0.42;
  const disc = (r: number, out: number): Vec3[] =>
    Array.from({ length: sides }, (_unused, k) => {
      const angle = (k / sides) * 2 * Math.PI + (round ? 0 : Math.PI / 4);
      const [x, z] = [Math.cos(angle) * r, Math.sin(angle) * r];
      return [item.x + c * out - s * x, item.y + s * out + c * x, 2.5 + z];
    });
  mesh.face(disc(radius, 0.05), matt(textures.plain, tintOf(face)));
  mesh.face(disc(radius * 0.6, 0.055), matt(textures.plain, [0.92, 0.92, 0.9]));
  mesh.face(disc(radius, -0.05).reverse(), matt(textures.plain, [0.5, 0.5, 0.52]));
}

const boxes =
  (
    parts: readonly { readonly size: Vec3; readonly z: number; readonly back?: number; readonly colour: Colour }[],
  ): Builder =>
  (mesh, item, { textures }) => {
    const random = createRandom(item.seed);
    const [c, s] = [Math.cos(item.yawRad), Math.sin(item.yawRad)];
    const tone = 0.8 + random.next() * 0.4;
    for (const { size, z, back = 0, colour } of parts) {
      const finish = matt(textures.plain, tintOf(shade(colour, tone)));
      mesh.box([item.x - c * back, item.y - s * back, z], size, { yawRad: item.yawRad, finish });
    }
  };

const BUILDERS: Readonly<Record<FurnitureKind, Builder>> = {
  lamp: addLamp,
  tree: addTree,
  sign: addSign,
  bench: boxes([
    { size: [0.5, 1.7, 0.08], z: 0.52, colour: [124, 86, 52] },
    { size: [0.08, 1.7, 0.45], z: 0.62, back: 0.24, colour: [124, 86, 52] },
    { size: [0.4, 0.1, 0.42], z: 0.1, colour: [60, 60, 62] },
  ]),
  bin: boxes([{ size: [0.45, 0.45, 0.95], z: 0.12, colour: [58, 84, 64] }]),
  hedge: boxes([{ size: [0.9, 2.9, 1.15], z: 0.12, colour: [62, 88, 46] }]),
  'post-box': boxes([
    { size: [0.45, 0.5, 1.35], z: 0.12, colour: [196, 40, 34] },
    { size: [0.5, 0.56, 0.1], z: 1.47, colour: [150, 30, 26] },
  ]),
  kiosk: boxes([
    { size: [1.7, 2.6, 2.3], z: 0.12, colour: [70, 120, 104] },
    { size: [0.1, 1.9, 1], z: 1.15, back: -0.83, colour: [60, 70, 80] },
    { size: [2.2, 3, 0.18], z: 2.4, colour: [206, 200, 186] },
  ]),
  shelter: boxes([
    { size: [0.1, 3.6, 2.1], z: 0.15, back: 0.7, colour: [120, 140, 150] },
    { size: [1.6, 3.9, 0.12], z: 2.3, colour: [86, 92, 98] },
    { size: [0.08, 1.1, 1.7], z: 0.5, back: 0.63, colour: [206, 176, 120] },
  ]),
};

export function addFurniture(mesh: Mesh, item: Furniture, look: Look): void {
  BUILDERS[item.kind](mesh, item, look);
}

const CAR_COLOURS: readonly Colour[] = [
  [196, 198, 200],
  [44, 46, 50],
  [236, 236, 234],
  [130, 22, 26],
  [28, 52, 96],
  [92, 98, 104],
  [60, 84, 66],
  [180, 150, 96],
];

/** Side views from rear to front, (x, z): body below, cabin above. */
const CAR_SHAPES = {
  saloon: { length: 4.4, width: 1.76, bonnet: 0.82, roof: 1.43, cabin: [-1.75, -1.05, 0.55, 1.25] },
  hatch: { length: 3.9, width: 1.7, bonnet: 0.88, roof: 1.5, cabin: [-1.9, -1.6, 0.5, 1.2] },
  van: { length: 4.9, width: 1.92, bonnet: 1.05, roof: 2.1, cabin: [-2.4, -2.35, 1.2, 1.8] },
} as const;

function addCar(mesh: Mesh, spot: ParkingSpot, look: { random: Random; textures: TownTextures }): void {
  const { random, textures } = look;
  const shape = CAR_SHAPES[random.next() < 0.5 ? 'saloon' : random.next() < 0.75 ? 'hatch' : 'van'];
  const colour = tintOf(pick(random, CAR_COLOURS));
  const yaw = spot.yawRad + (random.next() - 0.5) * 0.08;
  const [c, s] = [Math.cos(yaw), Math.sin(yaw)];
  const at = (x: number, y: number, z: number): Vec3 => [spot.x + c * x - s * y, spot.y + s * x + c * y, z];
  const plain = (tint: Vec3): Finish => matt(textures.plain, tint);
  const { length, width, bonnet, roof, cabin } = shape;
  mesh.box(at(0, 0, 0.28), [length, width, bonnet - 0.28], { yawRad: yaw, finish: plain(colour) });
  mesh.box(at(0, 0, 0.12), [length * 0.96, width * 0.96, 0.2], { yawRad: yaw, finish: plain([0.07, 0.07, 0.08]) });
  const [x0, x1, x2, x3] = cabin;
  const half = width / 2 - 0.04;
  const glass: Vec3 = [0.12, 0.15, 0.18];
  const outline = [
    [x0, bonnet],
    [x3, bonnet],
    [x2, roof],
    [x1, roof],
  ] as const;
  const inner = 0.16;
  const side = (y: number): Vec3[] => outline.map(([x, z]) => at(x, z > bonnet ? y - Math.sign(y) * inner : y, z));
  mesh.face(side(-half), plain(glass));
  mesh.face(side(half).reverse(), plain(glass));
  const roofY = half - inner;
  mesh.face([at(x3, -half, bonnet), at(x3, half, bonnet), at(x2, roofY, roof), at(x2, -roofY, roof)], plain(glass));
  mesh.face([at(x0, half, bonnet), at(x0, -half, bonnet), at(x1, -roofY, roof), at(x1, roofY, roof)], plain(glass));
  mesh.box(at((x1 + x2) / 2, 0, roof - 0.04), [x2 - x1, 2 * roofY, 0.07], { yawRad: yaw, finish: plain(colour) });
  for (const [x, y] of [
    [length * 0.31, half],
    [-length * 0.31, half],
    [length * 0.31, -half],
    [-length * 0.31, -half],
  ] as const) {
    addWheel(mesh, (dx, z) => at(x + dx, y + Math.sign(y) * 0.06, z), { outward: Math.sign(y), textures });
  }
  for (const y of [-width * 0.34, width * 0.34]) {
    mesh.box(at(length / 2, y, 0.6), [0.06, 0.34, 0.16], { yawRad: yaw, finish: plain([0.9, 0.9, 0.86]) });
    mesh.box(at(-length / 2, y, 0.62), [0.06, 0.3, 0.16], { yawRad: yaw, finish: plain([0.6, 0.06, 0.06]) });
  }
}

function addWheel(
  mesh: Mesh,
  at: (dx: number, z: number) => Vec3,
  look: { outward: number; textures: TownTextures },
): void {
  const ring = (radius: number): Vec3[] => {
    const points = Array.from({ length: 10 }, (_unused, k) => {
      const angle = (k / 10) * 2 * Math.PI;
      return at(Math.cos(angle) * radius, 0.31 + Math.sin(angle) * radius);
    });
    return look.outward > 0 ? points.reverse() : points;
  };
  mesh.face(ring(0.31), matt(look.textures.plain, [0.08, 0.08, 0.085]));
}

/** Cars at the kerb and people on the pavement, as they were on one traverse. */
export function addOccluders(
  mesh: Mesh,
  plan: TownPlan,
  look: { seed: number; busy: number; textures: TownTextures },
): void {
  const { seed, busy, textures } = look;
  const random = createRandom(plan.seed ^ Math.imul(seed + 1, 0x9e3779b1)).fork('occluders');
  for (const spot of plan.parking) {
    const taken = random.next() < spot.occupancy * busy;
    const own = random.fork(`${spot.x} ${spot.y}`);
    if (taken) addCar(mesh, spot, { random: own, textures });
  }
  for (const block of plan.blocks) {
    block.kerb.forEach((start, side) => {
      const end = block.kerb[(side + 1) % block.kerb.length]!;
      const count = Math.floor(random.next() * 5 * busy);
      for (let i = 0; i < count; i++) {
        const alongM = 3 + random.next() * (distance(start, end) - 6);
        const out = rightOf(direction(start, end));
        const point = offset(lerpPoint(start, end, alongM / distance(start, end)), out, -0.7 - random.next() * 1.2);
        const height = 1.72 + random.next() * 0.25;
        const finish: Finish = { ...matt(pick(random, textures.people)), cutout: true };
        mesh.billboard([point.x, point.y, 0.12], [height * 0.47, height], finish);
      }
    });
  }
}
