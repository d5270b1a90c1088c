/** @file Charts of single frames, coloured by what the localizer said of each: errors over time, poses over the map. */
import type { LocalizationState } from '../../localization/Localizer.ts';
import { GRID, INNER_LABELS, LEGEND, QUIET, rounded, type ReportChart } from './ReportChart.ts';
import type { ErrorPoint, MapPoint, TrajectoryChart } from './ReportDocument.ts';
import { SERIES_COLOURS } from './seriesColours.ts';

/** Told apart by shape and lightness too, for readers who see colours otherwise; they hold on light and dark ground. */
const STATES: Readonly<Record<LocalizationState, { readonly colour: string; readonly symbol: string }>> = {
  located: { colour: '#1f9d68', symbol: 'circle' },
  uncertain: { colour: '#e09f1f', symbol: 'diamond' },
  lost: { colour: '#d6455d', symbol: 'triangle' },
  off_map: { colour: '#7b7fa8', symbol: 'rect' },
};

function byState<T extends { readonly state: LocalizationState }>(items: readonly T[]): [LocalizationState, T[]][] {
  const states = Object.keys(STATES) as LocalizationState[];
  return states
    .map((state): [LocalizationState, T[]] => [state, items.filter((item) => item.state === state)])
    .filter(([, members]) => members.length > 0);
}

const ZOOM = {
  type: 'inside' as const,
  zoomOnMouseWheel: 'shift' as const,
  moveOnMouseWheel: false,
  preventDefaultMouseMove: false,
};
const ZOOM_NOTE = 'Shift and wheel zoom, dragging moves, the arrow above resets.';
const TOOLBOX = { right: 6, top: 0, feature: { restore: { title: 'reset' } } };

export function errorChart(errors: readonly ErrorPoint[]): ReportChart {
  const isWide = errors.some(({ errorM }) => errorM > 50);
  return {
    id: 'errors',
    title: 'Position error over time',
    note: `Distance from the true position${isWide ? ' (logarithmic)' : ''}, coloured by what the localizer said. ${ZOOM_NOTE}`,
    wide: true,
    option: {
      grid: GRID,
      legend: { ...LEGEND, right: 40 },
      toolbox: TOOLBOX,
      dataZoom: [{ ...ZOOM, xAxisIndex: 0 }],
      tooltip: { trigger: 'item', formatter: '{b}' },
      xAxis: {
        type: 'value',
        name: 'seconds',
        nameLocation: 'middle',
        nameGap: 26,
        min: 'dataMin',
        max: 'dataMax',
        axisLabel: INNER_LABELS,
      },
      yAxis: { type: isWide ? 'log' : 'value', name: 'metres', nameLocation: 'middle', nameGap: 34 },
      series: byState(errors).map(([state, points]) => ({
        ...{
          type: 'scatter' as const,
          name: state,
          color: STATES[state].colour,
          symbol: STATES[state].symbol,
          symbolSize: 7,
        },
        data: points.map(({ seconds, errorM, label }) => ({
          // A logarithmic axis has no zero: a centimetre is its floor.
          value: [rounded(seconds, 3), rounded(isWide ? Math.max(errorM, 0.01) : errorM, 3)],
          name: `${label}: ${rounded(errorM, 2)} m, ${state}`,
        })),
      })),
    },
  };
}

export function trajectoryChart({ places, truth, estimates }: TrajectoryChart): ReportChart {
  const toValue = ({ x, y }: MapPoint): [number, number] => [rounded(x, 2), rounded(y, 2)];
  const axis = {
    type: 'value' as const,
    scale: true,
    axisLabel: INNER_LABELS,
    axisLine: { onZero: false },
    splitLine: { lineStyle: { opacity: 0.35 } },
    nameLocation: 'middle' as const,
  };
  return {
    id: 'trajectory',
    title: 'Trajectory over the map',
    note: `Metres in the map frame. ${ZOOM_NOTE}`,
    wide: true,
    extent: extentOf([...places, ...truth, ...estimates]),
    option: {
      grid: GRID,
      legend: { ...LEGEND, right: 40 },
      toolbox: TOOLBOX,
      dataZoom: [
        { ...ZOOM, xAxisIndex: 0, filterMode: 'none' },
        { ...ZOOM, yAxisIndex: 0, filterMode: 'none' },
      ],
      tooltip: { trigger: 'item', formatter: '{b}' },
      xAxis: { ...axis, name: 'x (east), m', nameGap: 26 },
      yAxis: { ...axis, name: 'y (north), m', nameGap: 40 },
      series: [
        {
          ...{ type: 'scatter', name: 'map', color: QUIET, symbolSize: 4, silent: true, itemStyle: { opacity: 0.5 } },
          data: places.map(toValue),
        },
        {
          ...{ type: 'line', name: 'truth', color: SERIES_COLOURS[0]!, symbol: 'none', silent: true },
          ...{ lineStyle: { width: 1.5 }, data: truth.map(toValue) },
        },
        ...byState(estimates).map(([state, points]) => ({
          ...{
            type: 'scatter' as const,
            name: state,
            color: STATES[state].colour,
            symbol: STATES[state].symbol,
            symbolSize: 8,
          },
          data: points.map((point) => ({ value: toValue(point), name: `${point.label}: ${state}` })),
        })),
      ],
    },
  };
}

function extentOf(points: readonly MapPoint[]): NonNullable<ReportChart['extent']> {
  const range = (values: readonly number[]): [number, number] => [
    values.reduce((a, b) => Math.min(a, b), Infinity),
    values.reduce((a, b) => Math.max(a, b), -Infinity),
  ];
  return { x: range(points.map(({ x }) => x)), y: range(points.map(({ y }) => y)) };
}
