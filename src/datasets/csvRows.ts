/** @file One row of a CSV source, checked field by field (docs/formats.md, CSV source). */
import { compassToYaw } from '../geo/angles.ts';
import type { GeotaggedImage } from './GeotaggedImage.ts';
import { createGeotaggedImage } from './GeotaggedImage.ts';
import { parseTimestamp } from './timestamps.ts';

/** Columns that are read; others are ignored. Each is optional except `file`. */
export const CSV_COLUMNS = [
  ...['file', 'role', 'place', 'lat', 'lon', 'alt_m', 'x_m', 'y_m', 'yaw_deg', 'frame', 'condition', 'timestamp'],
  ...['sequence', 'sigma_m'],
] as const satisfies readonly string[];

export type CsvRow = Readonly<Record<string, string | undefined>>;

/** Thrown within this file only; the message becomes the row's problem. */
class FieldError extends Error {}

function readNumber(row: CsvRow, column: string, [low, high]: readonly [number, number]): number | null {
  const text = row[column] ?? '';
  if (text === '') return null;
  const value = Number(text);
  if (!Number.isFinite(value)) throw new FieldError(`Column ${column} holds '${text}', which is not a number.`);
  if (value < low || value > high) throw new FieldError(`Column ${column} holds ${text}, expected ${low} to ${high}.`);
  return value;
}

const ANY = [-Infinity, Infinity] as const;

function readPair(
  row: CsvRow,
  columns: readonly [string, string],
  limits: readonly [number, number],
): [number, number] | null {
  const first = readNumber(row, columns[0], [-limits[0], limits[0]]);
  const second = readNumber(row, columns[1], [-limits[1], limits[1]]);
  if ((first === null) !== (second === null)) {
    throw new FieldError(`Only one of the columns ${columns.join(' and ')} is filled; a position needs both.`);
  }
  return first === null || second === null ? null : [first, second];
}

function readFrame(row: CsvRow): number | null {
  const frame = readNumber(row, 'frame', ANY);
  if (frame !== null && !Number.isInteger(frame))
    throw new FieldError(`Column frame holds ${frame}, expected an integer.`);
  return frame;
}

function readStamp(row: CsvRow): bigint | null {
  const text = row.timestamp ?? '';
  if (text === '') return null;
  const stamp = parseTimestamp(text);
  if (stamp !== null) return stamp;
  throw new FieldError(
    `Column timestamp holds '${text}', expected seconds since 1970, nanoseconds (16 digits or more) or ISO 8601.`,
  );
}

/** With lat/lon the yaw is a compass heading, otherwise an ENU angle; radians, ENU. */
function readYaw(row: CsvRow, isGeodetic: boolean): number | null {
  const degrees = readNumber(row, 'yaw_deg', ANY);
  if (degrees === null) return null;
  return isGeodetic ? compassToYaw(degrees) : (degrees * Math.PI) / 180;
}

/** The image of a row, or the sentence that says what is wrong with it. `path` is where `file` leads to. */
export function parseCsvRow(row: CsvRow, path: string): GeotaggedImage | string {
  const text = (column: string): string | null => row[column] || null;
  try {
    const latLon = readPair(row, ['lat', 'lon'], [90, 360]);
    const xy = readPair(row, ['x_m', 'y_m'], [Infinity, Infinity]);
    return createGeotaggedImage(
      row.file!,
      { kind: 'file', path },
      {
        role: text('role'),
        place: text('place'),
        geo:
          latLon === null ? null : { latDeg: latLon[0], lonDeg: latLon[1], altM: readNumber(row, 'alt_m', ANY) ?? NaN },
        local:
          xy === null ? null : { x: xy[0], y: xy[1], z: latLon === null ? (readNumber(row, 'alt_m', ANY) ?? 0) : 0 },
        yawRad: readYaw(row, latLon !== null),
        positionSigmaM: readNumber(row, 'sigma_m', [0, Infinity]),
        stampNs: readStamp(row),
        sequence: text('sequence'),
        frame: readFrame(row),
        condition: text('condition'),
      },
    );
  } catch (error) {
    if (error instanceof FieldError) return error.message;
    throw error;
  }
}
