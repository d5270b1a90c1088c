/** @file A frame's way from its arrival to the decision: slot, recognition in the worker, localization. Decides nothing itself. */
import { describeError } from '../errors.ts';
import { quantile } from '../math/statistics.ts';
import type { CameraFrame, FrameProblemKind } from '../image/CameraFrame.ts';
import type { Decision, Localizer, OdometryPose, PositionPrior } from '../localization/Localizer.ts';
import type { ImageQuality } from '../recognition/imageQuality.ts';
import { LatestFrameSlot, type SlotCounts } from '../recognition/LatestFrameSlot.ts';
import type { PlaceRecognizer, Recognition, RecognitionTimings } from '../recognition/PlaceRecognizer.ts';

export type RecognizedFrame = Extract<Recognition, { kind: 'recognized' }>;

export interface PipelineOptions {
  readonly recognizer: PlaceRecognizer;
  readonly localizer: Localizer;
  readonly topK: () => number;
  /** Places after this one are not searched; undefined = all are. */
  readonly newestPlace: () => number | undefined;
  /** Motion and position at an image's stamp. */
  readonly contextAt: (stampNs: bigint) => {
    readonly odometry: OdometryPose | null;
    readonly fix: PositionPrior | null;
  };
  /** The frame is older than the one before: a recording has started anew. */
  readonly onJumpBack: () => void;
  readonly onDecision: (decision: Decision, recognition: RecognizedFrame) => void;
  readonly onRejected: (stampNs: bigint, reason: string) => void;
  /** Work that must see the frame before the worker gets the next: mapping, debug image. Errors are its own. */
  readonly afterwards: (decision: Decision, recognition: RecognizedFrame) => Promise<void>;
  /** The recognizer broke while it had the frame. */
  readonly onFailure: (reason: string) => void;
}

export interface PipelineStatistics {
  readonly counts: SlotCounts;
  /** Rejected frames by the kind of their problem. */
  readonly rejected: ReadonlyMap<FrameProblemKind, number>;
  /** What was wrong with the last frame; null when it was usable. */
  readonly lastProblem: string | null;
  readonly lastFailure: string | null;
  /** How long the recognizer has had the frame that it has; null = none. */
  readonly underWayS: number | null;
  readonly lastDecision: Decision | null;
  readonly lastQuality: ImageQuality | null;
  readonly timings: RecognitionTimings | null;
  /** Medians of the last frames: from arrival, or from the moment the worker was free where that is later, to publication,
   * without recognition; and from arrival to publication. */
  readonly overheadMs: number;
  readonly latencyMs: number;
}

/** A smoothed value over roughly the last ten. */
function smooth(before: number | undefined, value: number): number {
  return before === undefined || Number.isNaN(before) ? value : before + (value - before) / 10;
}

const REMEMBERED = 200;

/** Median of the last values. */
class RecentMedian {
  readonly #values: number[] = [];
  #next = 0;

  add(value: number): void {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % REMEMBERED;
  }

  /** NaN before the first. */
  get value(): number {
    return quantile(this.#values, 0.5);
  }
}

export class FramePipeline {
  readonly #options: PipelineOptions;
  readonly #slot: LatestFrameSlot;
  readonly #rejected = new Map<FrameProblemKind, number>();
  /** Arrival of the frames in the slot. */
  readonly #arrivals = new WeakMap<CameraFrame, number>();
  #freeSinceMs = 0;
  #busySinceMs: number | null = null;
  #lastProblem: string | null = null;
  #lastFailure: string | null = null;
  #lastDecision: Decision | null = null;
  #lastQuality: ImageQuality | null = null;
  #timings: RecognitionTimings | null = null;
  readonly #overheadsMs = new RecentMedian();
  readonly #latenciesMs = new RecentMedian();
  #lastStampNs: bigint | null = null;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#slot = new LatestFrameSlot((frame) => this.#process(frame));
  }

  offer(frame: CameraFrame, arrivedMs: number): void {
    this.#arrivals.set(frame, arrivedMs);
    this.#slot.offer(frame);
  }

  /** Drops what waits and resolves when the frame under way is done. */
  async stop(): Promise<void> {
    this.#slot.clear();
    await this.#slot.drain();
  }

  get statistics(): PipelineStatistics {
    return {
      counts: this.#slot.counts,
      rejected: this.#rejected,
      lastProblem: this.#lastProblem,
      lastFailure: this.#lastFailure,
      underWayS: this.#busySinceMs === null ? null : (performance.now() - this.#busySinceMs) / 1000,
      lastDecision: this.#lastDecision,
      lastQuality: this.#lastQuality,
      timings: this.#timings,
      overheadMs: this.#overheadsMs.value,
      latencyMs: this.#latenciesMs.value,
    };
  }

  async #process(frame: CameraFrame): Promise<void> {
    const { recognizer, topK, newestPlace, onFailure } = this.#options;
    const arrivedMs = this.#arrivals.get(frame) ?? performance.now();
    const startedMs = Math.max(arrivedMs, this.#freeSinceMs);
    this.#busySinceMs = performance.now();
    try {
      const recognition = await recognizer.recognize(frame, topK(), newestPlace());
      this.#lastFailure = null;
      if (recognition.kind === 'rejected') this.#reject(recognition);
      else await this.#localize(recognition, { arrivedMs, startedMs });
    } catch (error) {
      this.#lastFailure = describeError(error);
      onFailure(this.#lastFailure);
      throw error;
    } finally {
      this.#busySinceMs = null;
      this.#freeSinceMs = performance.now();
    }
  }

  #reject({ stampNs, problem }: Extract<Recognition, { kind: 'rejected' }>): void {
    this.#rejected.set(problem.kind, (this.#rejected.get(problem.kind) ?? 0) + 1);
    this.#lastProblem = problem.message;
    this.#options.onRejected(stampNs, problem.message);
  }

  async #localize(
    recognition: RecognizedFrame,
    { arrivedMs, startedMs }: { readonly arrivedMs: number; readonly startedMs: number },
  ): Promise<void> {
    const { localizer, contextAt, onDecision, onJumpBack, afterwards } = this.#options;
    const { stampNs, matches } = recognition;
    if (this.#lastStampNs !== null && stampNs < this.#lastStampNs) onJumpBack();
    this.#lastStampNs = stampNs;
    const decision = localizer.process({ stampNs, matches, ...contextAt(stampNs) });
    onDecision(decision, recognition);
    this.#lastProblem = null;
    this.#lastDecision = decision;
    this.#lastQuality = recognition.quality;
    this.#time(recognition.timings, performance.now() - arrivedMs, performance.now() - startedMs);
    await afterwards(decision, recognition);
  }

  #time(timings: RecognitionTimings, latencyMs: number, ownMs: number): void {
    const before = this.#timings;
    this.#timings = {
      decodeMs: smooth(before?.decodeMs, timings.decodeMs),
      describeMs: smooth(before?.describeMs, timings.describeMs),
      searchMs: smooth(before?.searchMs, timings.searchMs),
      verifyMs: smooth(before?.verifyMs, timings.verifyMs),
    };
    const recognitionMs = timings.decodeMs + timings.describeMs + timings.searchMs + timings.verifyMs;
    this.#latenciesMs.add(latencyMs);
    this.#overheadsMs.add(ownMs - recognitionMs);
  }
}
