/** @file The town as it was on one traverse: surfaces, occluders, lamps, sun and shadows. */
import { addBuilding, type TownTextures } from './buildingGeometry.ts';
import type { CameraModel } from './Camera.ts';
import { CONDITION_TABLE, type Condition, type ConditionName } from './conditions.ts';
import { addFurniture, addOccluders, lampLight } from './furniture.ts';
import { Mesh, type Surface, type Vec3 } from './Mesh.ts';
import { boundsOf, addStreets } from './streetGeometry.ts';
import { ShadowMap } from './ShadowMap.ts';
import { Sky } from './Sky.ts';
import { boundSurface, type Sphere } from './surfaceBounds.ts';
import { createLeaves, createPeople, createTiles, plainTexture } from './surfaces.ts';
import type { TownPlan } from './TownPlan.ts';

/** Lamps further away than this give a surface no light. */
const LAMP_RANGE_M = 17;
const LAMPS_PER_SURFACE = 4;

export interface TownScene {
  readonly condition: Condition;
  readonly surfaces: readonly Surface[];
  readonly bounds: readonly Sphere[];
  /** [surfaces, 3] light that reaches a surface from sky and ground. */
  readonly ambient: Float32Array;
  /** [surfaces] cosine of the angle to the sun, 0 when turned away. */
  readonly sunCosine: Float32Array;
  readonly shadows: ShadowMap | null;
  readonly sky: Sky;
  readonly lamps: readonly Vec3[];
  /** [surfaces, LAMPS_PER_SURFACE] lamps that light a surface; -1 ends a list. */
  readonly lampsOf: Int32Array;
  readonly lampsPerSurface: number;
}

export interface Traverse {
  readonly condition: ConditionName;
  /** Of what differs from traverse to traverse: cars, people, lit windows, clouds. */
  readonly seed: number;
}

/** Building textures cost most and hardly differ between day-time traverses, but lit windows do: so one scene a traverse. */
export function createScene(plan: TownPlan, traverse: Traverse, camera: CameraModel): TownScene {
  const condition = CONDITION_TABLE[traverse.condition];
  const textures: TownTextures = {
    plain: plainTexture(),
    tiles: createTiles(),
    leaves: createLeaves(5, plan.seed),
    people: createPeople(9, plan.seed),
  };
  const lights = { windows: condition.windowsLit, shops: condition.shopsLit, seed: traverse.seed };
  const mesh = new Mesh();
  addStreets(mesh, plan, textures);
  for (const building of plan.buildings) addBuilding(mesh, building, { textures, lights, focalPx: camera.focalPx });
  for (const item of plan.furniture) addFurniture(mesh, item, { textures, lampsLit: condition.lampsLit });
  addOccluders(mesh, plan, { seed: traverse.seed, busy: condition.busy, textures });
  const { surfaces } = mesh;
  const bounds = surfaces.map(boundSurface);
  const lamps = condition.lampsLit ? plan.furniture.filter((item) => item.kind === 'lamp').map(lampLight) : [];
  return {
    condition,
    surfaces,
    bounds,
    ...lightSurfaces(surfaces, condition),
    shadows: condition.sun[0] > 0 ? createShadows(plan, surfaces, condition) : null,
    sky: new Sky(condition, plan.seed ^ traverse.seed),
    lamps,
    lampsOf: assignLamps(bounds, lamps),
    lampsPerSurface: LAMPS_PER_SURFACE,
  };
}

function createShadows(plan: TownPlan, surfaces: readonly Surface[], condition: Condition): ShadowMap {
  const town = boundsOf(plan.nodes, 10);
  const centre: Vec3 = [(town.west + town.east) / 2, (town.south + town.north) / 2, 0];
  const radiusM = Math.hypot(town.east - town.west, town.north - town.south) / 2;
  return new ShadowMap(surfaces, condition.sunDirection, { centre, radiusM });
}

function lightSurfaces(
  surfaces: readonly Surface[],
  condition: Condition,
): { ambient: Float32Array; sunCosine: Float32Array } {
  const ambient = new Float32Array(surfaces.length * 3);
  const sunCosine = new Float32Array(surfaces.length);
  const sun = condition.sunDirection;
  const norm = Math.hypot(...sun);
  surfaces.forEach((surface, i) => {
    // leaves and people are lit from all sides
    const up = surface.kind === 'polygon' ? surface.normal[2] : 0.2;
    const cosine =
      surface.kind === 'polygon'
        ? (surface.normal[0] * sun[0] + surface.normal[1] * sun[1] + surface.normal[2] * sun[2]) / norm
        : 0.6;
    sunCosine[i] = Math.max(0, cosine);
    // walls that look to the east are a little brighter than those to the west: corners stay visible without a sun
    const side = surface.kind === 'polygon' ? 1 + 0.09 * surface.normal[0] + 0.05 * surface.normal[1] : 1;
    for (let c = 0; c < 3; c++) {
      const blend = 0.5 + 0.5 * up;
      ambient[3 * i + c] = (condition.groundLight[c]! * (1 - blend) + condition.skyLight[c]! * blend) * side;
    }
  });
  return { ambient, sunCosine };
}

function assignLamps(bounds: readonly Sphere[], lamps: readonly Vec3[]): Int32Array {
  const lampsOf = new Int32Array(bounds.length * LAMPS_PER_SURFACE).fill(-1);
  if (lamps.length === 0) return lampsOf;
  bounds.forEach(({ x, y, z, radius }, i) => {
    lamps
      .map((lamp, index) => ({ index, distance: Math.hypot(lamp[0] - x, lamp[1] - y, lamp[2] - z) }))
      .filter(({ distance }) => distance < LAMP_RANGE_M + Math.min(radius, 14))
      .sort((a, b) => a.distance - b.distance || a.index - b.index)
      .slice(0, LAMPS_PER_SURFACE)
      .forEach(({ index }, k) => {
        lampsOf[i * LAMPS_PER_SURFACE + k] = index;
      });
  });
  return lampsOf;
}
