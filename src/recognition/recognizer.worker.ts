/** @file The worker thread of recognition. Decoding, ONNX Runtime and search block; here they block nobody. */
import os from 'node:os';
import { parentPort } from 'node:worker_threads';
import { openEngine } from './openEngine.ts';
import { serveEngine } from './serveEngine.ts';

/** Nice levels below the main thread: on few cores inference must not keep ROS callbacks waiting. */
const POLITENESS = 10;

/** On Linux a nice level belongs to a thread, and the threads that ONNX Runtime starts from this one inherit it. */
function stepBack(): void {
  if (process.platform !== 'linux') return;
  os.setPriority(Math.min(19, os.getPriority() + POLITENESS));
}

if (parentPort === null) throw new Error('recognizer.worker.js is a worker thread of WorkerRecognizer, not a program.');
stepBack();
serveEngine(parentPort, openEngine);
