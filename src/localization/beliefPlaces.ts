/** @file The places that a belief speaks of: its masses, clustered within the place radius. */
import type { MapGeometry } from './MapGeometry.ts';
import type { WeightedRow } from './poseMoments.ts';

export interface BeliefPlace {
  /** Row in the middle of the mass. */
  readonly row: number;
  /** Mass within the place radius. */
  readonly probability: number;
  /** Heaviest first. */
  readonly rows: readonly WeightedRow[];
}

/** Rows tried as the middle of the best place, and of each further one. */
const CENTRES = 12;
const FURTHER_CENTRES = 3;
/** Rows with less mass cannot change a decision. */
const NEGLIGIBLE = 1e-4;

/**
 * Greedy: the row with most mass around it is the middle of the first place; its mass is taken out, and so on.
 * Equal masses are taken by place id, so that the order of equal matches does not matter.
 */
export function computeBeliefPlaces(
  geometry: MapGeometry,
  masses: ReadonlyMap<number, number>,
  limit: number,
): BeliefPlace[] {
  const left = [...masses].filter(([, mass]) => mass >= NEGLIGIBLE).map(([row, weight]) => ({ row, weight }));
  left.sort((a, b) => b.weight - a.weight || geometry.idOf(a.row) - geometry.idOf(b.row));
  const places: BeliefPlace[] = [];
  let rest: readonly WeightedRow[] = left;
  while (rest.length > 0 && places.length < limit) {
    const place = heaviestPlace(geometry, rest, places.length === 0 ? CENTRES : FURTHER_CENTRES);
    places.push(place);
    const taken = new Set(place.rows.map(({ row }) => row));
    rest = rest.filter(({ row }) => !taken.has(row));
  }
  return places.sort((a, b) => b.probability - a.probability || geometry.idOf(a.row) - geometry.idOf(b.row));
}

function heaviestPlace(geometry: MapGeometry, rows: readonly WeightedRow[], centres: number): BeliefPlace {
  let best: BeliefPlace | null = null;
  for (const { row } of rows.slice(0, centres)) {
    const inside = rows.filter((other) => geometry.distance(row, other.row) <= geometry.placeRadius);
    const probability = Math.min(
      1,
      inside.reduce((sum, { weight }) => sum + weight, 0),
    );
    if (best === null || probability > best.probability + 1e-12) best = { row, probability, rows: inside };
  }
  return best!;
}

/** True when two rows are one place. */
export function isSamePlace(geometry: MapGeometry, rowA: number, rowB: number): boolean {
  return geometry.distance(rowA, rowB) <= geometry.placeRadius;
}
