/** @file The worker's side of the thread: answers numbered calls by the engine that `open` made. */
import type { MessagePort } from 'node:worker_threads';
import type { Recognition } from './PlaceRecognizer.ts';
import type { EngineConfig, RecognitionEngine } from './RecognitionEngine.ts';
import {
  toSerializedError,
  toTransferList,
  type EngineCall,
  type WorkerReply,
  type WorkerRequest,
} from './workerProtocol.ts';

/** Buffers of a reply that are given away rather than copied. */
function transfersOf(value: unknown): ArrayBuffer[] {
  if (value instanceof Uint8Array) return toTransferList([value]);
  const descriptor = (value as Partial<Extract<Recognition, { kind: 'recognized' }>> | null)?.descriptor;
  return descriptor instanceof Float32Array ? toTransferList([descriptor]) : [];
}

/** Serves until a `close` call; calls are answered in the order in which they finish. */
export function serveEngine(port: MessagePort, open: (config: EngineConfig) => Promise<RecognitionEngine>): void {
  let engine: RecognitionEngine | null = null;

  async function answer(request: WorkerRequest): Promise<unknown> {
    if (request.call === 'open') {
      engine = await open(request.args[0]);
      return engine.facts;
    }
    if (engine === null) throw new Error(`Call '${request.call}' before 'open'.`);
    if (request.call !== 'close') {
      const methods = engine as unknown as Record<EngineCall, (...args: readonly unknown[]) => Promise<unknown>>;
      return methods[request.call](...request.args);
    }
    await engine.dispose();
    engine = null;
    return null;
  }

  port.on('message', (request: WorkerRequest) => {
    answer(request).then(
      (value) => {
        port.postMessage({ id: request.id, value } satisfies WorkerReply, transfersOf(value));
        if (request.call === 'close') port.close();
      },
      (error: unknown) => {
        port.postMessage({ id: request.id, error: toSerializedError(error) } satisfies WorkerReply);
      },
    );
  });
}
