/** @file Angles: wrapping, compass headings, circular means. ENU yaw is 0 at east, counter-clockwise (REP-103). */

/** Into (-pi, pi]. */
export function wrapAngle(rad: number): number {
  const wrapped = rad - 2 * Math.PI * Math.ceil((rad - Math.PI) / (2 * Math.PI));
  return wrapped <= -Math.PI ? Math.PI : wrapped;
}

/** Into [-180, 180): the date line is -180. */
export function wrapDegrees(deg: number): number {
  if (deg >= -180 && deg < 180) return deg; // keeps the digits of what needs no wrapping
  const wrapped = deg - 360 * Math.floor((deg + 180) / 360);
  return wrapped >= 180 ? -180 : wrapped;
}

/** Compass heading (0 north, clockwise, degrees) -> ENU yaw (radians). */
export function compassToYaw(headingDeg: number): number {
  return wrapAngle(((90 - headingDeg) * Math.PI) / 180);
}

/** ENU yaw (radians) -> compass heading in [0, 360). */
export function yawToCompass(yawRad: number): number {
  const heading = (90 - (yawRad * 180) / Math.PI) % 360;
  return heading < 0 ? (heading + 360) % 360 : heading;
}

export interface CircularMean {
  readonly meanRad: number;
  /** Length of the mean direction vector: 1 = all alike, 0 = no direction at all (the mean is then meaningless). */
  readonly resultant: number;
}

/** Weighted mean direction. NaN with resultant 0 when there is no weight; angles that are NaN are left out. */
export function circularMean(anglesRad: readonly number[], weights?: readonly number[]): CircularMean {
  let sin = 0;
  let cos = 0;
  let total = 0;
  anglesRad.forEach((angle, index) => {
    const weight = weights?.[index] ?? 1;
    if (!Number.isFinite(angle) || !(weight > 0)) return;
    sin += weight * Math.sin(angle);
    cos += weight * Math.cos(angle);
    total += weight;
  });
  if (!(total > 0)) return { meanRad: Number.NaN, resultant: 0 };
  return { meanRad: Math.atan2(sin, cos), resultant: Math.min(1, Math.hypot(sin, cos) / total) };
}
