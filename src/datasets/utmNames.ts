/** @file Names that carry the position: `@utm_e@utm_n@zone@band@lat@lon@pano@tile@heading@pitch@roll@height@time@note@.jpg`. */
import { compassToYaw, wrapDegrees, yawToCompass } from '../geo/angles.ts';
import type { GeoPoint } from '../geo/Pose.ts';
import { fromUtm, toUtm } from '../geo/utm.ts';
import type { GeotaggedImage } from './GeotaggedImage.ts';
import { formatTimestamp, parseTimestamp } from './timestamps.ts';

/** Facts of a name; a subset of those of a GeotaggedImage. */
export type UtmNameFacts = Pick<GeotaggedImage, 'geo' | 'local' | 'yawRad' | 'place' | 'stampNs'>;

function parseNumber(text: string | undefined): number | null {
  if (text === undefined || text.trim() === '') return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

function parseGeo(fields: readonly string[], eastingM: number, northingM: number): Omit<GeoPoint, 'altM'> | null {
  const [latDeg, lonDeg] = [parseNumber(fields[5]), parseNumber(fields[6])];
  if (latDeg !== null && lonDeg !== null && Math.abs(latDeg) <= 90) return { latDeg, lonDeg };
  const zone = parseNumber(fields[3]);
  const band = (fields[4] ?? '').toUpperCase();
  if (zone === null || !Number.isInteger(zone) || zone < 1 || zone > 60 || !/^[C-X]$/.test(band)) return null;
  // The latitude bands from N on lie north of the equator.
  return fromUtm({ eastingM, northingM, zone, hemisphere: band >= 'N' ? 'north' : 'south' });
}

/**
 * Reads a base name; a sentence when it is not of this form. Fields beyond the position may be empty. Without zone and
 * without lat/lon, easting and northing are local metres.
 */
export function parseUtmName(name: string): UtmNameFacts | string {
  const fields = name.split('@');
  if (fields.length < 3 || fields[0] !== '') return `The name ${name} is not of the form @utm_e@utm_n@...`;
  const [eastingM, northingM] = [parseNumber(fields[1]), parseNumber(fields[2])];
  if (eastingM === null || northingM === null) {
    return `The name ${name} holds no numbers for UTM easting and northing ('${fields[1]!}', '${fields[2]!}').`;
  }
  const geo = parseGeo(fields, eastingM, northingM);
  const headingDeg = parseNumber(fields[9]);
  return {
    geo: geo === null ? null : { ...geo, altM: parseNumber(fields[12]) ?? NaN },
    local: geo === null ? { x: eastingM, y: northingM, z: 0 } : null,
    yawRad: headingDeg === null ? null : compassToYaw(headingDeg),
    place: fields[7] || null,
    stampNs: parseTimestamp(fields[13] ?? ''),
  };
}

const BANDS = 'CDEFGHJKLMNPQRSTUVWX';

function bandOf(latDeg: number): string {
  return BANDS[Math.min(19, Math.max(0, Math.floor((latDeg + 80) / 8)))]!;
}

const pad = (value: number): string => (value < 0 ? value.toFixed(2) : value.toFixed(2).padStart(10, '0'));

/** The name of an image that has a position; null without one. `note` makes it unique; `@` within it becomes `-`. */
export function formatUtmName(image: UtmNameFacts, note: string, extension: string): string | null {
  const { geo, local } = image;
  const clean = (text: string): string => text.replace(/[@/\\]/g, '-');
  let position: string[];
  if (geo !== null) {
    const utm = toUtm(geo.latDeg, geo.lonDeg);
    const degrees = [geo.latDeg.toFixed(7), geo.lonDeg.toFixed(7)];
    position = [
      pad(utm.eastingM),
      pad(utm.northingM),
      String(utm.zone).padStart(2, '0'),
      bandOf(geo.latDeg),
      ...degrees,
    ];
  } else if (local !== null) {
    position = [pad(local.x), pad(local.y), '', '', '', ''];
  } else {
    return null;
  }
  const heading = image.yawRad === null ? '' : ((wrapDegrees(yawToCompass(image.yawRad)) + 360) % 360).toFixed(2);
  const height = geo === null || Number.isNaN(geo.altM) ? '' : geo.altM.toFixed(2);
  const stamp = image.stampNs === null ? '' : formatTimestamp(image.stampNs);
  const rest = [clean(image.place ?? ''), '', heading, '', '', height, stamp, clean(note), extension];
  return ['', ...position, ...rest].join('@');
}
