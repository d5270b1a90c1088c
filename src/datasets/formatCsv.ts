/** @file Lines of CSV (RFC 4180). */

/** Null, undefined and NaN are unknown: an empty cell. */
export type CsvCell = string | number | bigint | boolean | null | undefined;

function formatCell(value: CsvCell): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Without its end. */
export function formatCsvLine(cells: readonly CsvCell[]): string {
  return cells.map(formatCell).join(',');
}
