/** @file Poses and geodetic positions as every room exchanges them. */

/** A rigid pose in the map frame: ENU metres (REP-103), unit quaternion. Of the camera unless a name says otherwise. */
export interface Pose {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly qx: number;
  readonly qy: number;
  readonly qz: number;
  readonly qw: number;
}

/** WGS-84; altitude above the ellipsoid in metres, NaN when unknown. */
export interface GeoPoint {
  readonly latDeg: number;
  readonly lonDeg: number;
  readonly altM: number;
}
