/** @file Flat textured surfaces in the map frame: convex polygons, and billboards that turn to the camera. */
import type { Colour } from './Canvas.ts';
import type { LazyTexture } from './Texture.ts';

export type Vec3 = readonly [number, number, number];

/** How light meets a surface. */
export interface Finish {
  readonly texture: LazyTexture;
  /** Multiplies the texture's linear colours, 1 = unchanged. */
  readonly tint: Vec3;
  /** Scales the light that the fourth channel stands for; 0 = gives no light. */
  readonly emission: number;
  /** The fourth channel cuts the surface out. */
  readonly cutout: boolean;
  /** Lies flat on the ground: mirrors when wet. */
  readonly ground: boolean;
}

export interface Polygon {
  readonly kind: 'polygon';
  /** [n, 3] metres, counter-clockwise seen from the front. */
  readonly corners: Float64Array;
  /** Unit normal and distance: normal . p = distance on the plane. */
  readonly normal: Vec3;
  readonly distance: number;
  /** Texel coordinates at level 0: u = mapping[0..2] . p + mapping[3], v likewise with [4..7]. */
  readonly mapping: Float64Array;
  readonly finish: Finish;
}

export interface Billboard {
  readonly kind: 'billboard';
  /** Centre of the lower edge. */
  readonly foot: Vec3;
  readonly widthM: number;
  readonly heightM: number;
  readonly finish: Finish;
}

export type Surface = Polygon | Billboard;

export const WHITE: Vec3 = [1, 1, 1];

/** A colour as the tint of a white texture, 0..1 a channel as the eye sees it (not linear). */
export function tintOf(colour: Colour): Vec3 {
  return [colour[0] / 255, colour[1] / 255, colour[2] / 255];
}

export function subtract(a: Vec3, b: Vec3): Vec3 {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

export function cross(a: Vec3, b: Vec3): Vec3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function dot(a: Vec3, b: Vec3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function lengthOf(a: Vec3): number {
  return Math.hypot(a[0], a[1], a[2]);
}

/** A texture lying in the world: texel (0, 0) at `origin`, u along `right`, v along `down`, in texels per metre. */
interface Placement {
  readonly origin: Vec3;
  readonly right: Vec3;
  readonly down: Vec3;
  readonly uPerM: number;
  readonly vPerM: number;
}

function createPolygon(corners: readonly Vec3[], placement: Placement, finish: Finish): Polygon {
  const normalRaw = cross(subtract(corners[1]!, corners[0]!), subtract(corners[2]!, corners[0]!));
  const size = lengthOf(normalRaw);
  const normal: Vec3 = [normalRaw[0] / size, normalRaw[1] / size, normalRaw[2] / size];
  const { origin, right, down, uPerM, vPerM } = placement;
  return {
    kind: 'polygon',
    corners: Float64Array.from(corners.flat()),
    normal,
    distance: dot(normal, corners[0]!),
    mapping: Float64Array.of(
      ...right.map((value) => value * uPerM),
      -dot(right, origin) * uPerM,
      ...down.map((value) => value * vPerM),
      -dot(down, origin) * vPerM,
    ),
    finish,
  };
}

/** Collects surfaces; the way in which the builders of houses, cars and lamps speak. */
export class Mesh {
  readonly surfaces: Surface[] = [];

  /** A quadrilateral whose texture is stretched over it: lower left, lower right, upper right, upper left from outside. */
  panel(corners: readonly [Vec3, Vec3, Vec3, Vec3], finish: Finish): void {
    const across = subtract(corners[1], corners[0]);
    const up = subtract(corners[3], corners[0]);
    const width = lengthOf(across);
    const height = lengthOf(up);
    if (width < 1e-6 || height < 1e-6) return;
    const placement: Placement = {
      origin: corners[3],
      right: [across[0] / width, across[1] / width, across[2] / width],
      down: [-up[0] / height, -up[1] / height, -up[2] / height],
      uPerM: finish.texture.width / width,
      vPerM: finish.texture.height / height,
    };
    this.surfaces.push(createPolygon(corners, placement, finish));
  }

  /** A polygon in one colour or in a pattern of no direction. */
  face(corners: readonly Vec3[], finish: Finish): void {
    const placement: Placement = { origin: corners[0]!, right: [1, 0, 0], down: [0, 1, 0], uPerM: 1, vPerM: 1 };
    this.surfaces.push(createPolygon(corners, placement, finish));
  }

  /** A level polygon with a repeating tile of `sideM` laid along `alongRad`. */
  floor(corners: readonly Vec3[], finish: Finish, tile: { readonly sideM: number; readonly alongRad: number }): void {
    const [c, s] = [Math.cos(tile.alongRad), Math.sin(tile.alongRad)];
    const perM = finish.texture.width / tile.sideM;
    const placement: Placement = { origin: [0, 0, 0], right: [c, s, 0], down: [s, -c, 0], uPerM: perM, vPerM: perM };
    this.surfaces.push(createPolygon(corners, placement, finish));
  }

  /** A sloping polygon with a repeating tile; its first edge is level. */
  slope(corners: readonly Vec3[], finish: Finish, sideM: number): void {
    const along = subtract(corners[1]!, corners[0]!);
    const length = lengthOf(along);
    if (length < 1e-6) return;
    const right: Vec3 = [along[0] / length, along[1] / length, along[2] / length];
    const normalRaw = cross(along, subtract(corners[2]!, corners[0]!));
    const size = lengthOf(normalRaw);
    const down = cross(right, [normalRaw[0] / size, normalRaw[1] / size, normalRaw[2] / size]);
    const perM = finish.texture.width / sideM;
    this.surfaces.push(createPolygon(corners, { origin: corners[0]!, right, down, uPerM: perM, vPerM: perM }, finish));
  }

  /** A box on `base`, turned by yaw: length along its x, width along its y. Without a bottom. */
  box(base: Vec3, size: Vec3, look: { readonly yawRad: number; readonly finish: Finish }): void {
    const [c, s] = [Math.cos(look.yawRad) / 2, Math.sin(look.yawRad) / 2];
    const [l, w, h] = size;
    const corner = (i: number, j: number, z: number): Vec3 => [
      base[0] + i * l * c - j * w * s,
      base[1] + i * l * s + j * w * c,
      base[2] + z,
    ];
    const ring = [
      [-1, -1],
      [1, -1],
      [1, 1],
      [-1, 1],
    ] as const;
    ring.forEach(([i, j], k) => {
      const [i2, j2] = ring[(k + 1) % 4]!;
      this.panel([corner(i, j, 0), corner(i2, j2, 0), corner(i2, j2, h), corner(i, j, h)], look.finish);
    });
    this.panel([corner(-1, -1, h), corner(1, -1, h), corner(1, 1, h), corner(-1, 1, h)], look.finish);
  }

  billboard(foot: Vec3, size: readonly [number, number], finish: Finish): void {
    this.surfaces.push({ kind: 'billboard', foot, widthM: size[0], heightM: size[1], finish });
  }
}

/** The finish of a surface that needs nothing special. `colour` is 0..1 a channel as the eye sees it (sRGB). */
export function matt(texture: LazyTexture, colour: Vec3 = WHITE): Finish {
  const tint: Vec3 = [colour[0] ** 2.2, colour[1] ** 2.2, colour[2] ** 2.2];
  return { texture, tint, emission: 0, cutout: false, ground: false };
}
