/** @file The engine as the node sees it: the same interface, the work in a process that is restarted when it dies. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describeError, NetvladError } from '../errors.ts';
import type { CameraFrame } from '../image/CameraFrame.ts';
import type { Place } from '../map/Place.ts';
import { PendingCalls } from './PendingCalls.ts';
import type { Recognition } from './PlaceRecognizer.ts';
import type { DebugMatch, EngineConfig, EngineFacts, FrameGeotag, RecognitionEngine } from './RecognitionEngine.ts';
import type { EngineCall, WorkerFailure, WorkerReply, WorkerRequest } from './workerProtocol.ts';

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
  readonly createWorker?: () => ChildProcess;
  /** Gives up opening: `open` rejects, and the worker is ended. */
  readonly signal?: AbortSignal;
}

const DEFAULT_BACK_OFF = { firstMs: 250, longestMs: 30_000 };
const HEALTHY_AFTER_MS = 60_000;
/** A large map that has grown is sealed in some seconds. */
const CLOSING_MS = 30_000;

/** Starts a compiled program of this package as a worker; what it prints goes where this process prints. */
export function createWorkerProcess(program: URL, nodeArguments: readonly string[] = []): ChildProcess {
  return fork(fileURLToPath(program), {
    serialization: 'advanced',
    execArgv: [...nodeArguments],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** MB; pixels lie outside of V8's heap, which otherwise grows by 16 MB at some moment of a long run. */
const YOUNG_GENERATION = '--max-semi-space-size=4';

/** `.js`: workers start from the compiled files. */
function createRecognizerWorker(): ChildProcess {
  return createWorkerProcess(new URL('./recognizer.worker.js', import.meta.url), [YOUNG_GENERATION]);
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === 'SIGKILL') return 'killed (SIGKILL), as the kernel does when memory runs short';
  if (signal === 'SIGABRT') return 'aborted (SIGABRT), as Node.js does when its memory is used up';
  return signal === null ? `exit code ${code}` : `ended by ${signal}`;
}

/**
 * Calls are rejected with a NetvladError while the worker is away: the frame is lost, the recognizer is not. The worker is a
 * process, not a thread: a native library that crashes, or the kernel that kills for memory, takes the worker alone, and
 * what models and maps have used is given back to the system at `dispose`.
 */
export class WorkerRecognizer implements RecognitionEngine {
  readonly #config: EngineConfig;
  readonly #onState: (state: WorkerState) => void;
  readonly #backOff: { readonly firstMs: number; readonly longestMs: number };
  readonly #createWorker: () => ChildProcess;
  readonly #pending = new PendingCalls();
  #worker: ChildProcess | null = null;
  #facts: EngineFacts | null = null;
  #restarts = 0;
  #waitMs: number;
  #openedAtMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #state: WorkerState = { kind: 'closed' };
  #disposed = false;

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
    const { signal } = options;
    const giveUp = (): void => {
      recognizer.#worker?.kill('SIGKILL');
    };
    signal?.addEventListener('abort', giveUp);
    try {
      signal?.throwIfAborted();
      await recognizer.#start();
    } catch (error) {
      await recognizer.dispose();
      throw error;
    } finally {
      signal?.removeEventListener('abort', giveUp);
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

  recognize(frame: CameraFrame, k: number, newestPlace?: number): Promise<Recognition> {
    return this.#callEngine('recognize', [frame, k, newestPlace]) as Promise<Recognition>;
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

  /** Lets the engine close its files; a worker that does not come to an end is ended. */
  async dispose(): Promise<void> {
    const worker = this.#worker;
    const opened = this.#state.kind === 'ready';
    this.#disposed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#setState({ kind: 'closed' });
    if (worker === null) return;
    const ended = once(worker, 'close');
    if (opened) this.#call(worker, 'close', []).catch(() => undefined);
    const timer = setTimeout(() => worker.kill('SIGKILL'), opened ? CLOSING_MS : 0);
    await ended;
    clearTimeout(timer);
    this.#worker = null;
    this.#pending.rejectAll(new NetvladError('internal', 'The recognizer was closed.'));
  }

  async #start(): Promise<void> {
    const worker = this.#createWorker();
    this.#worker = worker;
    let reason: string | null = null;
    worker.on('message', (message: WorkerReply | WorkerFailure) => {
      if ('failure' in message) reason = message.failure.message;
      else this.#pending.settle(message);
    });
    worker.on('error', (error) => {
      reason = describeError(error);
      if (worker.pid === undefined) this.#onExit(worker, reason); // it could not be started: there will be no exit
    });
    // 'close' rather than 'exit': its last words have been read by then.
    worker.on('close', (code, signal) => {
      this.#onExit(worker, reason ?? describeExit(code, signal));
    });
    const facts = (await this.#call(worker, 'open', [this.#config])) as EngineFacts;
    if (this.#disposed) return; // while it opened: its end is under way
    this.#facts = facts;
    this.#openedAtMs = performance.now();
    this.#setState({ kind: 'ready', restarts: this.#restarts });
  }

  #onExit(worker: ChildProcess, reason: string): void {
    if (worker !== this.#worker) return;
    this.#worker = null;
    this.#pending.rejectAll(new NetvladError('internal', `The recognition worker died: ${reason}.`));
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
    worker.kill('SIGKILL');
    this.#scheduleRestart(reason);
  }

  #callEngine(call: EngineCall, args: readonly unknown[]): Promise<unknown> {
    const worker = this.#worker;
    if (this.#state.kind === 'ready' && worker !== null) return this.#call(worker, call, args);
    const why = this.#state.kind === 'restarting' ? `is restarting after: ${this.#state.reason}` : 'is closed';
    return Promise.reject(new NetvladError('internal', `The recognition worker ${why}.`));
  }

  #call(worker: ChildProcess, call: WorkerRequest['call'], args: readonly unknown[]): Promise<unknown> {
    return this.#pending.add((id) => {
      // A worker that is gone cannot be told anything; its exit rejects what is pending.
      worker.send({ id, call, args }, () => undefined);
    });
  }

  #setState(state: WorkerState): void {
    this.#state = state;
    this.#onState(state);
  }
}
