/** @file One chart of a report, and the looks that charts have in common. */
import type { EChartsOption } from 'echarts';

export interface ReportChart {
  readonly id: string;
  readonly title: string;
  /** How to read it, below the chart. */
  readonly note: string;
  readonly option: EChartsOption;
  /** As wide as the page. */
  readonly wide?: boolean;
  /** Metres on both axes: the page's script makes a metre as long in y as in x. */
  readonly extent?: { readonly x: readonly [number, number]; readonly y: readonly [number, number] };
}

/** What is there to compare with: the map, chance, the ideal. */
export const QUIET = '#8b93a1';

export const GRID = { left: 30, right: 18, top: 44, bottom: 34, containLabel: true };
/** Where the axis ends at the data and not at a round number, its end labels would only crowd the others. */
export const INNER_LABELS = { showMinLabel: false, showMaxLabel: false };
export const LEGEND = { top: 4, type: 'scroll' as const };

export const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
