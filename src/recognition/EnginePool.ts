/**
 * @file Several engines at once, each in a thread of its own: how a recording is replayed. One inference on all cores leaves
 * them idle between its layers and while images are decoded; one inference a core leaves nothing idle.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { describeError, NetvladError } from '../errors.ts';
import type { CameraFrame } from '../image/CameraFrame.ts';
import { PendingCalls } from './PendingCalls.ts';
import type { PlaceRecognizer, Recognition } from './PlaceRecognizer.ts';
import type { EngineConfig, EngineFacts } from './RecognitionEngine.ts';
import type { WorkerReply, WorkerRequest } from './workerProtocol.ts';

/** An engine has the network, the index and its buffers for itself: 150 MB, and a recording is to be replayed in 600 MB. */
const MOST_ENGINES = 2;
/** While the network is at work on one frame, the next two are decoded; one more where an answer waits for its turn. */
const FRAMES_EACH = 4;
/** A recording of fewer frames is done before a second engine would be open. */
const SHORT = 12;

export interface PoolPlan {
  readonly engines: number;
  /** Threads of one inference. */
  readonly threads: number;
}

/** Engines that fill `cores` together; `threads` of one inference, or 0 for what is best. */
export function planPool(cores: number, threads: number): PoolPlan {
  const engines = Math.min(MOST_ENGINES, Math.max(1, Math.floor(cores / Math.max(1, threads))));
  return { engines, threads: threads > 0 ? threads : Math.max(1, Math.floor(cores / engines)) };
}

/** One engine in its thread. Calls are rejected once the thread is gone. */
class EngineThread {
  /** `.js`: threads start from the compiled files. */
  readonly #thread = new Worker(new URL('./engine.thread.js', import.meta.url));
  readonly #pending = new PendingCalls();
  #failure: Error | null = null;

  constructor() {
    this.#thread.on('message', (reply: WorkerReply) => {
      this.#pending.settle(reply);
    });
    this.#thread.on('error', (error) => {
      this.#fail(describeError(error));
    });
    this.#thread.on('exit', () => {
      this.#fail('it has ended');
    });
  }

  get callsUnderWay(): number {
    return this.#pending.count;
  }

  call(call: WorkerRequest['call'], args: readonly unknown[]): Promise<unknown> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return this.#pending.add((id) => {
      this.#thread.postMessage({ id, call, args });
    });
  }

  /** Lets the engine close its files. */
  async close(): Promise<void> {
    await this.call('close', []).catch(() => undefined);
    await this.#thread.terminate();
  }

  #fail(reason: string): void {
    this.#failure ??= new NetvladError('internal', `A recognition thread cannot go on: ${reason}.`);
    this.#pending.rejectAll(this.#failure);
  }
}

export class EnginePool implements PlaceRecognizer {
  readonly facts: EngineFacts;
  /** Frames under way at once that keep every engine busy. */
  readonly ahead: number;
  readonly #plan: PoolPlan;
  /** Opens an engine in a thread. */
  readonly #open: (thread: EngineThread) => Promise<unknown>;
  /** Those that are open. */
  readonly #threads: EngineThread[];
  #growing: Promise<void> | null = null;
  #asked = 0;
  /** Memory for the pixels of frames to come; as much as was ever under way at once. */
  readonly #idle: SharedArrayBuffer[] = [];

  private constructor(
    first: EngineThread,
    facts: EngineFacts,
    { plan, open }: { readonly plan: PoolPlan; readonly open: (thread: EngineThread) => Promise<unknown> },
  ) {
    this.#threads = [first];
    this.facts = facts;
    this.#plan = plan;
    this.#open = open;
    this.ahead = FRAMES_EACH * plan.engines;
  }

  /** Throws a NetvladError that says which file or provider cannot be used, and what to do. `threads` are of one inference. */
  static async open(
    config: EngineConfig,
    plan: PoolPlan = planPool(availableParallelism(), config.threads),
  ): Promise<EnginePool> {
    const open = (thread: EngineThread): Promise<unknown> =>
      thread.call('open', [{ ...config, threads: plan.threads, throughput: true }]);
    const first = new EngineThread();
    try {
      return new EnginePool(first, (await open(first)) as EngineFacts, { plan, open });
    } catch (error) {
      await first.close();
      throw error;
    }
  }

  /** Those at work; all that were planned after the first dozen frames. */
  get engines(): number {
    return this.#threads.length;
  }

  /**
   * Into memory that the engines share, which is used again once the frame is answered. Sent to them as copies, pixels would keep
   * the garbage collectors of all threads at work.
   */
  readonly copyPixels = (pixels: Uint8Array): Uint8Array<SharedArrayBuffer> => {
    const idle = this.#idle.pop();
    const buffer = idle !== undefined && idle.byteLength >= pixels.length ? idle : new SharedArrayBuffer(pixels.length);
    const shared = new Uint8Array(buffer, 0, pixels.length);
    shared.set(pixels);
    return shared;
  };

  /** As the port says. */
  async recognize(frame: CameraFrame, k: number): Promise<Recognition> {
    if (++this.#asked === SHORT) this.#growing = this.#grow();
    const idlest = this.#threads.reduce((a, b) => (b.callsUnderWay < a.callsUnderWay ? b : a));
    const { buffer } = frame.data;
    const given = buffer instanceof SharedArrayBuffer ? frame : { ...frame, data: this.copyPixels(frame.data) };
    try {
      return (await idlest.call('recognize', [given, k])) as Recognition;
    } finally {
      this.#idle.push(given.data.buffer as SharedArrayBuffer);
    }
  }

  async dispose(): Promise<void> {
    await this.#growing;
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  /** What the first engine has cached beside the map, the others find. One that cannot be opened is done without. */
  async #grow(): Promise<void> {
    const more = Array.from({ length: this.#plan.engines - 1 }, () => new EngineThread());
    await Promise.all(
      more.map((thread) =>
        this.#open(thread).then(
          () => this.#threads.push(thread),
          () => thread.close(),
        ),
      ),
    );
  }
}
