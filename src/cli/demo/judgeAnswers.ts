/** @file What the node said of each frame against the truth, and the numbers at the end. */
import { parseRosTime } from '../../bags/rosTime.ts';
import { quantile } from '../../math/statistics.ts';
import { computeRecall, type ByN } from '../../evaluation/recall.ts';
import { horizontalDistanceM } from '../../geo/poseAlgebra.ts';
import type { LocalizationState } from '../../localization/Localizer.ts';
import type { PlaceMap } from '../../map/PlaceMap.ts';
import type { PlaceHypothesesMessage } from '../../ros/messages.ts';
import type { DemoDrive } from './planDemoDrive.ts';

export const RECALL_NS = [1, 5, 10] as const;

const STATES: readonly LocalizationState[] = ['lost', 'uncertain', 'located', 'off_map'];

export interface JudgedHypothesis {
  /** Row of the map. */
  readonly row: number;
  readonly image: string;
  /** Order of the matched image in its traverse, where the map knows it. */
  readonly mapFrame: number | null;
  readonly placeId: number;
  readonly similarity: number;
  readonly probability: number;
  /** Map frame, metres; null in maps without positions. */
  readonly at: { readonly x: number; readonly y: number } | null;
  readonly isRight: boolean;
  /** Metres from the truth; null without positions. */
  readonly errorM: number | null;
}

export interface JudgedFrame {
  readonly frame: number;
  readonly state: LocalizationState;
  readonly confidence: number;
  readonly reason: string;
  /** Whether the map shows the frame's place at all. */
  readonly hasTruth: boolean;
  /** Best first. */
  readonly hypotheses: readonly JudgedHypothesis[];
  /** From publication of the image to arrival of the answer. */
  readonly latencyMs: number;
}

export function judgeAnswer(
  message: PlaceHypothesesMessage,
  frame: number,
  known: { readonly drive: DemoDrive; readonly map: PlaceMap; readonly latencyMs: number },
): JudgedFrame {
  const { drive, map } = known;
  const rows = drive.truth[frame]!;
  const truth = drive.images[frame]!.place.pose;
  const hypotheses = message.hypotheses.map((hypothesis): JudgedHypothesis => {
    const placeId = Number(hypothesis.place_id);
    const row = map.rowOf(placeId);
    const { position } = hypothesis.pose.pose;
    const at = map.hasPositions && Number.isFinite(position.x) ? { x: position.x, y: position.y } : null;
    return {
      row,
      placeId,
      image: hypothesis.image,
      mapFrame: map.places[row]?.frame ?? null,
      similarity: hypothesis.similarity,
      probability: hypothesis.probability,
      at,
      isRight: rows.has(row),
      errorM: at === null || truth === null ? null : horizontalDistanceM(at, truth),
    };
  });
  return {
    frame,
    state: STATES[message.state] ?? 'lost',
    confidence: message.confidence,
    reason: message.reason,
    hasTruth: rows.size > 0,
    hypotheses,
    latencyMs: known.latencyMs,
  };
}

export function stampOf(message: PlaceHypothesesMessage): bigint {
  return parseRosTime(message.header.stamp);
}

export interface DemoNumbers {
  readonly played: number;
  readonly answered: number;
  readonly withTruth: number;
  readonly offMap: number;
  /** Of the answered frames whose place is on the map. */
  readonly recall: ByN;
  readonly located: number;
  /** Of the located frames, those at the right place. */
  readonly locatedRight: number;
  /** Frames off the map that were nevertheless located. */
  readonly locatedOffMap: number;
  /** Of the best hypotheses of frames on the map; NaN without positions. */
  readonly medianErrorM: number;
  readonly p90ErrorM: number;
  /** Of the located frames. */
  readonly locatedMedianErrorM: number;
  readonly medianLatencyMs: number;
}

export function summarize(frames: readonly JudgedFrame[], played: number): DemoNumbers {
  const onMap = frames.filter(({ hasTruth }) => hasTruth);
  const located = frames.filter(({ state }) => state === 'located');
  const errors = (of: readonly JudgedFrame[]): number[] =>
    of.map(({ hypotheses }) => hypotheses[0]?.errorM ?? null).filter((error) => error !== null);
  const { allQueries } = computeRecall(
    onMap.map(({ hypotheses }) => hypotheses.map((_hypothesis, rank) => rank)),
    onMap.map(({ hypotheses }) => new Set(hypotheses.flatMap(({ isRight }, rank) => (isRight ? [rank] : [])))),
    RECALL_NS,
  );
  return {
    played,
    answered: frames.length,
    withTruth: onMap.length,
    offMap: frames.length - onMap.length,
    recall: allQueries,
    located: located.length,
    locatedRight: located.filter(({ hypotheses }) => hypotheses[0]?.isRight === true).length,
    locatedOffMap: located.filter(({ hasTruth }) => !hasTruth).length,
    medianErrorM: quantile(errors(onMap), 0.5),
    p90ErrorM: quantile(errors(onMap), 0.9),
    locatedMedianErrorM: quantile(errors(located), 0.5),
    medianLatencyMs: quantile(
      frames.map(({ latencyMs }) => latencyMs),
      0.5,
    ),
  };
}
