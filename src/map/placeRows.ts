/** @file Places to rows of the `place` table and back. NaN in our types is NULL in SQLite. */
import type { Place } from './Place.ts';

/** Column order of the `place` table without its id. */
export const PLACE_COLUMNS = [
  ...['image', 'stamp_ns', 'sequence', 'frame', 'label', 'lat', 'lon', 'alt'],
  ...['x', 'y', 'z', 'qx', 'qy', 'qz', 'qw', 'position_sigma_m', 'condition'],
] as const;

/** A row as read with safe integers: every INTEGER column is a bigint. */
export interface PlaceRow {
  readonly id: bigint;
  readonly image: string;
  readonly stamp_ns: bigint | null;
  readonly sequence: string | null;
  readonly frame: bigint | null;
  readonly label: string | null;
  readonly lat: number | null;
  readonly lon: number | null;
  readonly alt: number | null;
  readonly x: number | null;
  readonly y: number | null;
  readonly z: number | null;
  readonly qx: number | null;
  readonly qy: number | null;
  readonly qz: number | null;
  readonly qw: number | null;
  readonly position_sigma_m: number | null;
  readonly condition: string | null;
}

export function toPlace(row: PlaceRow): Place {
  const { lat, lon, x, y } = row;
  return {
    id: Number(row.id),
    image: row.image,
    stampNs: row.stamp_ns,
    sequence: row.sequence,
    frame: row.frame === null ? null : Number(row.frame),
    label: row.label,
    geo: lat === null || lon === null ? null : { latDeg: lat, lonDeg: lon, altM: row.alt ?? NaN },
    pose:
      x === null || y === null
        ? null
        : {
            ...{ x, y, z: row.z ?? 0 },
            ...{ qx: row.qx ?? NaN, qy: row.qy ?? NaN, qz: row.qz ?? NaN, qw: row.qw ?? NaN },
          },
    positionSigmaM: row.position_sigma_m,
    condition: row.condition,
  };
}

const orNull = (value: number | undefined): number | null =>
  value === undefined || Number.isNaN(value) ? null : value;

/** Values in the order of PLACE_COLUMNS. */
export function toPlaceValues(place: Omit<Place, 'id'>): readonly (string | number | bigint | null)[] {
  const { geo, pose } = place;
  return [
    ...[place.image, place.stampNs, place.sequence, place.frame === null ? null : BigInt(place.frame), place.label],
    ...[orNull(geo?.latDeg), orNull(geo?.lonDeg), orNull(geo?.altM)],
    ...[orNull(pose?.x), orNull(pose?.y), orNull(pose?.z)],
    ...[orNull(pose?.qx), orNull(pose?.qy), orNull(pose?.qz), orNull(pose?.qw)],
    ...[orNull(place.positionSigmaM ?? undefined), place.condition],
  ];
}
