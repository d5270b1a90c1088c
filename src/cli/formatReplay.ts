/** @file The result of a replay in words. */
import type { ReplayDocument, ReplayTimings } from '../evaluation/replay/ReplayDocument.ts';
import { formatMetres, formatPercent } from '../evaluation/report/createReportDocument.ts';

function formatRecall({ recall, queriesWithTruth, criterion }: NonNullable<ReplayDocument['evaluation']>): string {
  if (queriesWithTruth === 0) return `unknown: no image has a true match ${criterion}`;
  const shares = Object.entries(recall).map(([n, value]) => `@${n} ${formatPercent(value)}`);
  return `${shares.join('  ')}  (${queriesWithTruth} with a true match ${criterion})`;
}

export function formatReplay(document: ReplayDocument, timings: ReplayTimings): string {
  const { frames, recording, evaluation, locatedErrorM, firstLocatedS, insideEllipse95 } = document;
  const rejected = Object.entries(frames.rejected).map(([kind, count]) => `${count} ${kind}`);
  const lines = [
    `recording   ${recording.description}, ${recording.imageTopic}`,
    `inputs      odometry ${recording.odometryTopic ?? 'none'}, fix ${recording.fixTopic ?? 'none'}, truth ${recording.groundTruth ?? 'none'}`,
    `frames      ${frames.images}, unusable ${rejected.join(', ') || '0'}, dropped ${frames.dropped}`,
    `decisions   located ${frames.located}, uncertain ${frames.uncertain}, lost ${frames.lost}, off map ${frames.offMap}`,
    `first fix   ${firstLocatedS === null ? 'never' : `after ${firstLocatedS.toFixed(2)} s`}`,
  ];
  if (evaluation !== null) {
    lines.push(`recall      ${formatRecall(evaluation)}`);
    if (evaluation.acceptance !== null && evaluation.acceptance.accepted > 0) {
      lines.push(`accepted    ${formatPercent(evaluation.acceptance.precision)} of the located frames are right`);
    }
  }
  if (locatedErrorM !== null) {
    const inside =
      insideEllipse95 === null ? '' : `, truth inside of the 95 % ellipse in ${formatPercent(insideEllipse95)}`;
    lines.push(
      `error       median ${formatMetres(locatedErrorM.median)}, 90 % below ${formatMetres(locatedErrorM.p90)}${inside}`,
    );
  }
  const stages = timings.stages.map(({ stage, median }) => `${stage} ${median.toFixed(1)}`);
  const crowd = timings.imagesAtOnce > 1 ? `, ${timings.imagesAtOnce} images at once` : '';
  lines.push(`time        ${timings.framesPerSecond.toFixed(1)} frames/s; ms${crowd}: ${stages.join(', ')}`);
  return lines.join('\n').replaceAll('\u00a0', ' '); // no-break spaces are for the page
}
