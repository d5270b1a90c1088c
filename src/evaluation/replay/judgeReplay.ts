/** @file The frames of a replay become its document. Pure: the same frames give the same document. */
import { chiSquare2Quantile, mahalanobis2, planarBlock } from '../../geo/covariance.ts';
import type { DatasetProblem } from '../../datasets/GeotaggedImage.ts';
import type { LocalizationState } from '../../localization/Localizer.ts';
import type { Place } from '../../map/Place.ts';
import { TOOL_VERSION } from '../../version.ts';
import type { EvaluationReport, PositionErrors } from '../EvaluationDocument.ts';
import { computeFrameTruth, computeRadiusTruth } from '../groundTruth.ts';
import { judgeRetrieval, type FoundQuery } from '../judgeRetrieval.ts';
import { quantile } from '../../math/statistics.ts';
import type { JudgedImage } from '../truthCriterion.ts';
import type { FrameCounts, ReplayDocument, ReplayTimings } from './ReplayDocument.ts';
import type { ProcessedFrame, ReplayFrame } from './ReplayFrame.ts';

/** What is right: near the true position, or near in the order of the images (for maps without positions). */
export type ReplayCriterion =
  { readonly kind: 'radius'; readonly radiusM: number } | { readonly kind: 'frames'; readonly frames: number };

export interface ReplayContext extends Pick<ReplayDocument, 'recording' | 'model' | 'map' | 'settings'> {
  readonly places: readonly Place[];
  /** Null = nothing says what is right. */
  readonly criterion: ReplayCriterion | null;
  readonly problems: readonly DatasetProblem[];
}

export interface ReplayJudgement {
  readonly document: ReplayDocument;
  /** Of the processed frames, in order; null without truth. */
  readonly evaluation: EvaluationReport | null;
}

export function judgeReplay(frames: readonly ReplayFrame[], context: ReplayContext): ReplayJudgement {
  const processed = frames.filter((frame) => frame.kind === 'processed');
  const evaluation = context.criterion === null ? null : judgeFrames(processed, context, context.criterion);
  const first = processed.find(({ decision }) => decision.state === 'located');
  const { recording, model, map, settings, problems } = context;
  const document: ReplayDocument = {
    ...{ format: 1, toolVersion: TOOL_VERSION, recording, model, map, settings },
    frames: countFrames(frames),
    firstLocatedS: first === undefined ? null : Number(first.stampNs - frames[0]!.stampNs) / 1e9,
    ...judgeLocated(processed),
    evaluation: evaluation === null ? null : withoutContext(evaluation),
    problems,
  };
  return { document, evaluation };
}

/** What the replay's own document says already, or what differs from run to run. */
const SAID_ELSEWHERE = new Set([
  'format',
  'toolVersion',
  'model',
  'map',
  'querySource',
  'skipped',
  'msPerQuery',
  'states',
  'insideEllipse95',
  'firstLocated',
]);

function withoutContext({ document }: EvaluationReport): ReplayDocument['evaluation'] {
  const entries = Object.entries(document).filter(([key]) => !SAID_ELSEWHERE.has(key));
  return Object.fromEntries(entries) as unknown as ReplayDocument['evaluation'];
}

function countFrames(frames: readonly ReplayFrame[]): FrameCounts {
  const rejected: Record<string, number> = {};
  const states: Record<LocalizationState, number> = { located: 0, uncertain: 0, lost: 0, off_map: 0 };
  let dropped = 0;
  for (const frame of frames) {
    if (frame.kind === 'processed') states[frame.decision.state]++;
    else if (frame.kind === 'rejected') rejected[frame.problem.kind] = (rejected[frame.problem.kind] ?? 0) + 1;
    else dropped++;
  }
  const { located, uncertain, lost, off_map: offMap } = states;
  const processed = located + uncertain + lost + offMap;
  return { images: frames.length, processed, rejected, dropped, located, uncertain, lost, offMap };
}

/** Horizontal distance of a located pose from the truth; null where one of them is unknown. */
export function computeErrorM({ decision, truth }: ProcessedFrame): number | null {
  if (decision.state !== 'located' || decision.pose === null || truth === null) return null;
  return Math.hypot(decision.pose.x - truth.x, decision.pose.y - truth.y);
}

