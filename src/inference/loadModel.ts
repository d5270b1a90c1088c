/** @file Opens a model by its path: the one way from a file to a DescriptorModel. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readModelFiles } from './modelFiles.ts';
import { OnnxDescriptorModel } from './OnnxDescriptorModel.ts';
import type { SessionOptions } from './OnnxSession.ts';

const DEFAULT_MODEL = path.join('models', 'netvlad_mobilenetv2_k10_960.onnx');

/** Path of the model that comes with the package, used wherever no other is named. */
export function findDefaultModel(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package.json')) && folder !== path.dirname(folder))
    folder = path.dirname(folder);
  return path.join(folder, DEFAULT_MODEL);
}

/**
 * Reads manifest and network (`modelPath` is either of the two), checks checksum and shapes, and opens a session on the first
 * provider that works. Throws NetvladError('model' | 'environment') that names file, expected and received.
 */
export async function loadModel(modelPath: string, options: SessionOptions = {}): Promise<OnnxDescriptorModel> {
  return OnnxDescriptorModel.open(await readModelFiles(modelPath), options);
}
