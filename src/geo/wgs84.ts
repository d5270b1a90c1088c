/** @file The WGS-84 ellipsoid: geodetic <-> earth-centred earth-fixed (ECEF). */
import type { GeoPoint } from './Pose.ts';

/** Semi-major axis, metres. */
export const WGS84_A = 6_378_137;
/** Flattening. */
export const WGS84_F = 1 / 298.257223563;
const B = WGS84_A * (1 - WGS84_F);
const E2 = WGS84_F * (2 - WGS84_F);
const EP2 = E2 / (1 - E2);
const DEG = Math.PI / 180;

export interface Vector3 {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** ECEF metres. An unknown altitude (NaN) is taken as 0. */
export function geodeticToEcef(point: GeoPoint): Vector3 {
  const lat = point.latDeg * DEG;
  const lon = point.lonDeg * DEG;
  const alt = Number.isNaN(point.altM) ? 0 : point.altM;
  const sinLat = Math.sin(lat);
  const cosLat = Math.cos(lat);
  const n = WGS84_A / Math.sqrt(1 - E2 * sinLat * sinLat);
  return {
    x: (n + alt) * cosLat * Math.cos(lon),
    y: (n + alt) * cosLat * Math.sin(lon),
    z: (n * (1 - E2) + alt) * sinLat,
  };
}

/**
 * Geodetic position of an ECEF point by Bowring's formula, iterated on the parametric latitude.
 * Three rounds reach float64 from 1,000 km below to 10,000 km above the ellipsoid, poles included.
 */
export function ecefToGeodetic(point: Vector3): GeoPoint {
  const p = Math.hypot(point.x, point.y);
  let beta = Math.atan2(point.z, (1 - WGS84_F) * p);
  let lat = 0;
  for (let round = 0; round < 3; round++) {
    const sinBeta = Math.sin(beta);
    const cosBeta = Math.cos(beta);
    lat = Math.atan2(point.z + EP2 * B * sinBeta ** 3, p - E2 * WGS84_A * cosBeta ** 3);
    beta = Math.atan2((1 - WGS84_F) * Math.sin(lat), Math.cos(lat));
  }
  const sinLat = Math.sin(lat);
  // This form of the height has no division that vanishes at the poles or at the equator.
  const altM = p * Math.cos(lat) + point.z * sinLat - WGS84_A * Math.sqrt(1 - E2 * sinLat * sinLat);
  return { latDeg: lat / DEG, lonDeg: Math.atan2(point.y, point.x) / DEG, altM };
}
