/** @file Which places of the map one of its own images may be retrieved against, so that the answer says something. */
import type { ChartPoint } from './ChartGrid.ts';
import { pointOf, type MapGeometry } from './MapGeometry.ts';

/** Closer than this is the same stand of the camera: a panorama, a robot that waited. Metres. */
const SAME_STAND_M = 0.1;
/** Places that share no view: this many place radii away. */
const FOREIGN_RADII = 3;

/** The image itself, and what was taken at the same stand: its panorama. */
export function isOwnStand(geometry: MapGeometry, rowA: number, rowB: number): boolean {
  return rowA === rowB || (geometry.chart[rowA] === 0 && geometry.distance(rowA, rowB) < SAME_STAND_M);
}

/** The image itself, its panorama, its moment, and its neighbours in the same pass: finding those proves nothing. */
export function isOwnView(geometry: MapGeometry, rowA: number, rowB: number): boolean {
  if (isOwnStand(geometry, rowA, rowB)) return true;
  const [a, b] = [geometry.places[rowA]!, geometry.places[rowB]!];
  // Images without a sequence are photographs in no order; in a topological map the order is all there is.
  if (a.sequence !== b.sequence || (a.sequence === null && geometry.chart[rowA] === 0)) return false;
  return Math.abs(geometry.moment[rowA]! - geometry.moment[rowB]!) <= 1;
}

/** Far enough from a point that a match can only be an impostor. */
export function isForeign(geometry: MapGeometry, from: ChartPoint, row: number): boolean {
  const there = pointOf(geometry, row);
  if (there.chart !== from.chart) return true;
  return Math.hypot(there.x - from.x, there.y - from.y) > FOREIGN_RADII * geometry.placeRadius;
}

/** `count` rows spread evenly over the map. */
export function spreadRows(geometry: MapGeometry, count: number): number[] {
  const n = geometry.places.length;
  const wanted = Math.min(n, count);
  return Array.from({ length: wanted }, (_, index) => Math.floor((index * n) / wanted));
}
