/** @file Rows near a point, without looking at all of them. */
import type { Charts } from './layOutCharts.ts';

export interface ChartPoint {
  readonly chart: number;
  readonly x: number;
  readonly y: number;
}

/** Cells are numbered -HALF..HALF-1 on each axis: 5,000 km of 5 m cells. */
const HALF = 2 ** 20;

/** Rows by square cells of one place radius. */
export class ChartGrid {
  readonly #charts: Charts;
  readonly #cell: number;
  /** One map of cells a chart. */
  readonly #cells = new Map<number, Map<number, number[]>>();

  constructor(charts: Charts, cell: number) {
    this.#charts = charts;
    this.#cell = cell;
    for (let row = 0; row < charts.x.length; row++) {
      const cells = this.#cells.get(charts.chart[row]!) ?? new Map<number, number[]>();
      this.#cells.set(charts.chart[row]!, cells);
      const key = toKey(this.#index(charts.x[row]!), this.#index(charts.y[row]!));
      const rows = cells.get(key);
      if (rows === undefined) cells.set(key, [row]);
      else rows.push(row);
    }
  }

  forEachWithin(centre: ChartPoint, radius: number, visit: (row: number, distance: number) => boolean): void {
    const { chart, x, y } = this.#charts;
    const inside = (row: number): boolean => {
      const distance = Math.hypot(x[row]! - centre.x, y[row]! - centre.y);
      return chart[row] !== centre.chart || !(distance <= radius) || visit(row, distance);
    };
    const [left, right] = [this.#index(centre.x - radius), this.#index(centre.x + radius)];
    const [low, high] = [this.#index(centre.y - radius), this.#index(centre.y + radius)];
    const isNumbered = left >= -HALF && low >= -HALF && right < HALF && high < HALF;
    // A disc of more cells than rows, or one so far out that its cells have no numbers, is cheaper row by row.
    if (!isNumbered || (right - left + 1) * (high - low + 1) > Math.max(9, x.length)) {
      for (let row = 0; row < x.length; row++) if (!inside(row)) return;
      return;
    }
    const cells = this.#cells.get(centre.chart);
    for (let i = left; cells !== undefined && i <= right; i++) {
      for (let j = low; j <= high; j++) {
        const rows = cells.get(toKey(i, j));
        if (rows !== undefined && !rows.every(inside)) return;
      }
    }
  }

  #index(coordinate: number): number {
    return Math.floor(coordinate / this.#cell);
  }
}

/** Rows beyond the numbered cells share keys with others; they are told apart by distance. */
function toKey(i: number, j: number): number {
  return (i + HALF) * 2 * HALF + (j + HALF);
}
