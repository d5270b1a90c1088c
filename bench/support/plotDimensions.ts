/** @file The plot of recall against dimension: one panel a set, one curve a whitening. */
import { init as initChart, type EChartsOption } from 'echarts';

export interface DimensionPanel {
  readonly title: string;
  /** Recall@1 without a whitening, 0..1. */
  readonly untouched: number;
  readonly curves: readonly {
    /** Source of the statistics, a comma, kind of whitening: the first gives the colour, the second the line. */
    readonly name: string;
    /** Recall@1 at every dimension, 0..1. */
    readonly recalls: readonly number[];
  }[];
}

const [WIDTH, HEIGHT] = [960, 360];
const [LEFT, STRIDE, PANEL_WIDTH] = [50, 305, 270];
const COLOURS = ['#d9822b', '#2458a6'];

const toPercent = (share: number): number => Math.round(1000 * share) / 10;

function lineOf(name: string, names: readonly string[]): { color: string; type: 'solid' | 'dashed' } {
  const sources = [...new Set(names.map((other) => other.split(',')[0]))];
  return {
    color: COLOURS[sources.indexOf(name.split(',')[0])]!,
    type: name.includes('full') ? 'dashed' : 'solid',
  };
}

/** The panels side by side, as SVG. */
export function renderDimensions(panels: readonly DimensionPanel[], dimensions: readonly string[]): string {
  const names = panels[0]!.curves.map(({ name }) => name);
  const untouchedLine = (untouched: number): object => ({
    silent: true,
    symbol: 'none',
    lineStyle: { color: '#888', type: 'dotted' },
    label: { formatter: 'as it comes', position: 'insideStartTop', color: '#666' },
    data: [{ yAxis: toPercent(untouched) }],
  });
  const options: EChartsOption = {
    backgroundColor: '#fff',
    animation: false,
    legend: { bottom: 6, itemGap: 28, itemWidth: 34, data: names },
    title: panels.map(({ title }, at) => ({
      ...{ text: title, left: LEFT + STRIDE * at + PANEL_WIDTH / 2, top: 8, textAlign: 'center' as const },
      textStyle: { fontSize: 13 },
    })),
    grid: panels.map((_panel, at) => ({ left: LEFT + STRIDE * at, width: PANEL_WIDTH, top: 42, bottom: 92 })),
    xAxis: panels.map((_panel, gridIndex) => ({
      ...{ gridIndex, type: 'category' as const, data: [...dimensions] },
      ...{ name: 'dimensions', nameLocation: 'middle' as const, nameGap: 26 },
    })),
    yAxis: panels.map((_panel, gridIndex) => ({
      ...{ gridIndex, type: 'value' as const, min: 60, max: 95 },
      ...(gridIndex === 0 ? { name: 'recall@1, %', nameLocation: 'middle' as const, nameGap: 32 } : {}),
    })),
    series: panels.flatMap(({ curves, untouched }, at) =>
      curves.map(({ name, recalls }, row) => ({
        ...{ name, type: 'line' as const, xAxisIndex: at, yAxisIndex: at, symbolSize: 6 },
        itemStyle: { color: lineOf(name, names).color },
        lineStyle: lineOf(name, names),
        data: recalls.map(toPercent),
        ...(row === 0 ? { markLine: untouchedLine(untouched) } : {}),
      })),
    ),
  };
  const chart = initChart(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption(options);
  const svg = chart.renderToSVGString();
  chart.dispose(); // its timers would keep the process
  return svg;
}
