/** @file Position, heading and time that a camera wrote into its JPEG. */
import exifr from 'exifr';
import { compassToYaw } from '../geo/angles.ts';
import type { GeotaggedImage } from './GeotaggedImage.ts';

export type ExifFacts = Pick<GeotaggedImage, 'geo' | 'yawRad' | 'positionSigmaM' | 'stampNs'>;

/** Raw tags: times as `2023:09:06 15:39:05`, GPS angles as three numbers with their hemisphere beside them. */
type ExifTags = Readonly<Record<string, unknown>>;

const PICKED = [
  ...['GPSLatitude', 'GPSLatitudeRef', 'GPSLongitude', 'GPSLongitudeRef', 'GPSAltitude', 'GPSAltitudeRef'],
  ...['GPSImgDirection', 'GPSHPositioningError', 'GPSDateStamp', 'GPSTimeStamp'],
  ...['DateTimeOriginal', 'OffsetTimeOriginal', 'SubSecTimeOriginal'],
];

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

function readAngle(tags: ExifTags, tag: string, negative: string): number | null {
  const parts = tags[tag];
  const reference = tags[`${tag}Ref`];
  if (!Array.isArray(parts) || parts.length !== 3 || !parts.every(isNumber)) return null;
  const [degrees, minutes, seconds] = parts as [number, number, number];
  const angle = degrees + minutes / 60 + seconds / 3600;
  return typeof reference === 'string' && reference.toUpperCase().startsWith(negative) ? -angle : angle;
}

function readGeo(tags: ExifTags): GeotaggedImage['geo'] {
  const latDeg = readAngle(tags, 'GPSLatitude', 'S');
  const lonDeg = readAngle(tags, 'GPSLongitude', 'W');
  if (latDeg === null || lonDeg === null || Math.abs(latDeg) > 90 || Math.abs(lonDeg) > 180) return null;
  if (latDeg === 0 && lonDeg === 0) return null; // what receivers without a fix write
  const below = tags.GPSAltitudeRef;
  const isBelow = below === 1 || (below instanceof Uint8Array && below[0] === 1);
  // EXIF counts from sea level; the tens of metres to the ellipsoid are the same all over a map.
  const altM = isNumber(tags.GPSAltitude) ? (isBelow ? -tags.GPSAltitude : tags.GPSAltitude) : NaN;
  return { latDeg, lonDeg, altM };
}

function toNanoseconds(isoText: string, fraction: string): bigint | null {
  const ms = Date.parse(isoText);
  if (Number.isNaN(ms)) return null;
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
}

/** The camera's clock with its fractions; the GPS clock (whole seconds, UTC) where the camera names no offset. */
function readStamp(tags: ExifTags): bigint | null {
  const camera = typeof tags.DateTimeOriginal === 'string' ? tags.DateTimeOriginal : '';
  const match = /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)/.exec(camera);
  const offset = typeof tags.OffsetTimeOriginal === 'string' ? tags.OffsetTimeOriginal.trim() : '';
  const hasOffset = /^[+-]\d\d:\d\d$/.test(offset);
  const gpsDate = typeof tags.GPSDateStamp === 'string' ? tags.GPSDateStamp.replaceAll(':', '-').trim() : '';
  const gpsTime = tags.GPSTimeStamp;
  if (!hasOffset && gpsDate !== '' && Array.isArray(gpsTime) && gpsTime.length === 3 && gpsTime.every(isNumber)) {
    const midnight = toNanoseconds(`${gpsDate}T00:00:00Z`, '');
    const [hours, minutes, seconds] = gpsTime as [number, number, number];
    if (midnight !== null)
      return midnight + BigInt(Math.round((hours * 3600 + minutes * 60 + seconds) * 1e3)) * 1_000_000n;
  }
  if (match === null) return null;
  const subSeconds = tags.SubSecTimeOriginal;
  const fraction = typeof subSeconds === 'string' ? subSeconds.trim() : '';
  const [, year, month, day, time] = match;
  const iso = `${year!}-${month!}-${day!}T${time!}${hasOffset ? offset : 'Z'}`;
  return toNanoseconds(iso, /^\d+$/.test(fraction) ? fraction : '');
}

/** Pure: what the tags say. The direction is taken as true north; the few degrees to the magnetic one are within its error. */
export function parseExifTags(tags: ExifTags): ExifFacts {
  const direction = tags.GPSImgDirection;
  return {
    geo: readGeo(tags),
    yawRad: isNumber(direction) && direction >= 0 && direction <= 360 ? compassToYaw(direction) : null,
    positionSigmaM: isNumber(tags.GPSHPositioningError) ? tags.GPSHPositioningError : null,
    stampNs: readStamp(tags),
  };
}

/** The reader's file, which its types do not tell of. */
interface OpenedFile {
  readonly file?: { close?(): Promise<void> };
}

/** Closes the file also where the library does not: when it is of no kind that it understands. */
async function readTags(path: string): Promise<ExifTags> {
  const reader = new exifr.Exifr({ pick: PICKED, reviveValues: false, translateValues: false, mergeOutput: true });
  try {
    await reader.read(path);
    return ((await reader.parse()) as ExifTags | undefined) ?? {};
  } finally {
    await (reader as OpenedFile).file?.close?.();
  }
}

/** Reads the head of an image file. Files without EXIF, or with a damaged one, give no facts. */
export async function readExifFacts(path: string): Promise<ExifFacts> {
  return parseExifTags(await readTags(path).catch(() => ({})));
}
