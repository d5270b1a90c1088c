/** @file IEEE 754 binary16: half the memory of a feature cache. Rounds to nearest, ties to even. */

const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

/** Bits of the nearest half; beyond 65,504 infinity, NaN stays NaN. */
export function toFloat16(value: number): number {
  FLOAT[0] = value;
  const bits = BITS[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65,536 and more
  if (magnitude < 0x38800000) return sign | Math.trunc(roundToEven(Math.abs(value) * 2 ** 24)); // subnormal: units of 2^-24
  // Rebias the exponent by 112; the carry of the rounding may run into it, as it should.
  const kept = (magnitude - 0x38000000) >>> 13;
  const rest = magnitude & 0x1fff;
  const roundsUp = rest > 0x1000 || (rest === 0x1000 && (kept & 1) === 1);
  return sign | (kept + (roundsUp ? 1 : 0));
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

function decode(half: number): number {
  const sign = (half & 0x8000) === 0 ? 1 : -1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Value of every half by its bits: decoding a cache is one look-up a value. */
const VALUES = Float32Array.from({ length: 0x10000 }, (_unused, half) => decode(half));

export function fromFloat16(half: number): number {
  return VALUES[half]!;
}

/** Encodes `values` into `out`. */
export function encodeFloat16(values: Float32Array, out: Uint16Array): void {
  for (let i = 0; i < values.length; i++) out[i] = toFloat16(values[i]!);
}

/** Decodes `halves` into `out`. */
export function decodeFloat16(halves: Uint16Array, out: Float32Array): void {
  for (let i = 0; i < halves.length; i++) out[i] = VALUES[halves[i]!]!;
}
