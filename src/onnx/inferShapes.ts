/**
 * @file Static shapes of every tensor of a graph for given input sizes. Knows the operators that descriptor networks and
 * our training graphs are made of; any other is named in the error.
 */
import type { Graph, GraphNode, Tensor } from './graph.ts';
import { nodeError, onnxError } from './OnnxError.ts';

export type Shape = readonly number[];

/** Numbers of a small constant tensor: axes, shapes, bounds. */
export function constantValues(tensor: Tensor): readonly number[] {
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

interface ShapeContext {
  readonly node: GraphNode;
  /** Shape of the node's i-th input. */
  readonly input: (index: number) => Shape;
  /** Values of the i-th input, which must be a constant; undefined where the input is left out. */
  readonly constant: (index: number) => readonly number[] | undefined;
}

type ShapeRule = (context: ShapeContext) => Shape;

const same: ShapeRule = ({ input }) => input(0);

const withAxis = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

const broadcastTwo = (node: GraphNode, a: Shape, b: Shape): Shape => {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    if (x !== y && x !== 1 && y !== 1) {
      throw nodeError(node, `cannot broadcast [${a.join(', ')}] with [${b.join(', ')}]`);
    }
    return x === 1 ? y : x;
  });
};

const broadcast: ShapeRule = ({ node, input }) =>
  node.inputs.map((_, i) => input(i)).reduce((a, b) => broadcastTwo(node, a, b));

const matrixProduct: ShapeRule = ({ node, input }) => {
  const [a, b] = [input(0), input(1)];
  if (a.at(-1) !== b.at(-2)) throw nodeError(node, `multiplies [${a.join(', ')}] by [${b.join(', ')}]`);
  return [...broadcastTwo(node, a.slice(0, -2), b.slice(0, -2)), a.at(-2)!, b.at(-1)!];
};

const generalProduct: ShapeRule = ({ node, input }) => [
  input(0)[node.int('transA', 0) === 1 ? 1 : 0]!,
  input(1)[node.int('transB', 0) === 1 ? 0 : 1]!,
];

/** Output sizes of a window that slides over the spatial axes. */
function slide(node: GraphNode, spatial: Shape, kernel: readonly number[]): Shape {
  const axes = spatial.length;
  const [strides, pads, dilations] = [node.ints('strides'), node.ints('pads'), node.ints('dilations')];
  const round = node.int('ceil_mode', 0) === 1 ? Math.ceil : Math.floor;
  return spatial.map((size, axis) => {
    const padded = size + (pads[axis] ?? 0) + (pads[axis + axes] ?? 0);
    const reach = (kernel[axis]! - 1) * (dilations[axis] ?? 1) + 1;
    return round((padded - reach) / (strides[axis] ?? 1)) + 1;
  });
}

const convolution: ShapeRule = ({ node, input }) => {
  const [x, w] = [input(0), input(1)];
  if (x[1] !== w[1]! * node.int('group', 1)) {
    throw nodeError(node, `convolves [${x.join(', ')}] with weights [${w.join(', ')}], group ${node.int('group', 1)}`);
  }
  return [x[0]!, w[0]!, ...slide(node, x.slice(2), w.slice(2))];
};

const pool: ShapeRule = ({ node, input }) => [
  ...input(0).slice(0, 2),
  ...slide(node, input(0).slice(2), node.ints('kernel_shape')),
];

const globalPool: ShapeRule = ({ input }) => input(0).map((size, axis) => (axis < 2 ? size : 1));

const reduction: ShapeRule = ({ node, input, constant }) => {
  const shape = input(0);
  const given = constant(1) ?? node.ints('axes');
  const axes = (given.length === 0 ? shape.map((_, axis) => axis) : given).map((axis) => withAxis(axis, shape.length));
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return node.int('keepdims', 1) === 1 ? kept : kept.filter((_, axis) => !axes.includes(axis));
};

const choice: ShapeRule = ({ node, input }) => {
  const axis = withAxis(node.int('axis', 0), input(0).length);
  const kept = input(0).map((size, i) => (i === axis ? 1 : size));
  return node.int('keepdims', 1) === 1 ? kept : kept.filter((_, i) => i !== axis);
};

const oneHot: ShapeRule = ({ node, input, constant }) => {
  const axis = withAxis(node.int('axis', -1), input(0).length + 1);
  return [...input(0).slice(0, axis), constant(1)![0]!, ...input(0).slice(axis)];
};

const reshape: ShapeRule = ({ node, input, constant }) => {
  const shape = input(0);
  const wanted = (constant(1) ?? []).map((size, axis) => (size === 0 ? shape[axis]! : size));
  const count = shape.reduce((product, size) => product * size, 1);
  const known = wanted.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const result = wanted.map((size) => (size === -1 ? count / known : size));
  if (result.reduce((product, size) => product * size, 1) !== count) {
    throw nodeError(node, `cannot reshape [${shape.join(', ')}] to [${wanted.join(', ')}]`);
  }
  return result;
};

