/** @file The worker process of recognition. Decoding, ONNX Runtime and search block; here they block nobody. */
import os from 'node:os';
import { openEngine } from './openEngine.ts';
import { serveEngine } from './serveEngine.ts';

/** Nice levels below the node: on few cores inference must not keep ROS callbacks waiting. */
const POLITENESS = 10;

if (process.send === undefined) throw new Error('recognizer.worker.js is a worker of WorkerRecognizer, not a program.');
os.setPriority(Math.min(19, os.getPriority() + POLITENESS));
serveEngine(openEngine);
