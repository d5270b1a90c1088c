/** @file Values of options: from text to numbers, or a sentence that says what was expected. */
import { InvalidArgumentError } from 'commander';
import type { GeoPoint } from '../geo/Pose.ts';

function parseNumber(text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Expected a number.');
}

export function parsePositiveNumber(text: string): number {
  const value = parseNumber(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('Expected a number above 0.');
}

/** Returns a parser of numbers from `least` to `most`. */
export function parseNumberWithin(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = parseNumber(text);
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a number from ${least} to ${most}.`);
  };
}

/** `640x480`: width and height in pixels. */
export function parseImageSize(text: string): { readonly width: number; readonly height: number } {
  const [, width, height] = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(text.trim()) ?? [];
  if (width !== undefined) return { width: Number(width), height: Number(height) };
  throw new InvalidArgumentError('Expected WIDTHxHEIGHT in pixels, e.g. 640x480.');
}

/** Returns a parser of whole numbers from `least` on, up to `most`. */
export function parseInteger(least: number, most = Infinity): (text: string) => number {
  return (text) => {
    const value = parseNumber(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} ${most === Infinity ? 'on' : `to ${most}`}.`);
  };
}

const BYTE_UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KB: 1e3, MB: 1e6, GB: 1e9 };

/** `500MB`, `1.5 GB`: bytes, powers of ten as `map info` prints them. */
export function parseBytes(text: string): number {
  const [, digits, unit] = /^([\d.]+)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const bytes = Number(digits) * (BYTE_UNITS[unit?.toUpperCase() ?? ''] ?? NaN);
  if (bytes > 0) return bytes;
  throw new InvalidArgumentError('Expected a size above 0, e.g. 500MB or 2GB.');
}

/** `LAT,LON` or `LAT,LON,ALT`. */
export function parseGeoPoint(text: string): GeoPoint {
  const parts = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  const [latDeg = NaN, lonDeg = NaN, altM = 0] = parts;
  const isPosition = Math.abs(latDeg) <= 90 && lonDeg >= -180 && lonDeg <= 360 && Number.isFinite(altM);
  if (isPosition && parts.length <= 3) return { latDeg, lonDeg, altM };
  throw new InvalidArgumentError('Expected LAT,LON or LAT,LON,ALT in degrees and metres, e.g. 52.2050,0.1196.');
}
