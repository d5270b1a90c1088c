/** @file Whether a truth can judge a drive at all: on another clock, or in another frame, it makes every number meaningless. */
import { formatTimestamp } from '../../datasets/timestamps.ts';
import type { GeoPoint } from '../../geo/Pose.ts';
import { computeErrorM } from './judgeReplay.ts';
import type { ReplayDocument } from './ReplayDocument.ts';
import type { Truth } from './readTruth.ts';
import type { ReplayFrame } from './ReplayFrame.ts';

export interface TruthSetting {
  readonly truth: Pick<Truth, 'description' | 'track'>;
  /** Origin of the map frame; null in local metres. */
  readonly datum: GeoPoint | null;
}

/** What is wrong with the truth, and what to do; null when it judges something. */
export function checkTruth(
  document: Pick<ReplayDocument, 'evaluation' | 'locatedErrorM'>,
  frames: readonly ReplayFrame[],
  { truth, datum }: TruthSetting,
): string | null {
  if (frames.every((frame) => frame.truth === null)) return explainSilence(frames, { truth, datum });
  const { evaluation, locatedErrorM } = document;
  if (evaluation?.radiusM == null || locatedErrorM === null) return null;
  const median = `${locatedErrorM.median.toFixed(0)} m`;
  const signs =
    evaluation.queriesWithTruth === 0
      ? `No true position lies ${evaluation.criterion} of the map, and what was located is off by ${median}`
      : isAllWrong(frames, evaluation.radiusM)
        ? `No located pose lies ${evaluation.criterion} of its true position, the median error is ${median}`
        : null;
  if (signs === null) return null;
  const origin = datum === null ? 'is in local metres' : `has its origin at ${datum.latDeg},${datum.lonDeg}`;
  return (
    `${signs}: truth and map seem to be in different frames. The map ${origin}. Build it in the frame of the truth ` +
    '(map build --datum LAT,LON), or take a truth of GNSS fixes (--ground-truth TOPIC).'
  );
}

/** So many wrong answers and not one right: what is wrong then is not the answers. */
const TOO_MANY_WRONG = 20;

function isAllWrong(frames: readonly ReplayFrame[], radiusM: number): boolean {
  const errors = frames.flatMap((frame) => (frame.kind === 'processed' ? (computeErrorM(frame) ?? []) : []));
  return errors.length >= TOO_MANY_WRONG && errors.every((errorM) => errorM > radiusM);
}

/** Why no image has a true position. */
function explainSilence(frames: readonly ReplayFrame[], { truth, datum }: TruthSetting): string {
  const { description, track } = truth;
  const [start, end] = [track.samples[0], track.samples.at(-1)];
  if (start === undefined || end === undefined) return `The ground truth ${description} holds no positions.`;
  if (start.pose === null && datum === null) {
    return `The ground truth ${description} is geodetic and the map in local metres: build it with their origin (map build --datum LAT,LON).`;
  }
  const spanOf = (from: bigint, to: bigint): string => `${formatTimestamp(from)} to ${formatTimestamp(to)} s`;
  const stamps = frames.map(({ stampNs }) => stampNs);
  const [first, last] = [stamps[0] ?? 0n, stamps.at(-1) ?? 0n];
  return (
    `No image has a true position: the ground truth ${description} covers ${spanOf(start.stampNs, end.stampNs)}, ` +
    `the images ${spanOf(first, last)}. Both must be on one clock.`
  );
}
