/** @file A map's datum: WGS-84 <-> local east-north-up metres, a tangent plane (REP-103, REP-105). */
import { NetvladError } from '../errors.ts';
import type { GeoPoint } from './Pose.ts';
import { ecefToGeodetic, geodeticToEcef, type Vector3 } from './wgs84.ts';

/** The origin of a map frame on the earth. Make it with `createDatum`. */
export interface LocalDatum {
  readonly geo: GeoPoint;
  readonly ecef: Vector3;
  /** Rows of the rotation ECEF -> ENU: east, north, up. */
  readonly east: Vector3;
  readonly north: Vector3;
  readonly up: Vector3;
}

/** Throws `bad-input` when the position is not finite or outside -90..90, -180..360 degrees. */
export function createDatum(geo: GeoPoint): LocalDatum {
  if (!isGeoPosition(geo)) {
    throw new NetvladError('bad-input', `The datum ${geo.latDeg}, ${geo.lonDeg} is not a WGS-84 position.`, {
      hint: 'Latitude must lie in -90..90, longitude in -180..360 degrees.',
    });
  }
  const lat = (geo.latDeg * Math.PI) / 180;
  const lon = (geo.lonDeg * Math.PI) / 180;
  const [sinLat, cosLat, sinLon, cosLon] = [Math.sin(lat), Math.cos(lat), Math.sin(lon), Math.cos(lon)];
  return {
    geo,
    ecef: geodeticToEcef(geo),
    east: { x: -sinLon, y: cosLon, z: 0 },
    north: { x: -sinLat * cosLon, y: -sinLat * sinLon, z: cosLat },
    up: { x: cosLat * cosLon, y: cosLat * sinLon, z: sinLat },
  };
}

/** True for finite coordinates within the ranges of latitude and longitude; the altitude may be unknown. */
export function isGeoPosition(geo: GeoPoint): boolean {
  return Math.abs(geo.latDeg) <= 90 && geo.lonDeg >= -180 && geo.lonDeg <= 360;
}

/**
 * ENU metres in the datum's tangent plane. A point of unknown altitude is taken at the datum's altitude; its z then
 * holds only the earth's curvature (-0.8 m at 3.2 km).
 */
export function toEnu(datum: LocalDatum, geo: GeoPoint): Vector3 {
  const ecef = geodeticToEcef(Number.isNaN(geo.altM) ? { ...geo, altM: datum.geo.altM } : geo);
  const delta = { x: ecef.x - datum.ecef.x, y: ecef.y - datum.ecef.y, z: ecef.z - datum.ecef.z };
  return { x: dot(datum.east, delta), y: dot(datum.north, delta), z: dot(datum.up, delta) };
}

/** Inverse of `toEnu`; the altitude is unknown (NaN) when the datum's is. */
export function toGeodetic(datum: LocalDatum, local: Vector3): GeoPoint {
  const { ecef, east, north, up } = datum;
  const geo = ecefToGeodetic({
    x: ecef.x + east.x * local.x + north.x * local.y + up.x * local.z,
    y: ecef.y + east.y * local.x + north.y * local.y + up.y * local.z,
    z: ecef.z + east.z * local.x + north.z * local.y + up.z * local.z,
  });
  return Number.isNaN(datum.geo.altM) ? { ...geo, altM: Number.NaN } : geo;
}

function dot(a: Vector3, b: Vector3): number {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
