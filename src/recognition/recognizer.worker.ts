/** @file The worker thread of recognition. Decoding, ONNX Runtime and search block; here they block nobody. */
import { parentPort } from 'node:worker_threads';
import { openEngine } from './openEngine.ts';
import { serveEngine } from './serveEngine.ts';

if (parentPort === null) throw new Error('recognizer.worker.js is a worker thread of WorkerRecognizer, not a program.');
serveEngine(parentPort, openEngine);
