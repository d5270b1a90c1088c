/** @file The slot in front of the recognizer: it holds the latest frame only; a frame that is overtaken is dropped and counted. */
import type { CameraFrame } from '../image/CameraFrame.ts';

/** `received = processed + dropped + failed + waiting`, always. */
export interface SlotCounts {
  readonly received: number;
  /** The consumer is done with them. */
  readonly processed: number;
  /** Overtaken by a newer frame, or cleared away, before the consumer was free. */
  readonly dropped: number;
  /** The consumer rejected: the recognizer broke while it had the frame. */
  readonly failed: number;
  /** In the slot or with the consumer right now: 0, 1 or 2. */
  readonly waiting: number;
}

/**
 * Feeds one frame at a time to an asynchronous consumer. There is no queue: at most one frame is with the consumer and
 * one waits, so the age of what is processed stays below two processing times however fast frames come.
 */
export class LatestFrameSlot {
  readonly #consume: (frame: CameraFrame) => Promise<void>;
  #waiting: CameraFrame | null = null;
  #running: Promise<void> | null = null;
  #received = 0;
  #processed = 0;
  #dropped = 0;
  #failed = 0;

  /** A rejection of `consume` counts the frame as failed and goes no further. */
  constructor(consume: (frame: CameraFrame) => Promise<void>) {
    this.#consume = consume;
  }

  offer(frame: CameraFrame): void {
    this.#received += 1;
    if (this.#waiting !== null) this.#dropped += 1;
    this.#waiting = frame;
    this.#running ??= this.#run();
  }

  /** Drops the frame that waits, as when the input stops. */
  clear(): void {
    if (this.#waiting === null) return;
    this.#waiting = null;
    this.#dropped += 1;
  }

  /** Resolves when nothing waits and the consumer is idle. */
  async drain(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  get counts(): SlotCounts {
    return {
      received: this.#received,
      processed: this.#processed,
      dropped: this.#dropped,
      failed: this.#failed,
      waiting: this.#received - this.#processed - this.#dropped - this.#failed,
    };
  }

  async #run(): Promise<void> {
    for (let frame = this.#waiting; frame !== null; frame = this.#waiting) {
      this.#waiting = null;
      try {
        await this.#consume(frame);
        this.#processed += 1;
      } catch {
        this.#failed += 1;
      }
    }
    this.#running = null;
  }
}
