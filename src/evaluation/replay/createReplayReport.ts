/** @file A replay as a report document: numbers, trajectory, times, pictures. */
import type { Place } from '../../map/Place.ts';
import {
  describeEvaluation,
  formatMetres,
  formatPercent,
  type ReportPictures,
} from '../report/createReportDocument.ts';
import type { CurveChart, FactGroup, HeadlineNumber, Loss, ReportDocument } from '../report/ReportDocument.ts';
import { computeErrorM, type ReplayJudgement } from './judgeReplay.ts';
import type { ReplayDocument, ReplayTimings } from './ReplayDocument.ts';
import type { ProcessedFrame, ReplayFrame } from './ReplayFrame.ts';
import { countOf } from '../../countOf.ts';

export interface ReplayReportInput {
  readonly judgement: ReplayJudgement;
  readonly frames: readonly ReplayFrame[];
  readonly timings: ReplayTimings;
  readonly places: readonly Place[];
  readonly pictures: ReportPictures;
}

const EXAMPLES = 3;
/** Headlines over all queries; of a drive, which may leave the map, they are told of the located frames. */
const OF_QUERIES: readonly string[] = ['located', 'median position error'];

export async function createReplayReport(input: ReplayReportInput): Promise<ReportDocument> {
  const { judgement, frames, timings, places, pictures } = input;
  const { document, evaluation } = judgement;
  const processed = frames.filter((frame) => frame.kind === 'processed');
  const judged =
    evaluation === null
      ? { recall: null, acceptance: [], reliability: null, failures: [], successes: [], headline: [] }
      : await describeEvaluation(evaluation, pictures);
  return {
    ...judged,
    title: `Replay of ${document.recording.path}`,
    subtitle: describeRun(document),
    headline: [...judged.headline.filter(({ label }) => !OF_QUERIES.includes(label)), ...toHeadline(document, timings)],
    errors: toErrors(processed),
    trajectory: toTrajectory(processed, places),
    curves: toCurves(processed),
    timings: timings.stages.map(({ stage, median, p90, p99 }) => ({ stage, medianMs: median, p90Ms: p90, p99Ms: p99 })),
    losses: toLosses(frames, document),
    facts: toFacts(document, timings),
  };
}

function describeRun({ recording, map, frames, evaluation }: ReplayDocument): string {
  const source = recording.groundTruth === null ? '' : `, truth from ${recording.groundTruth}`;
  const truth = evaluation === null ? 'without ground truth' : `right is ${evaluation.criterion}${source}`;
  return `${countOf(frames.images, 'image')} of ${recording.imageTopic} against ${map.path} (${countOf(map.places, 'place')}), ${truth}`;
}

function toHeadline(
  { frames, firstLocatedS, evaluation, locatedErrorM }: ReplayDocument,
  timings: ReplayTimings,
): HeadlineNumber[] {
  const rejected = Object.values(frames.rejected).reduce((sum, count) => sum + count, 0);
  const located = frames.located / Math.max(1, frames.processed);
  const right =
    evaluation?.acceptance == null || frames.located === 0
      ? ''
      : `${formatPercent(evaluation.acceptance.precision)} right, `;
  const first = firstLocatedS === null ? 'never' : `${right}first after ${firstLocatedS.toFixed(1)}\u00a0s`;
  const error =
    locatedErrorM === null
      ? []
      : [
          {
            label: 'median error of located',
            value: formatMetres(locatedErrorM.median),
            detail: `90\u00a0% below ${formatMetres(locatedErrorM.p90)}`,
          },
        ];
  return [
    { label: 'located', value: formatPercent(located), detail: first },
    ...error,
    { label: 'frames', value: String(frames.images), detail: `${rejected} unusable, ${frames.dropped} dropped` },
    { label: 'rate', value: `${timings.framesPerSecond.toFixed(1)}/s`, detail: describePace(timings) },
  ];
}

function describePace({ speed, stages }: ReplayTimings): string {
  const latency = stages.find(({ stage }) => stage === 'latency');
  if (speed === null || latency === undefined) return 'as fast as it goes';
  return `at speed ${speed}, ${latency.median.toFixed(0)}\u00a0ms from image to result`;
}

function secondsSince(start: ReplayFrame, frame: ReplayFrame): number {
  return Number(frame.stampNs - start.stampNs) / 1e9;
}

/** Of the best hypothesis, also where the localizer would not vouch for it. */
function toErrors(frames: readonly ProcessedFrame[]): ReportDocument['errors'] {
  return frames.flatMap((frame) => {
    const pose = frame.decision.hypotheses[0]?.pose ?? null;
    if (frame.truth === null || pose === null) return [];
    const errorM = computeErrorM(frame) ?? Math.hypot(pose.x - frame.truth.x, pose.y - frame.truth.y);
    const seconds = secondsSince(frames[0]!, frame);
    return [{ seconds, errorM, state: frame.decision.state, label: `frame ${frame.index}` }];
  });
}

