/** @file What a model file holds, for people. */
import { parameterCount } from '../onnx/GraphBuilder.ts';
import { readModel } from '../onnx/readModel.ts';
import type { ModelManifest } from './ModelManifest.ts';
import { readModelFiles } from './modelFiles.ts';
import { countOf } from '../countOf.ts';

export interface ModelInfo {
  readonly manifest: ModelManifest;
  readonly bytes: number;
  readonly parameters: number;
  readonly nodes: number;
  readonly opset: number;
  /** How many nodes of each operator, most frequent first. */
  readonly operators: Readonly<Record<string, number>>;
}

/** Reads both files of a model and looks into the graph, without a session. Throws NetvladError('model'). */
export async function readModelInfo(modelPath: string): Promise<ModelInfo> {
  const { manifest, onnx } = await readModelFiles(modelPath);
  const { graph, opset } = readModel(onnx);
  const counts = new Map<string, number>();
  for (const { opType } of graph.nodes) counts.set(opType, (counts.get(opType) ?? 0) + 1);
  const operators = Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b)));
  return {
    manifest,
    bytes: onnx.length,
    parameters: parameterCount(graph),
    nodes: graph.nodes.length,
    opset,
    operators,
  };
}

/** A few lines of `name   value`. */
export function formatModelInfo({ manifest, bytes, parameters, nodes, opset }: ModelInfo): string {
  const { input, descriptor, backbone, local, onnx, quantisation } = manifest;
  const clusters = descriptor.clusters === null ? '' : `, ${countOf(descriptor.clusters, 'cluster')}`;
  const lines: readonly (readonly [string, string])[] = [
    ['name', manifest.name],
    ['descriptor', `${descriptor.dimension} dimensions, ${descriptor.pooling}${clusters}`],
    ['whitening', descriptor.whitening ?? 'none'],
    ['local', local === undefined ? 'none' : `${local.rows} x ${local.columns} locations, ${local.channels} channels`],
    ['backbone', `${backbone.name}, cut at ${backbone.cut}; ${backbone.weightsFrom} (${backbone.licence})`],
    ['input', `${input.width} x ${input.height} ${input.colour}, ${input.resize}, kernel ${input.kernel}`],
    [
      'network',
      `${(bytes / 1e6).toFixed(1)} MB, ${parameters.toLocaleString('en')} parameters, ${nodes} nodes, opset ${opset}`,
    ],
    ...(quantisation === undefined
      ? []
      : ([['weights', `${quantisation.weights}; made of ${quantisation.from.name}`]] as const)),
    ['sha256', onnx.sha256],
    ['licence', manifest.licence],
  ];
  return lines.map(([name, value]) => `${name.padEnd(11)}${value}`).join('\n');
}
