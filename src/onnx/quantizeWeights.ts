/**
 * @file Weights as int8 with one scale for each output channel, widened again by DequantizeLinear (operator set 13) where they are
 * used: a file of a quarter of the size whose arithmetic stays float32.
 */
import { elementCount, GraphNode } from './graph.ts';
import type { Graph, OnnxModel, Tensor } from './graph.ts';
import { onnxError } from './OnnxError.ts';

/**
 * The smallest tensors, together at most this share of all the weights, stay float: they save nothing, and the first layers are
 * among them, whose errors go through the whole network (a single 96 x 16 one turned MobileNetV2's descriptors by 17 degrees).
 */
const FLOAT_SHARE = 0.02;
const FIRST_OPSET = 13;
const LARGEST = 127;
/** The smallest normal float32: scales below it would be rounded coarsely, or to zero. */
const SMALLEST_SCALE = 2 ** -126;

export interface QuantizedModel {
  readonly model: OnnxModel;
  /** Tensors that became int8, and their values. */
  readonly tensors: number;
  readonly values: number;
}

/** The axis of output channels where an operator takes its weights from input 1; null for operators that take none. */
function outputAxis(node: GraphNode): number | null {
  if (node.domain !== '') return null;
  if (node.opType === 'Conv') return 0;
  if (node.opType === 'MatMul') return 1;
  return node.opType === 'Gemm' ? (node.int('transB', 0) === 1 ? 0 : 1) : null;
}

type FloatTensor = Extract<Tensor, { readonly type: 'float' }>;

interface Weights {
  readonly name: string;
  readonly tensor: FloatTensor;
  readonly axis: number;
}

/** All tensors that operators use as weights with output channels, and in no other way. */
function findWeights(graph: Graph): readonly Weights[] {
  const axes = new Map<string, number>();
  const others = new Set(graph.outputs.map(({ name }) => name));
  for (const node of graph.nodes) {
    node.inputs.forEach((name, at) => {
      const axis = at === 1 ? outputAxis(node) : null;
      if (axis === null || (axes.has(name) && axes.get(name) !== axis)) others.add(name);
      else axes.set(name, axis);
    });
  }
  return [...axes].flatMap(([name, axis]) => {
    const tensor = graph.initializers.get(name);
    if (tensor?.type !== 'float' || others.has(name)) return [];
    // MatMul multiplies stacks of matrices, too; only a plain one has output channels along its last axis.
    return tensor.dims.length === 2 || (axis === 0 && tensor.dims.length > 2) ? [{ name, tensor, axis }] : [];
  });
}

/** Without the smallest. */
function chooseWeights(weights: readonly Weights[]): readonly Weights[] {
  const total = weights.reduce((sum, { tensor }) => sum + tensor.data.length, 0);
  let kept = 0;
  return [...weights]
    .sort((a, b) => a.tensor.data.length - b.tensor.data.length)
    .filter(({ tensor }) => (kept += tensor.data.length) > FLOAT_SHARE * total);
}

/** round(w / scale) with scale = largest |w| of the channel / 127; a channel of zeros has scale 1. */
export function quantizeTensor(
  { dims, data }: FloatTensor,
  axis: number,
): { readonly values: Int8Array; readonly scales: Float32Array } {
  const channels = dims[axis]!;
  const inner = elementCount(dims.slice(axis + 1));
  const channelOf = (at: number): number => Math.floor(at / inner) % channels;
  const scales = new Float32Array(channels);
  data.forEach((value, at) => {
    const channel = channelOf(at);
    scales[channel] = Math.max(scales[channel]!, Math.abs(value));
  });
  scales.forEach((largest, channel) => {
    scales[channel] = largest === 0 ? 1 : Math.max(largest / LARGEST, SMALLEST_SCALE);
  });
  return { values: Int8Array.from(data, (value, at) => Math.round(value / scales[channelOf(at)]!)), scales };
}

/** The same network with int8 weights. Throws NetvladError('model') for operator sets before 13 and graphs without weights. */
export function quantizeWeights(model: OnnxModel): QuantizedModel {
  if (model.opset < FIRST_OPSET) {
    throw onnxError(`ONNX operator set ${model.opset} cannot hold scaled int8 weights; ${FIRST_OPSET} and later can.`);
  }
  const { graph } = model;
  const weights = chooseWeights(findWeights(graph));
  const initializers = new Map(graph.initializers);
  const widenings: GraphNode[] = [];
  let values = 0;
  for (const { name, tensor, axis } of weights) {
    const quantized = quantizeTensor(tensor, axis);
    const [integers, scales] = [`${name}/int8`, `${name}/scale`];
    initializers.delete(name);
    initializers.set(integers, { type: 'int8', dims: tensor.dims, data: quantized.values });
    initializers.set(scales, { type: 'float', dims: [tensor.dims[axis]!], data: quantized.scales });
    widenings.push(
      new GraphNode({
        ...{ name: `${name}/widen`, opType: 'DequantizeLinear', inputs: [integers, scales], outputs: [name] },
        attributes: new Map([['axis', { kind: 'int', value: axis }]]),
      }),
    );
    values += quantized.values.length;
  }
  if (weights.length === 0)
    throw onnxError(`ONNX graph '${graph.name}' has no float weights that int8 would make smaller.`);
  const quantized = { ...graph, initializers, nodes: [...widenings, ...graph.nodes] };
  return { model: { ...model, graph: quantized }, tensors: weights.length, values };
}
