/** @file Points in time as data sets write them, to nanoseconds since the Unix epoch. */

/** From this many digits on an integer is nanoseconds: as seconds it would lie thirty million years ahead. */
const NANOSECOND_DIGITS = 16;

/**
 * Parses decimal seconds since 1970 (`1694012345.125`, exact to the nanosecond; also `1.694012345125e+09`, as numpy.savetxt
 * writes them), integer nanoseconds (16 digits or more) or ISO 8601 (`2023-09-06T15:39:05Z`; UTC where no zone is given). Null
 * for anything else.
 */
export function parseTimestamp(text: string): bigint | null {
  const decimal = /^(\d+)(?:\.(\d*))?(?:e([+-]?\d{1,2}))?$/i.exec(text);
  if (decimal !== null) {
    const [, whole, fraction = '', exponent = '0'] = decimal;
    return toNanoseconds(whole!, fraction, Number(exponent));
  }
  if (!/^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(text)) return null;
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/.test(text.slice(10));
  const isDateOnly = text.length === 10;
  const ms = Date.parse(text.replace(' ', 'T') + (hasZone || isDateOnly ? '' : 'Z'));
  return Number.isNaN(ms) ? null : BigInt(ms) * 1_000_000n;
}

/** Of the digits before and behind a point that moves to the right by `exponent`; digits behind the ninth decimal are cut off. */
function toNanoseconds(whole: string, fraction: string, exponent: number): bigint {
  const digits = `${whole}${fraction}`;
  const point = whole.length + exponent;
  const seconds = digits.slice(0, Math.max(0, point)).padEnd(point, '0') || '0';
  const decimals = `${'0'.repeat(Math.max(0, -point))}${digits.slice(Math.max(0, point))}`;
  if (/^0*$/.test(decimals) && seconds.length >= NANOSECOND_DIGITS) return BigInt(seconds);
  return BigInt(seconds) * 1_000_000_000n + BigInt(decimals.padEnd(9, '0').slice(0, 9));
}

/** Seconds since 1970 with nine decimals: what `parseTimestamp` reads back exactly. */
export function formatTimestamp(stampNs: bigint): string {
  if (stampNs < 0n) return `-${formatTimestamp(-stampNs)}`;
  return `${stampNs / 1_000_000_000n}.${(stampNs % 1_000_000_000n).toString().padStart(9, '0')}`;
}