const flatten: ShapeRule = ({ node, input }) => {
  const axis = withAxis(node.int('axis', 1), input(0).length);
  const product = (part: Shape): number => part.reduce((total, size) => total * size, 1);
  return [product(input(0).slice(0, axis)), product(input(0).slice(axis))];
};

const squeeze: ShapeRule = ({ node, input, constant }) => {
  const shape = input(0);
  const axes = (constant(1) ?? node.ints('axes')).map((axis) => withAxis(axis, shape.length));
  return shape.filter((size, axis) => (axes.length === 0 ? size !== 1 : !axes.includes(axis)));
};

const unsqueeze: ShapeRule = ({ node, input, constant }) => {
  const given = constant(1) ?? node.ints('axes');
  const rank = input(0).length + given.length;
  const axes = given.map((axis) => withAxis(axis, rank));
  const rest = [...input(0)];
  return Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : rest.shift()!));
};

const transpose: ShapeRule = ({ node, input }) => {
  const perm = node.ints('perm');
  return perm.length === 0 ? [...input(0)].reverse() : perm.map((axis) => input(0)[axis]!);
};

const concat: ShapeRule = ({ node, input }) => {
  const at = withAxis(node.int('axis', 0), input(0).length);
  const total = node.inputs.reduce((sum, _, index) => sum + input(index)[at]!, 0);
  return input(0).map((size, axis) => (axis === at ? total : size));
};

const slice: ShapeRule = ({ input, constant }) => {
  const shape = [...input(0)];
  const [starts, ends] = [constant(1)!, constant(2)!];
  const axes = constant(3) ?? starts.map((_, i) => i);
  const steps = constant(4) ?? starts.map(() => 1);
  axes.forEach((axis, i) => {
    const at = withAxis(axis, shape.length);
    const size = shape[at]!;
    const within = (value: number): number => Math.min(Math.max(value < 0 ? value + size : value, 0), size);
    shape[at] = Math.max(0, Math.ceil((within(ends[i]!) - within(starts[i]!)) / steps[i]!));
  });
  return shape;
};

const expand: ShapeRule = ({ node, input, constant }) => broadcastTwo(node, input(0), constant(1) ?? []);

const RULES: Readonly<Record<string, ShapeRule>> = {
  ...{
    Add: broadcast,
    Sub: broadcast,
    Mul: broadcast,
    Div: broadcast,
    Pow: broadcast,
    Max: broadcast,
    Where: broadcast,
  },
  ...{ Greater: broadcast, Less: broadcast, Equal: broadcast, And: broadcast },
  ...{ Relu: same, Clip: same, Neg: same, Sqrt: same, Exp: same, Log: same, Identity: same, Cast: same },
  ...{ Softmax: same, LpNormalization: same },
  ...{ MatMul: matrixProduct, Gemm: generalProduct, Conv: convolution, MaxPool: pool, AveragePool: pool },
  ...{ GlobalAveragePool: globalPool, GlobalMaxPool: globalPool },
  ...{ ReduceSum: reduction, ReduceMean: reduction, ReduceMax: reduction, ReduceMin: reduction, ReduceL2: reduction },
  ...{ ArgMax: choice, OneHot: oneHot },
  ...{ Reshape: reshape, Flatten: flatten, Squeeze: squeeze, Unsqueeze: unsqueeze, Transpose: transpose },
  ...{ Concat: concat, Slice: slice, Expand: expand },
};

/**
 * Shapes of all tensors.
 * @param inputShapes of every input of the graph, all sizes fixed
 * @throws NetvladError `model` naming the node whose operator is not known or whose operands do not fit
 */
export function inferShapes(graph: Graph, inputShapes: ReadonlyMap<string, Shape>): Map<string, Shape> {
  const shapes = new Map<string, Shape>(inputShapes);
  for (const { name } of graph.inputs) {
    if (!shapes.has(name)) throw onnxError(`ONNX graph '${graph.name}': no size was given for input '${name}'.`);
  }
  for (const [name, tensor] of graph.initializers) shapes.set(name, tensor.dims);
  for (const node of graph.nodes) {
    const rule = RULES[node.opType];
    if (rule === undefined) throw nodeError(node, 'has an operator whose result size is not known here');
    const shape = rule({
      node,
      input: (index) => shapes.get(node.inputs[index]!)!,
      constant: (index) => constantInput(graph, node, index),
    });
    for (const output of node.outputs) shapes.set(output, shape);
  }
  return shapes;
}

/** Values of a node's constant input; undefined where it is left out. */
export function constantInput(graph: Graph, node: GraphNode, index: number): readonly number[] | undefined {
  const name = node.inputs[index];
  if (name === undefined || name === '') return undefined;
  const tensor = graph.initializers.get(name);
  if (tensor === undefined) throw nodeError(node, `has a computed input '${name}' where a constant is expected`);
  return constantValues(tensor);
}
