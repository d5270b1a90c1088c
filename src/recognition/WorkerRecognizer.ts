/** @file The engine as the main thread sees it: the same interface, the work in a worker thread that is restarted when it dies. */
import { Worker } from 'node:worker_threads';
import { describeError, NetvladError } from '../errors.ts';
import type { CameraFrame } from '../image/CameraFrame.ts';
import type { Place } from '../map/Place.ts';
import type { Recognition } from './PlaceRecognizer.ts';
import type { DebugMatch, EngineConfig, EngineFacts, FrameGeotag, RecognitionEngine } from './RecognitionEngine.ts';
import { toError, toTransferList, type EngineCall, type WorkerReply, type WorkerRequest } from './workerProtocol.ts';

export type WorkerState =
  | { readonly kind: 'ready'; readonly restarts: number }
  /** The worker died; a new one is being started, or will be after the back-off. */
  | { readonly kind: 'restarting'; readonly restarts: number; readonly reason: string }
  | { readonly kind: 'closed' };

export interface WorkerOptions {
  /** Told at each change, first when the engine is open. */
  readonly onState?: (state: WorkerState) => void;
  /** Waits before restarts in a row: doubled from the first to the longest; a minute of health starts over. */
  readonly backOff?: { readonly firstMs: number; readonly longestMs: number };
  readonly createWorker?: () => Worker;
}

interface PendingCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

const DEFAULT_BACK_OFF = { firstMs: 250, longestMs: 30_000 };
const HEALTHY_AFTER_MS = 60_000;

/** `.js`: workers start from the compiled files. */
function createRecognizerWorker(): Worker {
  return new Worker(new URL('./recognizer.worker.js', import.meta.url), { name: 'recognizer' });
}

/**
 * Calls are rejected with a NetvladError while the worker is away: the frame is lost, the recognizer is not.
 * `recognize` takes the frame's buffer away where it can, instead of copying it.
 */
export class WorkerRecognizer implements RecognitionEngine {
  readonly #config: EngineConfig;
  readonly #onState: (state: WorkerState) => void;
  readonly #backOff: { readonly firstMs: number; readonly longestMs: number };
  readonly #createWorker: () => Worker;
  readonly #pending = new Map<number, PendingCall>();
  #worker: Worker | null = null;
  #facts: EngineFacts | null = null;
  #nextId = 1;
  #restarts = 0;
  #waitMs: number;
  #openedAtMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #state: WorkerState = { kind: 'closed' };

  private constructor(config: EngineConfig, options: WorkerOptions) {
    this.#config = config;
    this.#onState = options.onState ?? (() => undefined);
    this.#backOff = options.backOff ?? DEFAULT_BACK_OFF;
    this.#waitMs = this.#backOff.firstMs;
    this.#createWorker = options.createWorker ?? createRecognizerWorker;
  }

  /** Rejects with the engine's own error when it cannot be opened; no restart is tried then. */
  static async open(config: EngineConfig, options: WorkerOptions = {}): Promise<WorkerRecognizer> {
    const recognizer = new WorkerRecognizer(config, options);
    try {
      await recognizer.#start();
    } catch (error) {
      await recognizer.dispose();
      throw error;
    }
    return recognizer;
  }

  /** Of the engine opened last. */
  get facts(): EngineFacts {
    if (this.#facts === null) throw new NetvladError('internal', 'The recognizer was never opened.');
    return this.#facts;
  }

  get state(): WorkerState {
    return this.#state;
  }

  recognize(frame: CameraFrame, k: number): Promise<Recognition> {
    return this.#callEngine('recognize', [frame, k], toTransferList([frame.data])) as Promise<Recognition>;
  }

  addPlace(geotag: FrameGeotag): Promise<Place> {
    return this.#callEngine('addPlace', [geotag]) as Promise<Place>;
  }

  saveMap(): Promise<number> {
    return this.#callEngine('saveMap', []) as Promise<number>;
  }

  renderMatches(title: string, matches: readonly DebugMatch[]): Promise<Uint8Array | null> {
    return this.#callEngine('renderMatches', [title, matches]) as Promise<Uint8Array | null>;
  }

  /** Lets the engine close its files; a worker that does not answer within two seconds is ended. */
  async dispose(): Promise<void> {
    const worker = this.#worker;
    const opened = this.#state.kind === 'ready';
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#setState({ kind: 'closed' });
    if (worker === null) return;
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise((resolve) => (timer = setTimeout(resolve, 2000)));
    if (opened) await Promise.race([this.#call(worker, 'close', []).catch(() => undefined), tooLong]);
    clearTimeout(timer);
    this.#worker = null;
    await worker.terminate();
    this.#rejectPending(new NetvladError('internal', 'The recognizer was closed.'));
  }

  async #start(): Promise<void> {
    const worker = this.#createWorker();
    this.#worker = worker;
    let reason = 'it ended without a reason';
    worker.on('message', (reply: WorkerReply) => {
      this.#settle(reply);
    });
    worker.on('error', (error) => {
      reason = describeError(error);
    });
    worker.on('exit', (code) => {
      this.#onExit(worker, `${reason} (exit code ${code})`);
    });
    this.#facts = (await this.#call(worker, 'open', [this.#config])) as EngineFacts;
    this.#openedAtMs = performance.now();
    this.#setState({ kind: 'ready', restarts: this.#restarts });
  }

  #onExit(worker: Worker, reason: string): void {
    if (worker !== this.#worker) return;
    this.#worker = null;
    this.#rejectPending(new NetvladError('internal', `The recognition worker died: ${reason}.`));
    if (this.#state.kind !== 'closed') this.#scheduleRestart(reason);
  }

  #scheduleRestart(reason: string): void {
    if (performance.now() - this.#openedAtMs > HEALTHY_AFTER_MS) this.#waitMs = this.#backOff.firstMs;
    const waitMs = this.#waitMs;
    this.#waitMs = Math.min(2 * waitMs, this.#backOff.longestMs);
    this.#restarts += 1;
    this.#setState({ kind: 'restarting', restarts: this.#restarts, reason });
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#start().catch((error: unknown) => {
        this.#onFailedRestart(describeError(error));
      });
    }, waitMs);
  }

  /** The worker lives but could not open its engine, as when the map is gone: the next try gets a new worker. */
  #onFailedRestart(reason: string): void {
    const worker = this.#worker;
    if (worker === null || this.#state.kind === 'closed') return; // it died meanwhile: the exit handler has seen to it
    this.#worker = null;
    void worker.terminate();
    this.#scheduleRestart(reason);
  }

  #callEngine(call: EngineCall, args: readonly unknown[], transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    const worker = this.#worker;
    if (this.#state.kind === 'ready' && worker !== null) return this.#call(worker, call, args, transfer);
    const why = this.#state.kind === 'restarting' ? `is restarting after: ${this.#state.reason}` : 'is closed';
    return Promise.reject(new NetvladError('internal', `The recognition worker ${why}.`));
  }

  #call(
    worker: Worker,
    call: WorkerRequest['call'],
    args: readonly unknown[],
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#pending.set(id, { resolve, reject });
      worker.postMessage({ id, call, args }, transfer);
    });
  }

  #settle(reply: WorkerReply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ('error' in reply) pending?.reject(toError(reply.error));
    else pending?.resolve(reply.value);
  }

  #rejectPending(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #setState(state: WorkerState): void {
    this.#state = state;
    this.#onState(state);
  }
}
