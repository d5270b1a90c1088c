/** @file Distances along the ellipsoid. */
import { getDistance, getPreciseDistance } from 'geolib';
import type { GeoPoint } from './Pose.ts';

/** Metres along the WGS-84 geodesic (Vincenty), to a millimetre; altitudes are ignored. */
export function geodesicDistanceM(a: GeoPoint, b: GeoPoint): number {
  const [from, to] = [
    { lat: a.latDeg, lon: a.lonDeg },
    { lat: b.latDeg, lon: b.lonDeg },
  ];
  const vincenty = getPreciseDistance(from, to, 0.001);
  // Vincenty has no answer where both points coincide on the equator, or are antipodes: the sphere's is 0, or within 0.6 %.
  return Number.isNaN(vincenty) ? getDistance(from, to, 0.001) : vincenty;
}
