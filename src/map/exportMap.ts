/** @file A map's descriptors as .npy and its places as a CSV source that `map build` reads again. */
import { formatCsvLine, type CsvCell } from '../datasets/formatCsv.ts';
import { formatTimestamp } from '../datasets/timestamps.ts';
import { hasHeading, yawOf } from '../geo/poseAlgebra.ts';
import { yawToCompass } from '../geo/angles.ts';
import { toNpyHeader } from '../math/npy.ts';
import { writeFileAtomically } from '../writeFileAtomically.ts';
import type { Place } from './Place.ts';
import type { PlaceMap } from './PlaceMap.ts';

const COLUMNS = [
  ...['id', 'file', 'role', 'place', 'lat', 'lon', 'alt_m', 'x_m', 'y_m', 'yaw_deg'],
  ...['frame', 'condition', 'timestamp', 'sequence', 'sigma_m'],
] as const;

/** A compass heading beside lat and lon, an ENU yaw beside x and y alone: as the CSV source reads it. */
function toYawDeg({ pose, geo }: Place): number | null {
  if (pose === null || !hasHeading(pose)) return null;
  const yawRad = yawOf(pose);
  const degrees = geo === null ? (yawRad * 180) / Math.PI : yawToCompass(yawRad);
  return Number(degrees.toFixed(9)); // through a quaternion 90 comes back as 89.99999999999999
}

function toRow(place: Place): string {
  const { geo, pose, stampNs } = place;
  const cells: Record<(typeof COLUMNS)[number], CsvCell> = {
    id: place.id,
    file: place.image,
    role: 'database',
    place: place.label,
    lat: geo?.latDeg,
    lon: geo?.lonDeg,
    alt_m: geo?.altM ?? pose?.z,
    x_m: pose?.x,
    y_m: pose?.y,
    yaw_deg: toYawDeg(place),
    frame: place.frame,
    condition: place.condition,
    timestamp: stampNs === null ? null : formatTimestamp(stampNs),
    sequence: place.sequence,
    sigma_m: place.positionSigmaM,
  };
  return formatCsvLine(COLUMNS.map((column) => cells[column]));
}

/** [places, D] float32, in ascending place id. */
export async function exportDescriptors(map: PlaceMap, path: string): Promise<void> {
  const { descriptors, size, dimension } = map;
  const bytes = new Uint8Array(descriptors.buffer, descriptors.byteOffset, descriptors.byteLength);
  await writeFileAtomically(path, [toNpyHeader([size, dimension], 'f4'), bytes]);
}

/** One row a place, in the order of the exported descriptors. */
export async function exportPlaces(map: PlaceMap, path: string): Promise<void> {
  await writeFileAtomically(path, `${[COLUMNS.join(','), ...map.places.map(toRow)].join('\n')}\n`);
}
