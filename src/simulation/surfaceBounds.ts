/** @file The sphere around a surface, for culling and for choosing its lamps. */
import type { Surface } from './Mesh.ts';

export interface Sphere {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly radius: number;
}

export function boundSurface(surface: Surface): Sphere {
  if (surface.kind === 'billboard') {
    const [x, y, z] = surface.foot;
    return { x, y, z: z + surface.heightM / 2, radius: Math.hypot(surface.widthM, surface.heightM) / 2 };
  }
  const { corners } = surface;
  const n = corners.length / 3;
  let [x, y, z] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    x += corners[3 * i]! / n;
    y += corners[3 * i + 1]! / n;
    z += corners[3 * i + 2]! / n;
  }
  let radius = 0;
  for (let i = 0; i < n; i++) {
    radius = Math.max(radius, Math.hypot(corners[3 * i]! - x, corners[3 * i + 1]! - y, corners[3 * i + 2]! - z));
  }
  return { x, y, z, radius };
}
