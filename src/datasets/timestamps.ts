/** @file Points in time as data sets write them, to nanoseconds since the Unix epoch. */

/** From this many digits on an integer is nanoseconds: as seconds it would lie thirty million years ahead. */
const NANOSECOND_DIGITS = 16;

/**
 * Parses decimal seconds since 1970 (`1694012345.125`, exact to the nanosecond), integer nanoseconds (16 digits or more)
 * or ISO 8601 (`2023-09-06T15:39:05Z`; UTC where no zone is given). Null for anything else.
 */
export function parseTimestamp(text: string): bigint | null {
  const decimal = /^(\d+)(?:\.(\d+))?$/.exec(text);
  if (decimal !== null) {
    const [, whole, fraction] = decimal;
    if (fraction === undefined && whole!.length >= NANOSECOND_DIGITS) return BigInt(whole!);
    return BigInt(whole!) * 1_000_000_000n + BigInt((fraction ?? '').padEnd(9, '0').slice(0, 9));
  }
  if (!/^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(text)) return null;
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/.test(text.slice(10));
  const isDateOnly = text.length === 10;
  const ms = Date.parse(text.replace(' ', 'T') + (hasZone || isDateOnly ? '' : 'Z'));
  return Number.isNaN(ms) ? null : BigInt(ms) * 1_000_000n;
}

/** Seconds since 1970 with nine decimals: what `parseTimestamp` reads back exactly. */
export function formatTimestamp(stampNs: bigint): string {
  return `${stampNs / 1_000_000_000n}.${(stampNs % 1_000_000_000n).toString().padStart(9, '0')}`;
}
