/** @file Scan conversion of a convex polygon: which cells of which rows it covers. */

export interface ConvexOutline {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
  readonly count: number;
  /** Of the raster. */
  readonly width: number;
  readonly height: number;
}

let left = new Float64Array(4096);
let right = new Float64Array(4096);

/**
 * Calls `span` for every row with the first and last column whose sample lies inside. Samples are at
 * `column + offsets[row & 3]`, `row + 0.5`; without offsets at the centre of the cell.
 */
export function fillConvex(
  outline: ConvexOutline,
  span: (row: number, first: number, last: number) => void,
  offsets: Float64Array | null = null,
): void {
  const { ys, count, width, height } = outline;
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < count; i++) {
    low = Math.min(low, ys[i]!);
    high = Math.max(high, ys[i]!);
  }
  const firstRow = Math.max(0, Math.ceil(low - 0.5));
  const lastRow = Math.min(height - 1, Math.ceil(high - 0.5) - 1);
  if (lastRow < firstRow) return;
  if (height > left.length) {
    left = new Float64Array(height);
    right = new Float64Array(height);
  }
  left.fill(Infinity, firstRow, lastRow + 1);
  right.fill(-Infinity, firstRow, lastRow + 1);
  for (let i = 0; i < count; i++) traceEdge(outline, i, { firstRow, lastRow });
  for (let row = firstRow; row <= lastRow; row++) {
    const offset = offsets === null ? 0.5 : offsets[row & 3]!;
    const first = Math.max(0, Math.ceil(left[row]! - offset));
    const last = Math.min(width - 1, Math.ceil(right[row]! - offset) - 1);
    if (first <= last) span(row, first, last);
  }
}

function traceEdge({ xs, ys, count }: ConvexOutline, i: number, rows: { firstRow: number; lastRow: number }): void {
  const j = i + 1 === count ? 0 : i + 1;
  const [upper, lower] = ys[i]! <= ys[j]! ? [i, j] : [j, i];
  const y0 = ys[upper]!;
  const y1 = ys[lower]!;
  if (y1 - y0 < 1e-12) return;
  const slope = (xs[lower]! - xs[upper]!) / (y1 - y0);
  const start = Math.max(rows.firstRow, Math.ceil(y0 - 0.5));
  const end = Math.min(rows.lastRow, Math.ceil(y1 - 0.5) - 1);
  let x = xs[upper]! + (start + 0.5 - y0) * slope;
  for (let row = start; row <= end; row++, x += slope) {
    if (x < left[row]!) left[row] = x;
    if (x > right[row]!) right[row] = x;
  }
}
