/** @file The charts of a report as ECharts options: plain data, drawn by the page's own script. */
import { countOf } from '../../countOf.ts';
import type { Reliability } from '../calibrationError.ts';
import { curveChart } from './curveChart.ts';
import { errorChart, trajectoryChart } from './positionCharts.ts';
import { GRID, LEGEND, QUIET, rounded, type ReportChart } from './ReportChart.ts';
import type { AcceptanceChartCurve, RecallChart, ReportDocument, StageTiming } from './ReportDocument.ts';
import { SERIES_COLOURS } from './seriesColours.ts';

/** The charts that the document has data for, in reading order. */
export function createReportCharts(document: ReportDocument): readonly ReportChart[] {
  const charts: (ReportChart | null)[] = [
    document.recall === null ? null : recallChart(document.recall),
    document.acceptance.length === 0 ? null : acceptanceChart(document.acceptance),
    document.reliability === null ? null : reliabilityChart(document.reliability),
    ...(document.curves ?? []).map(curveChart),
    document.timings.length === 0 ? null : timingChart(document.timings),
    document.errors.length === 0 ? null : errorChart(document.errors),
    document.trajectory === null ? null : trajectoryChart(document.trajectory),
  ];
  return charts.filter((chart) => chart !== null);
}

const percent = (fraction: number): number => Math.round(fraction * 1000) / 10;

function percentAxis(name: string): {
  type: 'value';
  min: 0;
  max: 100;
  name: string;
  nameLocation: 'middle';
  nameGap: number;
} {
  return { type: 'value', min: 0, max: 100, name, nameLocation: 'middle', nameGap: 34 };
}

function recallChart({ points, note }: RecallChart): ReportChart {
  const line = (of: (point: RecallChart['points'][number]) => number): number[] =>
    points.map((point) => percent(of(point)));
  const low = line((point) => point.interval95?.low ?? point.recall);
  const high = line((point) => point.interval95?.high ?? point.recall);
  const band = { type: 'line' as const, stack: 'interval', symbol: 'none', silent: true, lineStyle: { opacity: 0 } };
  return {
    id: 'recall',
    title: 'Recall@N',
    note: `${note} The band is the 95 % bootstrap interval.`,
    option: {
      grid: GRID,
      legend: { ...LEGEND, data: ['recall', 'chance'] },
      tooltip: { trigger: 'axis' },
      xAxis: {
        type: 'category',
        data: points.map(({ n }) => String(n)),
        name: 'N',
        nameLocation: 'middle',
        nameGap: 26,
      },
      yAxis: percentAxis('% of queries'),
      series: [
        { ...band, name: 'from', data: low, tooltip: { show: false } },
        {
          ...{
            ...band,
            name: 'to',
            tooltip: { show: false },
            data: high.map((value, i) => rounded(value - low[i]!, 1)),
          },
          areaStyle: { color: SERIES_COLOURS[0]!, opacity: 0.18 },
        },
        { type: 'line', name: 'recall', data: line(({ recall }) => recall), color: SERIES_COLOURS[0]!, symbolSize: 7 },
        {
          ...{ type: 'line', name: 'chance', data: line(({ chance }) => chance), color: QUIET, symbolSize: 5 },
          lineStyle: { type: 'dashed' },
        },
      ],
    },
  };
}

function acceptanceChart(curves: readonly AcceptanceChartCurve[]): ReportChart {
  return {
    id: 'acceptance',
    title: 'Which answers may be believed',
    note: 'Right to left a threshold grows: fewer answers are accepted, more of them are right. The line to beat is 99 %.',
    option: {
      grid: GRID,
      legend: LEGEND,
      tooltip: { trigger: 'item', formatter: '{a}<br>{b}' },
      xAxis: { ...percentAxis('% of answers accepted'), nameGap: 26 },
      yAxis: percentAxis('% of them right'),
      series: curves.map(({ by, points }, i) => ({
        type: 'line' as const,
        name: by,
        color: SERIES_COLOURS[i % SERIES_COLOURS.length]!,
        symbolSize: points.length > 80 ? 2 : 4,
        lineStyle: { width: 1.5 },
        data: points.map(({ threshold, accepted, precision }) => ({
          value: [percent(accepted), percent(precision)],
          name: `above ${rounded(threshold, 4)}: ${percent(accepted)} % accepted, ${percent(precision)} % right`,
        })),
        ...(i === 0 && {
          markLine: {
            ...{ silent: true, symbol: 'none', label: { formatter: '99 %', position: 'insideEndBottom' as const } },
            data: [{ yAxis: 99 }],
            lineStyle: { color: QUIET, type: 'dashed' as const },
          },
        }),
      })),
    },
  };
}

function reliabilityChart({ ece, bins }: Reliability): ReportChart {
  const filled = bins.filter(({ count }) => count > 0);
  const answers = bins.reduce((sum, { count }) => sum + count, 0);
  return {
    id: 'reliability',
    title: 'Is the confidence honest?',
    note: `On the diagonal, a confidence of 80 % is right in 8 of 10 cases. Expected calibration error ${rounded(ece, 3)}. Bars: share of the answers in each bin.`,
    option: {
      grid: GRID,
      legend: LEGEND,
      tooltip: { trigger: 'item', formatter: '{b}' },
      xAxis: [
        { ...percentAxis('claimed confidence, %'), nameGap: 26 },
        { type: 'category', data: bins.map(({ from }) => String(from)), show: false },
      ],
      yAxis: percentAxis('%'),
      series: [
        {
          ...{
            type: 'bar',
            name: 'answers',
            xAxisIndex: 1,
            color: QUIET,
            barWidth: '70%',
            itemStyle: { opacity: 0.45 },
          },
          data: bins.map(({ from, to, count }) => ({
            value: percent(count / answers),
            name: `${percent(from)}..${percent(to)} %: ${countOf(count, 'answer')}`,
          })),
        },
        {
          ...{ type: 'line', name: 'perfect', color: QUIET, symbol: 'none', lineStyle: { type: 'dashed' } },
          data: [
            [0, 0],
            [100, 100],
          ],
        },
        {
          ...{ type: 'line', name: 'measured', color: SERIES_COLOURS[0]!, symbolSize: 8 },
          data: filled.map(({ confidence, accuracy, count }) => ({
            value: [percent(confidence), percent(accuracy)],
            name: `claimed ${percent(confidence)} %, right ${percent(accuracy)} % of ${count}`,
          })),
        },
      ],
    },
  };
}

function timingChart(timings: readonly StageTiming[]): ReportChart {
  const bar = (name: string, of: (timing: StageTiming) => number, colour: string) => ({
    ...{ type: 'bar' as const, name, color: colour, barMaxWidth: 16 },
    data: timings.map((timing) => rounded(of(timing), 2)),
  });
  return {
    id: 'timings',
    title: 'Time by stage',
    note: 'Milliseconds a frame on the machine of this run; the one part of a report that differs from run to run.',
    option: {
      grid: { ...GRID, left: 8 },
      legend: LEGEND,
      tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' } },
      xAxis: { type: 'value', name: 'ms', nameLocation: 'middle', nameGap: 26 },
      yAxis: { type: 'category', inverse: true, data: timings.map(({ stage }) => stage) },
      series: [
        bar('median', ({ medianMs }) => medianMs, SERIES_COLOURS[0]!),
        bar('90 %', ({ p90Ms }) => p90Ms, SERIES_COLOURS[1]!),
        bar('99 %', ({ p99Ms }) => p99Ms, SERIES_COLOURS[2]!),
      ],
    },
  };
}