function judgeLocated(frames: readonly ProcessedFrame[]): Pick<ReplayDocument, 'locatedErrorM' | 'insideEllipse95'> {
  const errors: number[] = [];
  let inside = 0;
  for (const frame of frames) {
    const errorM = computeErrorM(frame);
    if (errorM === null) continue;
    errors.push(errorM);
    if (isInsideEllipse(frame)) inside++;
  }
  if (errors.length === 0) return { locatedErrorM: null, insideEllipse95: null };
  const locatedErrorM: PositionErrors = { median: quantile(errors, 0.5), p90: quantile(errors, 0.9) };
  return { locatedErrorM, insideEllipse95: inside / errors.length };
}

function isInsideEllipse({ decision, truth }: ProcessedFrame): boolean {
  if (decision.state !== 'located' || decision.pose === null || decision.covariance === null || truth === null)
    return false;
  const [dx, dy] = [truth.x - decision.pose.x, truth.y - decision.pose.y];
  return mahalanobis2(planarBlock(decision.covariance), dx, dy) <= chiSquare2Quantile(0.95);
}

function judgeFrames(
  frames: readonly ProcessedFrame[],
  context: ReplayContext,
  criterion: ReplayCriterion,
): EvaluationReport {
  const { places, recording, model, map, problems } = context;
  const rowOf = new Map(places.map(({ id }, row) => [id, row]));
  const queries = frames.map((frame): JudgedImage => {
    const { name, index, truth } = frame;
    return { image: name, sequence: recording.path, frame: index, label: null, pose: truth };
  });
  const truth =
    criterion.kind === 'radius'
      ? computeRadiusTruth(
          queries.map(({ pose }) => pose),
          places.map(({ pose }) => pose),
          criterion.radiusM,
        )
      : computeFrameTruth(queries, places, criterion.frames);
  return judgeRetrieval(
    { criterion, queries, database: places, truth, answers: frames.map((frame) => toAnswer(frame, rowOf)) },
    {
      ...{ model, map, querySource: recording.description, skipped: problems },
      msPerQuery: { total: NaN, search: NaN, verify: NaN },
    },
  );
}

function toAnswer({ matches, decision, stampNs }: ProcessedFrame, rowOf: ReadonlyMap<number, number>): FoundQuery {
  const [best] = decision.hypotheses;
  return {
    found: matches.map(({ place, similarity, evidence }) => ({ row: rowOf.get(place)!, similarity, evidence })),
    decision: {
      ...{ state: decision.state, confidence: decision.confidence, reason: decision.reason },
      row: best === undefined ? null : rowOf.get(best.place)!,
      ...{ stampNs, position: best?.pose ?? null },
      covariance: best?.covariance == null ? null : planarBlock(best.covariance),
    },
  };
}

/** Quantiles of what every stage took. */
export function summarizeTimings(
  frames: readonly ReplayFrame[],
  run: Pick<ReplayTimings, 'wallS' | 'speed' | 'imagesAtOnce'>,
): ReplayTimings {
  const processed = frames.filter((frame) => frame.kind === 'processed');
  const stageOf = (stage: string, of: (frame: ProcessedFrame) => number | null): ReplayTimings['stages'][number] => {
    const values = processed.flatMap((frame) => of(frame) ?? []);
    const [median, p90, p99] = [0.5, 0.9, 0.99].map((q) => quantile(values, q));
    return { stage, median: median!, p90: p90!, p99: p99! };
  };
  return {
    ...run,
    framesPerSecond: processed.length / run.wallS,
    stages: [
      stageOf('decode', ({ timings }) => timings.decodeMs),
      stageOf('describe', ({ timings }) => timings.describeMs),
      stageOf('search', ({ timings }) => timings.searchMs),
      stageOf('verify', ({ timings }) => timings.verifyMs),
      stageOf('localize', ({ timings }) => timings.localizeMs),
      ...(run.speed === null ? [] : [stageOf('latency', ({ latencyMs }) => latencyMs)]),
    ],
  };
}
