/** @file Renders the frames of a traverse on several threads. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Pose } from '../geo/Pose.ts';
import { NetvladError } from '../errors.ts';
import type { TownSettings } from './TownPlan.ts';
import type { Traverse } from './TownScene.ts';

/** What a rendering thread needs to know once. */
export interface RenderTask {
  readonly town: TownSettings;
  readonly traverse: Traverse;
  readonly width: number;
  readonly height: number;
  readonly jpegQuality: number;
}

export interface RenderRequest {
  readonly index: number;
  readonly pose: Pose;
  readonly seed: number;
}

export type RenderReply =
  { readonly index: number; readonly jpeg: Uint8Array } | { readonly index: number; readonly error: string };

/** Neighbouring frames see the same houses: each thread gets a run of them. */
const RUN = 16;
/** A thread holds some 350 MB of textures. */
const MOST_THREADS = 8;

function takeRuns(requests: readonly RenderRequest[], threads: number): RenderRequest[][] {
  const run = Math.max(1, Math.min(RUN, Math.ceil(requests.length / threads)));
  const runs: RenderRequest[][] = [];
  for (let i = 0; i < requests.length; i += run) runs.push(requests.slice(i, i + run));
  return runs;
}

/**
 * Calls `onFrame` for every frame as it is ready, in any order. Ends early, with all threads stopped, when `signal` is
 * aborted or `onFrame` throws.
 */
export async function renderFrames(
  task: RenderTask,
  requests: readonly RenderRequest[],
  options: { signal: AbortSignal; onFrame: (index: number, jpeg: Uint8Array) => Promise<void> },
): Promise<void> {
  const { signal, onFrame } = options;
  const threads = Math.min(MOST_THREADS, availableParallelism(), Math.max(1, requests.length));
  const runs = takeRuns(requests, threads);
  const workers = Array.from({ length: threads }, () => {
    return new Worker(new URL('./renderWorker.js', import.meta.url), { workerData: task });
  });
  try {
    await Promise.all(
      workers.map(async (worker) => {
        for (let run = runs.shift(); run !== undefined; run = runs.shift()) {
          for (const request of run) {
            signal.throwIfAborted();
            const reply = await ask(worker, request, signal);
            if ('error' in reply) throw new NetvladError('internal', `Frame ${request.index}: ${reply.error}`);
            await onFrame(reply.index, reply.jpeg);
          }
        }
      }),
    );
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function ask(worker: Worker, request: RenderRequest, signal: AbortSignal): Promise<RenderReply> {
  return new Promise((resolve, reject) => {
    const done = (settle: () => void): void => {
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.off('exit', onExit);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onMessage = (reply: RenderReply): void => {
      done(() => {
        resolve(reply);
      });
    };
    const onError = (error: Error): void => {
      done(() => {
        reject(error);
      });
    };
    const onExit = (code: number): void => {
      done(() => {
        reject(new NetvladError('internal', `A rendering thread ended with code ${code}.`));
      });
    };
    const onAbort = (): void => {
      done(() => {
        reject(signal.reason as Error);
      });
    };
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.on('exit', onExit);
    signal.addEventListener('abort', onAbort);
    worker.postMessage(request);
  });
}
