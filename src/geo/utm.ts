/** @file Universal Transverse Mercator, both ways, by Krüger's series to n^6 (Karney 2011, eq. 7-36): nanometres within a zone. */
import { NetvladError } from '../errors.ts';
import { wrapDegrees } from './angles.ts';
import { WGS84_A, WGS84_F } from './wgs84.ts';

/** Metres in float64: in float32 a northing is known to half a metre only, which changes which images are neighbours. */
export interface UtmPoint {
  readonly eastingM: number;
  readonly northingM: number;
  /** 1..60. */
  readonly zone: number;
  readonly hemisphere: 'north' | 'south';
}

const K0 = 0.9996;
const FALSE_EASTING_M = 500_000;
const FALSE_NORTHING_SOUTH_M = 10_000_000;
const N = WGS84_F / (2 - WGS84_F);
const E = Math.sqrt(WGS84_F * (2 - WGS84_F));
/** Radius of the rectifying sphere. */
const A = (WGS84_A / (1 + N)) * (1 + N ** 2 / 4 + N ** 4 / 64 + N ** 6 / 256);

/** Polynomials in n: coefficient j of the forward and of the inverse series (Karney 2011, eq. 35 and 36). */
const ALPHA = [
  polynomial([1 / 2, -2 / 3, 5 / 16, 41 / 180, -127 / 288, 7891 / 37800], 1),
  polynomial([13 / 48, -3 / 5, 557 / 1440, 281 / 630, -1983433 / 1935360], 2),
  polynomial([61 / 240, -103 / 140, 15061 / 26880, 167603 / 181440], 3),
  polynomial([49561 / 161280, -179 / 168, 6601661 / 7257600], 4),
  polynomial([34729 / 80640, -3418889 / 1995840], 5),
  polynomial([212378941 / 319334400], 6),
];
const BETA = [
  polynomial([1 / 2, -2 / 3, 37 / 96, -1 / 360, -81 / 512, 96199 / 604800], 1),
  polynomial([1 / 48, 1 / 15, -437 / 1440, 46 / 105, -1118711 / 3870720], 2),
  polynomial([17 / 480, -37 / 840, -209 / 4480, 5569 / 90720], 3),
  polynomial([4397 / 161280, -11 / 504, -830251 / 7257600], 4),
  polynomial([4583 / 161280, -108847 / 3991680], 5),
  polynomial([20648693 / 638668800], 6),
];

/** The zone of a position, with the exceptions of Norway and Svalbard. */
export function utmZone(latDeg: number, lonDeg: number): number {
  const lon = wrapDegrees(lonDeg);
  if (latDeg >= 56 && latDeg < 64 && lon >= 3 && lon < 12) return 32;
  if (latDeg >= 72 && latDeg < 84 && lon >= 0 && lon < 42) return lon < 9 ? 31 : lon < 21 ? 33 : lon < 33 ? 35 : 37;
  return Math.min(60, Math.floor((lon + 180) / 6) + 1);
}

/** `zone` forces a neighbouring zone, so that a map across a border has one grid. Throws outside -90..90 degrees of latitude. */
export function toUtm(latDeg: number, lonDeg: number, zone = utmZone(latDeg, lonDeg)): UtmPoint {
  if (!(Math.abs(latDeg) <= 90) || !Number.isFinite(lonDeg)) {
    throw new NetvladError('bad-input', `${latDeg}, ${lonDeg} is not a WGS-84 position: latitude must lie in -90..90.`);
  }
  const dLon = (wrapDegrees(lonDeg - centralMeridianDeg(zone)) * Math.PI) / 180;
  const sinLat = Math.sin((latDeg * Math.PI) / 180);
  // Tangent of the conformal latitude.
  const tau =
    Math.abs(latDeg) === 90 ? Math.sign(latDeg) * 1e16 : Math.sinh(Math.atanh(sinLat) - E * Math.atanh(E * sinLat));
  const xi = Math.atan2(tau, Math.cos(dLon));
  const eta = Math.asinh(Math.sin(dLon) / Math.hypot(tau, Math.cos(dLon)));
  const [xiSum, etaSum] = sumSeries(ALPHA, xi, eta);
  const northing = K0 * A * (xi + xiSum);
  return {
    eastingM: FALSE_EASTING_M + K0 * A * (eta + etaSum),
    northingM: latDeg < 0 ? northing + FALSE_NORTHING_SOUTH_M : northing,
    zone,
    hemisphere: latDeg < 0 ? 'south' : 'north',
  };
}

/** Inverse of `toUtm`. */
export function fromUtm(point: UtmPoint): { readonly latDeg: number; readonly lonDeg: number } {
  const northing = point.hemisphere === 'south' ? point.northingM - FALSE_NORTHING_SOUTH_M : point.northingM;
  const xi = northing / (K0 * A);
  const eta = (point.eastingM - FALSE_EASTING_M) / (K0 * A);
  const [xiSum, etaSum] = sumSeries(BETA, xi, eta);
  const xi0 = xi - xiSum;
  const eta0 = eta - etaSum;
  const lat = geographicLatitude(Math.sin(xi0) / Math.hypot(Math.sinh(eta0), Math.cos(xi0)));
  const lonDeg = (Math.atan2(Math.sinh(eta0), Math.cos(xi0)) * 180) / Math.PI + centralMeridianDeg(point.zone);
  return { latDeg: (lat * 180) / Math.PI, lonDeg: wrapDegrees(lonDeg) };
}

function centralMeridianDeg(zone: number): number {
  if (!Number.isInteger(zone) || zone < 1 || zone > 60) {
    throw new NetvladError('bad-input', `UTM zone ${zone} does not exist: zones are whole numbers 1..60.`);
  }
  return zone * 6 - 183;
}

/** Latitude from the tangent of the conformal latitude, by Newton's method (Karney 2011, eq. 19-21). */
function geographicLatitude(tauPrime: number): number {
  const e2 = E * E;
  let tau = tauPrime / (1 - e2);
  if (!Number.isFinite(tau) || Math.abs(tau) > 1e15) return (Math.sign(tauPrime) * Math.PI) / 2;
  for (let round = 0; round < 5; round++) {
    const sigma = Math.sinh(E * Math.atanh((E * tau) / Math.hypot(1, tau)));
    const estimate = tau * Math.hypot(1, sigma) - sigma * Math.hypot(1, tau);
    const slope = (1 + (1 - e2) * tau * tau) / ((1 - e2) * Math.hypot(1, tau));
    tau += ((tauPrime - estimate) / Math.hypot(1, estimate)) * slope;
  }
  return Math.atan(tau);
}

function sumSeries(coefficients: readonly number[], xi: number, eta: number): [number, number] {
  let xiSum = 0;
  let etaSum = 0;
  coefficients.forEach((coefficient, index) => {
    const twoJ = 2 * (index + 1);
    xiSum += coefficient * Math.sin(twoJ * xi) * Math.cosh(twoJ * eta);
    etaSum += coefficient * Math.cos(twoJ * xi) * Math.sinh(twoJ * eta);
  });
  return [xiSum, etaSum];
}

/** sum_i c_i n^(first + i). */
function polynomial(coefficients: readonly number[], first: number): number {
  return coefficients.reduce((sum, coefficient, index) => sum + coefficient * N ** (first + index), 0);
}
