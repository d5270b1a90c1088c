/** @file The port that the node, replay, query and evaluate share; the same on both sides of the worker process. */
import type { CameraFrame, FrameProblem } from '../image/CameraFrame.ts';
import type { CandidateMatch } from '../localization/Localizer.ts';
import type { ImageQuality } from './imageQuality.ts';

/** Milliseconds by stage. */
export interface RecognitionTimings {
  readonly decodeMs: number;
  readonly describeMs: number;
  readonly searchMs: number;
  readonly verifyMs: number;
}

export type Recognition =
  | {
      readonly kind: 'recognized';
      readonly stampNs: bigint;
      readonly frameId: string;
      /** [D] unit L2. */
      readonly descriptor: Float32Array;
      /** Best first; evidence NaN where verification is off or the model has no local output. */
      readonly matches: readonly CandidateMatch[];
      /** Null = not measured. */
      readonly quality: ImageQuality | null;
      readonly timings: RecognitionTimings;
    }
  | { readonly kind: 'rejected'; readonly stampNs: bigint; readonly frameId: string; readonly problem: FrameProblem };

export interface PlaceRecognizer {
  /**
   * Copies the pixels of a frame to where this recognizer reads them best; the frame is then to be recognized once. Pixels may
   * lie anywhere else as well.
   */
  readonly copyPixels?: (pixels: Uint8Array) => Uint8Array;
  /**
   * Never rejects for a bad frame: that is a `rejected` value. Rejects when the recognizer itself is broken. With
   * `newestPlace` only places up to that id are searched: while mapping the newest would crowd out all others.
   */
  recognize(frame: CameraFrame, k: number, newestPlace?: number): Promise<Recognition>;
  dispose(): Promise<void>;
}
