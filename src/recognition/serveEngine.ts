/** @file The worker's side: a process that answers numbered calls by the engine that `open` made. */
import { EngineServer } from './EngineServer.ts';
import type { EngineConfig, RecognitionEngine } from './RecognitionEngine.ts';
import { toSerializedError, type WorkerFailure, type WorkerReply, type WorkerRequest } from './workerProtocol.ts';

/** Sends and, when it is on its way, goes on; a parent that is gone is no error of the worker. */
function send(message: WorkerReply | WorkerFailure, then: () => void = () => undefined): void {
  if (process.connected) process.send!(message, then);
  else then();
}

/**
 * Ctrl-C and a service manager signal the whole group: the parent decides when the worker ends. Without a parent the worker
 * ends at once: what it has acknowledged is on the disk.
 */
function followParent(isClosing: () => boolean): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
  process.on('disconnect', () => {
    if (!isClosing()) process.exit(0);
  });
  process.on('uncaughtException', (error) => {
    send({ failure: toSerializedError(error) }, () => process.exit(1));
  });
}

/** Serves this process's parent until a `close` call; calls are answered in the order in which they finish. */
export function serveEngine(open: (config: EngineConfig) => Promise<RecognitionEngine>): void {
  const server = new EngineServer(open);
  followParent(() => server.isClosing);
  process.on('message', (request: WorkerRequest) => {
    void server.answer(request).then((reply) => {
      send(reply, () => {
        if (request.call === 'close') process.exit(0); // not before: a frame may still be answered meanwhile
      });
    });
  });
}
