/** @file A backbone with a head, as a graph with its manifest: what initialisation, trainer and export pass around. */
import path from 'node:path';
import type { ManifestDraft, ModelFiles } from '../inference/modelFiles.ts';
import { createModelFiles } from '../inference/modelFiles.ts';
import type { AffineProjection } from '../math/pca.ts';
import { createModel, GraphBuilder } from '../onnx/GraphBuilder.ts';
import type { Graph } from '../onnx/graph.ts';
import type { Pooling } from '../onnx/poolingHead.ts';
import { appendHead, HEAD, pooledDimension } from '../onnx/poolingHead.ts';
import { writeModel } from '../onnx/writeModel.ts';
import type { Backbone } from './loadBackbone.ts';
import type { TrainConfig } from './trainConfig.ts';

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
  const size = `${outputDimension} of ${inputDimension} dimensions`;
  if (config.whitening.method === 'learned') return `learned from pairs, ${size}`;
  return `PCA, eigenvalues to the power of -${config.whitening.power}, ${size}`;
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
  const model = createModel(createDescriptorGraph(backbone, head));
  const onnx = writeModel({ ...model, opset: backbone.opset });
  return { draft, files: createModelFiles(folder, draft, onnx) };
}
