/** @file What became of one image of a recording. */
import type { Pose } from '../../geo/Pose.ts';
import type { FrameProblem } from '../../image/CameraFrame.ts';
import type { CandidateMatch, Decision } from '../../localization/Localizer.ts';
import type { RecognitionTimings } from '../../recognition/PlaceRecognizer.ts';

interface FrameFacts {
  /** topic@stamp, as in a map built from the same recording. */
  readonly name: string;
  /** Position among the images of the recording, from 0. */
  readonly index: number;
  readonly stampNs: bigint;
  readonly logTimeNs: bigint;
  /** header.frame_id */
  readonly frameId: string;
  /** True pose of the camera in the map frame; null = unknown. */
  readonly truth: Pose | null;
}

export type ReplayFrame = FrameFacts &
  (
    | {
        readonly kind: 'processed';
        readonly decision: Decision;
        /** Best first. */
        readonly matches: readonly CandidateMatch[];
        readonly timings: RecognitionTimings & { readonly localizeMs: number };
        /** From the image's turn to its result; null when the run was not timed against a clock. */
        readonly latencyMs: number | null;
      }
    | { readonly kind: 'rejected'; readonly problem: FrameProblem }
    | { readonly kind: 'dropped' }
  );

export type ProcessedFrame = Extract<ReplayFrame, { kind: 'processed' }>;
