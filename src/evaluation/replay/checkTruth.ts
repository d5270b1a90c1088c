/** @file Whether a truth can judge a drive at all: on another clock, or in another frame, it makes every number meaningless. */
import { formatTimestamp } from '../../datasets/timestamps.ts';
import type { GeoPoint } from '../../geo/Pose.ts';
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
  if (evaluation?.radiusM == null || evaluation.queriesWithTruth > 0 || locatedErrorM === null) return null;
  const origin = datum === null ? 'is in local metres' : `has its origin at ${datum.latDeg},${datum.lonDeg}`;
  return (
    `No true position lies ${evaluation.criterion} of the map, and what was located is off by ${locatedErrorM.median.toFixed(0)} m: ` +
    `truth and map seem to be in different frames. The map ${origin}. Build it in the frame of the truth ` +
    '(map build --datum LAT,LON), or take a truth of GNSS fixes (--ground-truth TOPIC).'
  );
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