/** What can be said without ground truth: how sure the localizer was, and how alike the best place looked. */
function toCurves(frames: readonly ProcessedFrame[]): NonNullable<ReportDocument['curves']> {
  const seriesOf = (name: string, of: (frame: ProcessedFrame) => number): CurveChart['series'][number] => ({
    name,
    points: frames.map((frame) => [secondsSince(frames[0]!, frame), of(frame)] as const),
  });
  return [
    {
      title: 'Confidence over time',
      note: "The localizer's confidence in its best hypothesis, and the similarity of the image that it rests on.",
      ...{ xLabel: 'seconds', yLabel: '' },
      series: [
        seriesOf('confidence', ({ decision }) => decision.confidence),
        seriesOf('similarity', ({ decision, matches }) => (decision.hypotheses[0] ?? matches[0])?.similarity ?? 0),
      ],
    },
  ];
}

function toTrajectory(frames: readonly ProcessedFrame[], places: readonly Place[]): ReportDocument['trajectory'] {
  const positioned = places.flatMap(({ pose }) => (pose === null ? [] : [{ x: pose.x, y: pose.y }]));
  if (positioned.length === 0) return null;
  return {
    places: positioned,
    truth: frames.flatMap(({ truth }) => (truth === null ? [] : [{ x: truth.x, y: truth.y }])),
    estimates: frames.flatMap((frame) => {
      const { decision, index } = frame;
      const pose = decision.hypotheses[0]?.pose ?? null;
      if (pose === null) return [];
      const errorM = computeErrorM(frame);
      const error = errorM === null ? '' : `, ${formatMetres(errorM)} off`;
      const label = `frame ${index} (${formatPercent(decision.confidence)}${error})`;
      return [{ x: pose.x, y: pose.y, state: decision.state, label }];
    }),
  };
}

function toLosses(frames: readonly ReplayFrame[], { problems }: ReplayDocument): readonly Loss[] {
  const losses: Loss[] = [];
  const dropped = frames.filter(({ kind }) => kind === 'dropped');
  if (dropped.length > 0) {
    const reason = 'Dropped: a newer image came before the localizer was free.';
    losses.push({ reason, count: dropped.length, examples: dropped.slice(0, EXAMPLES).map(({ name }) => name) });
  }
  const rejected = frames.filter((frame) => frame.kind === 'rejected');
  for (const kind of [...new Set(rejected.map(({ problem }) => problem.kind))].sort()) {
    const members = rejected.filter(({ problem }) => problem.kind === kind);
    const examples = members.slice(0, EXAMPLES).map(({ name, problem }) => `${name}: ${problem.message}`);
    losses.push({ reason: `Unusable image: ${kind}.`, count: members.length, examples });
  }
  if (problems.length > 0) {
    const examples = problems.slice(0, EXAMPLES).map(({ where, problem }) => `${where}: ${problem}`);
    losses.push({ reason: 'Unreadable parts of the recording.', count: problems.length, examples });
  }
  return losses;
}

function toFacts(document: ReplayDocument, timings: ReplayTimings): readonly FactGroup[] {
  const { recording, map, model, settings, toolVersion } = document;
  const orNone = (value: string | null): string => value ?? 'not used';
  const numbers: [string, string][] = [];
  if (document.locatedErrorM !== null) {
    numbers.push(['median error of located poses', formatMetres(document.locatedErrorM.median)]);
    numbers.push(['90 % below', formatMetres(document.locatedErrorM.p90)]);
  }
  if (document.insideEllipse95 !== null) {
    numbers.push(['truth inside of the 95 % ellipse', formatPercent(document.insideEllipse95)]);
  }
  return [
    {
      title: 'Recording',
      rows: [
        ['path', recording.path],
        ['format', recording.description],
        ['camera', recording.imageTopic],
        ['odometry', orNone(recording.odometryTopic)],
        ['position prior', orNone(recording.fixTopic)],
        ['ground truth', recording.groundTruth ?? 'none'],
        ...numbers,
      ],
    },
    {
      title: 'Map and model',
      rows: [
        ['map', map.path],
        ['map id', map.id],
        ['places', String(map.places)],
        ['model', model.name],
        ['model sha256', model.sha256],
        ['netvlad_localizer', toolVersion],
        ['run', `${timings.wallS.toFixed(1)} s, images at once: ${timings.imagesAtOnce}`],
      ],
    },
    { title: 'Settings', rows: Object.entries(settings).map(([name, value]) => [name, String(value)]) },
  ];
}
