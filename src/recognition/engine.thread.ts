/** @file A thread of EnginePool. */
import { parentPort } from 'node:worker_threads';
import { EngineServer } from './EngineServer.ts';
import { openEngine } from './openEngine.ts';
import type { WorkerRequest } from './workerProtocol.ts';

if (parentPort === null) throw new Error('engine.thread.js is a thread of EnginePool, not a program.');
const port = parentPort;
const server = new EngineServer(openEngine);
port.on('message', (request: WorkerRequest) => {
  void server.answer(request).then((reply) => {
    port.postMessage(reply);
  });
});
