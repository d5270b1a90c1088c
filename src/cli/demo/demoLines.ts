/** @file How the demonstration looks in a terminal. */
import { styleText } from 'node:util';
import type { DemoNumbers, JudgedFrame, JudgedHypothesis } from './judgeAnswers.ts';
import { countOf } from '../../countOf.ts';

type Style = Parameters<typeof styleText>[0];

export type Painter = (style: Style, text: string) => string;

/** Colours where the stream is a terminal and nobody asked for none. */
export function createPainter(stream: NodeJS.WriteStream): Painter {
  const isColourful = stream.isTTY && process.env.NO_COLOR === undefined;
  return (style, text) => (isColourful ? styleText(style, text) : text);
}

const WIDTHS = { frame: 9, state: 10, place: 22, probability: 6, error: 9 } as const;

export function formatHeader(hasPositions: boolean): string {
  return [
    'frame'.padStart(WIDTHS.frame),
    'state'.padEnd(WIDTHS.state),
    (hasPositions ? 'position east, north' : 'frame of the map').padStart(WIDTHS.place),
    'prob.'.padStart(WIDTHS.probability),
    (hasPositions ? 'error' : 'right').padStart(WIDTHS.error),
    'best match',
  ].join('  ');
}

function describePlace(best: JudgedHypothesis | undefined): string {
  if (best === undefined) return '';
  if (best.at === null) return best.mapFrame === null ? '' : String(best.mapFrame);
  return `${best.at.x.toFixed(1).padStart(9)}, ${best.at.y.toFixed(1).padStart(9)} m`;
}

function describeError(frame: JudgedFrame): string {
  const best = frame.hypotheses[0];
  if (!frame.hasTruth) return 'off map';
  if (best === undefined) return '-';
  if (best.errorM === null) return best.isRight ? 'yes' : 'no';
  return best.errorM < 1000 ? `${best.errorM.toFixed(1)} m` : `${(best.errorM / 1000).toFixed(1)} km`;
}

/** Green and red say right and wrong; grey says that the node did not commit itself. */
function styleOf(frame: JudgedFrame): Style {
  if (frame.state === 'located') return frame.hypotheses[0]?.isRight === true ? 'green' : 'red';
  if (!frame.hasTruth) return 'cyan';
  return frame.hypotheses[0]?.isRight === true ? 'gray' : 'yellow';
}

export function formatFrame(frame: JudgedFrame, total: number, paint: Painter): string {
  const best = frame.hypotheses[0];
  const style = styleOf(frame);
  return [
    `${String(frame.frame + 1).padStart(4)}/${String(total).padEnd(4)}`,
    paint(style, frame.state.padEnd(WIDTHS.state)),
    describePlace(best).padStart(WIDTHS.place),
    (best === undefined ? '-' : best.probability.toFixed(2)).padStart(WIDTHS.probability),
    paint(style, describeError(frame).padStart(WIDTHS.error)),
    paint('gray', best?.image ?? ''),
  ].join('  ');
}

function percent(share: number): string {
  return Number.isNaN(share) ? '-' : `${(100 * share).toFixed(1)} %`;
}

function metres(value: number): string {
  return `${value.toFixed(1)} m`;
}

export function formatSummary(numbers: DemoNumbers, criterion: string, paint: Painter): string {
  const { played, answered, withTruth, offMap, recall, located, locatedRight, locatedOffMap } = numbers;
  const lines: [string, string][] = [
    ['frames', `${played} played, ${answered} answered, ${played - answered} overtaken by newer ones`],
    [
      'recall',
      `@1 ${percent(recall[1]!)}   @5 ${percent(recall[5]!)}   @10 ${percent(recall[10]!)}   (${criterion}, ${countOf(withTruth, 'frame')} on the map)`,
    ],
  ];
  if (Number.isFinite(numbers.medianErrorM)) {
    lines.push([
      'error',
      `median ${metres(numbers.medianErrorM)}, 90 % below ${metres(numbers.p90ErrorM)} (best hypothesis of every frame on the map)`,
    ]);
  }
  const error = Number.isFinite(numbers.locatedMedianErrorM)
    ? `, median error ${metres(numbers.locatedMedianErrorM)}`
    : '';
  lines.push(['located', `${countOf(located, 'frame')}, ${percent(locatedRight / located)} of them right${error}`]);
  if (offMap > 0) lines.push(['off map', `${countOf(offMap, 'frame')}, ${locatedOffMap} of them wrongly located`]);
  lines.push(['latency', `median ${numbers.medianLatencyMs.toFixed(0)} ms from publishing an image to its hypotheses`]);
  return lines.map(([name, text]) => `  ${paint('bold', name.padEnd(8))} ${text}`).join('\n');
}
