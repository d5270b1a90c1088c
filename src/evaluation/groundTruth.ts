/** @file Which database rows show the place of a query: by radius, by frames, by place, by pairs. */
import type { GroundTruth } from './recall.ts';

/** Metres in one Cartesian frame. float64: with UTM northings in float32 (0.25..0.5 m apart) pairs come and go. */
export interface PlanarPosition {
  readonly x: number;
  readonly y: number;
}

const NOTHING: ReadonlySet<number> = new Set();

/** Rows within the radius, the border included. Null = no position, no truth. */
export function computeRadiusTruth(
  queries: readonly (PlanarPosition | null)[],
  database: readonly (PlanarPosition | null)[],
  radiusM: number,
): GroundTruth {
  const cellOf = (value: number): number => Math.floor(value / radiusM);
  const cells = new Map<string, number[]>();
  database.forEach((position, row) => {
    if (position === null) return;
    const key = `${cellOf(position.x)},${cellOf(position.y)}`;
    const rows = cells.get(key);
    if (rows === undefined) cells.set(key, [row]);
    else rows.push(row);
  });
  return queries.map((position) => {
    if (position === null) return NOTHING;
    const { x, y } = position;
    const near = [-1, 0, 1].flatMap((i) =>
      [-1, 0, 1].flatMap((j) => cells.get(`${cellOf(x) + i},${cellOf(y) + j}`) ?? []),
    );
    const isWithin = (row: number): boolean => Math.hypot(database[row]!.x - x, database[row]!.y - y) <= radiusM;
    return new Set(near.filter(isWithin));
  });
}

export interface FramePosition {
  readonly sequence: string | null;
  readonly frame: number | null;
}

/**
 * Rows at most `frames` away in the frame numbering. A query of a sequence that the database holds too is compared with
 * that sequence only; otherwise frame i of the query's traverse is taken to be the place of frame i of every traverse.
 */
export function computeFrameTruth(
  queries: readonly FramePosition[],
  database: readonly FramePosition[],
  frames: number,
): GroundTruth {
  const sequences = new Set(database.map(({ sequence }) => sequence));
  return queries.map(({ sequence, frame }) => {
    if (frame === null) return NOTHING;
    const isShared = sequence !== null && sequences.has(sequence);
    const rows = new Set<number>();
    database.forEach((other, row) => {
      if (other.frame === null || (isShared && other.sequence !== sequence)) return;
      if (Math.abs(other.frame - frame) <= frames) rows.add(row);
    });
    return rows;
  });
}

/** Rows with the same place label. */
export function computeLabelTruth(
  queries: readonly (string | null)[],
  database: readonly (string | null)[],
): GroundTruth {
  const rowsOf = new Map<string, Set<number>>();
  database.forEach((label, row) => {
    if (label !== null) rowsOf.set(label, (rowsOf.get(label) ?? new Set()).add(row));
  });
  return queries.map((label) => (label === null ? NOTHING : (rowsOf.get(label) ?? NOTHING)));
}
