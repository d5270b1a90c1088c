/** @file A real model in miniature: two random convolutions and NetVLAD, with manifest and local features, written in milliseconds. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ManifestDraft } from '../../src/inference/modelFiles.ts';
import { writeModelFiles } from '../../src/inference/modelFiles.ts';
import { createRandom } from '../../src/math/random.ts';
import { l2NormalizeRows } from '../../src/math/vectors.ts';
import { toParameters } from '../../src/netvlad/initializeParameters.ts';
import { createModel, GraphBuilder } from '../../src/onnx/GraphBuilder.ts';
import type { Graph } from '../../src/onnx/graph.ts';
import { appendHead, HEAD } from '../../src/onnx/poolingHead.ts';
import { writeModel } from '../../src/onnx/writeModel.ts';

export const TINY = { width: 64, height: 48, stride: 8, channels: 8, clusters: 4, dimension: 32 } as const;

export interface TinyModelOptions {
  /** Where to write; a new temporary folder by default. */
  readonly folder?: string;
  readonly name?: string;
  /** Other seeds are other models. */
  readonly seed?: number;
  /** False: a model without local features. */
  readonly local?: boolean;
  /** Changes to the manifest's input, e.g. `{ resize: 'fit' }`. */
  readonly input?: Partial<ManifestDraft['input']>;
}

/** The graph alone: image [n, 3, H, W] to `descriptor` [n, 32] and `local` [n, locations, 8]. */
export function createTinyGraph(seed = 1): Graph {
  const random = createRandom(seed);
  const normals = (count: number, scale: number): Float32Array =>
    Float32Array.from({ length: count }, () => scale * random.normal());
  const builder = new GraphBuilder();
  const image = builder.input('image', ['n', 3, 'height', 'width']);
  const convolve = (x: string, [to, from, size, stride]: readonly [number, number, number, number]): string =>
    builder.op(
      'Conv',
      [x, builder.floats(normals(to * from * size * size, (from * size * size) ** -0.5), [to, from, size, size])],
      { kernel_shape: [size, size], strides: [stride, stride], pads: [1, 1, 1, 1] },
    );
  const first = builder.op('Relu', [convolve(image, [8, 3, 5, 4])]);
  const map = convolve(first, [TINY.channels, 8, 3, 2]);
  const centres = l2NormalizeRows(Float64Array.from(normals(TINY.clusters * TINY.channels, 1)), TINY.channels);
  const parameters = toParameters('v1', { centres, dimension: TINY.channels }, 8);
  appendHead(builder, map, { pooling: { kind: 'netvlad', parameters }, whitening: null, channels: TINY.channels });
  return builder.build('tiny');
}

/** Writes the model and returns the path of its `.onnx` file; the manifest lies beside it. */
export async function writeTinyModel(options: TinyModelOptions = {}): Promise<string> {
  const folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), 'tiny-model-')));
  const { name = 'tiny', seed = 1, local = true } = options;
  const draft: ManifestDraft = {
    name,
    onnx: { input: 'image', output: HEAD.descriptor, ...(local ? { local: HEAD.local } : {}) },
    input: {
      ...{ width: TINY.width, height: TINY.height, resize: 'stretch', kernel: 'linear', colour: 'rgb' },
      ...{ scale: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
      ...options.input,
    },
    descriptor: { dimension: TINY.dimension, pooling: 'netvlad', clusters: TINY.clusters, whitening: null },
    local: { rows: TINY.height / TINY.stride, columns: TINY.width / TINY.stride, channels: TINY.channels },
    backbone: { name: 'tiny', cut: 'conv2', weightsFrom: `random, seed ${seed}`, licence: 'Apache-2.0' },
    training: {},
    licence: 'Apache-2.0',
  };
  const files = await writeModelFiles(folder, draft, writeModel(createModel(createTinyGraph(seed))));
  return files.onnxPath;
}

/** A smooth coloured pattern that depends on `seed`; images of different seeds get different descriptors. */
export function createPatternImage(
  seed: number,
  width = 80,
  height = 60,
): { readonly data: Uint8Array; readonly width: number; readonly height: number } {
  const random = createRandom(seed);
  const waves = Array.from(
    { length: 9 },
    () => [random.normal() * 12, random.normal() * 12, random.next() * 6] as const,
  );
  const data = new Uint8Array(width * height * 3);
  for (let at = 0; at < data.length; at++) {
    const x = (Math.floor(at / 3) % width) / width;
    const y = Math.floor(at / 3 / width) / height;
    const sum = waves
      .slice((at % 3) * 3, (at % 3) * 3 + 3)
      .reduce((s, [fx, fy, p]) => s + Math.sin(fx * x + fy * y + p), 0);
    data[at] = 127 + 40 * sum;
  }
  return { data, width, height };
}
