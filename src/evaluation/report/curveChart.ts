/** @file A chart of lines over a common axis. */
import { GRID, LEGEND, type ReportChart } from './ReportChart.ts';
import type { CurveChart } from './ReportDocument.ts';
import { SERIES_COLOURS } from './seriesColours.ts';

/** More would hide the line. */
const MOST_SYMBOLS = 60;
const SYMBOLS = ['circle', 'diamond', 'triangle', 'rect'];

/** @param index position among the curves: the page tells its charts apart by it */
export function curveChart({ title, note, xLabel, yLabel, series }: CurveChart, index: number): ReportChart {
  const named = (name: string, nameGap: number): object => ({ type: 'value', name, nameLocation: 'middle', nameGap });
  return {
    id: `curve-${index}`,
    title,
    note,
    option: {
      color: SERIES_COLOURS,
      grid: GRID,
      legend: LEGEND,
      tooltip: { trigger: 'axis' },
      xAxis: { ...named(xLabel, 26), minInterval: 1, scale: true },
      yAxis: named(yLabel, 40),
      series: series.map(({ name, points }, i) => ({
        ...{
          type: 'line',
          name,
          symbol: SYMBOLS[i % SYMBOLS.length]!,
          symbolSize: 7,
          showSymbol: points.length <= MOST_SYMBOLS,
        },
        data: points.map(([x, y]) => [x, Number(y.toPrecision(4))]),
      })),
    },
  };
}
