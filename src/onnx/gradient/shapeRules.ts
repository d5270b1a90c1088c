/** @file Gradients of operators that only move values about, and of reductions. */
import { NORM_EPSILON } from '../../math/vectors.ts';
import { sumToShape } from './broadcasting.ts';
import { nodeError } from '../OnnxError.ts';
import type { Shape } from '../inferShapes.ts';
import type { GradientContext, GradientRule, RuleTable } from './GradientRule.ts';

/** Less than any length but zero: float32 has no squares below (3.7e-23)^2. */
const LEAST_NORM = 1e-23;

const reshapeBack: GradientRule = ({ emit, node, outputGradient, shapeOf }) => [
  emit.reshape(outputGradient, shapeOf(node.inputs[0]!)),
  null,
];

/** Axes of a reduction, non-negative; all of them where none are given. */
function reducedAxes({ node, constantOf }: GradientContext, rank: number): readonly number[] {
  const given = node.inputs[1] === undefined || node.inputs[1] === '' ? node.ints('axes') : constantOf(1);
  const axes = given.length === 0 ? Array.from({ length: rank }, (_, axis) => axis) : given;
  return axes.map((axis) => (axis < 0 ? axis + rank : axis));
}

/** The output's gradient, expanded over the reduced axes. */
function expandReduced(context: GradientContext): { gradient: string; count: number; kept: Shape } {
  const { emit, node, outputGradient, shapeOf } = context;
  const shape = shapeOf(node.inputs[0]!);
  const axes = reducedAxes(context, shape.length);
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const gradient = emit.op('Expand', [emit.reshape(outputGradient, kept), emit.ints(shape)]);
  return { gradient, kept, count: axes.reduce((product, axis) => product * shape[axis]!, 1) };
}

/** Shares the gradient among all locations that hold the maximum, so that equal values are treated alike. */
function maximumRule(context: GradientContext): readonly (string | null)[] {
  const { emit, node, shapeOf } = context;
  const x = node.inputs[0]!;
  const shape = shapeOf(x);
  const axes =
    node.opType === 'GlobalMaxPool' ? shape.map((_, axis) => axis).slice(2) : reducedAxes(context, shape.length);
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const isMaximum = emit.cast(emit.op('Equal', [x, emit.reshape(node.outputs[0]!, kept)]), 'float');
  const count = emit.reduceSum(isMaximum, axes);
  const share = emit.op('Div', [emit.reshape(context.outputGradient, kept), count]);
  return [emit.op('Mul', [isMaximum, share]), null];
}

export const SHAPE_RULES: RuleTable = {
  // A choice of clusters does not change by a small step: nothing flows back.
  ArgMax: () => [null],
  OneHot: () => [null, null, null],

  Reshape: reshapeBack,
  Flatten: reshapeBack,
  Squeeze: reshapeBack,
  Unsqueeze: reshapeBack,

  Transpose: ({ emit, node, outputGradient, shapeOf }) => {
    const rank = shapeOf(node.inputs[0]!).length;
    const given = node.ints('perm');
    const perm = given.length > 0 ? given : Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
    return [emit.op('Transpose', [outputGradient], { perm: perm.map((_, axis) => perm.indexOf(axis)) })];
  },

  Concat: ({ emit, node, outputGradient, shapeOf }) => {
    const rank = shapeOf(node.outputs[0]!).length;
    const axis = (node.int('axis', 0) + rank) % rank;
    let start = 0;
    return node.inputs.map((input) => {
      const end = start + shapeOf(input)[axis]!;
      const part = emit.slice(outputGradient, { axis, start, end });
      start = end;
      return part;
    });
  },

  Slice: (context) => {
    const { emit, node, outputGradient, shapeOf, constantOf } = context;
    const shape = shapeOf(node.inputs[0]!);
    const starts = constantOf(1);
    const given = constantOf(3);
    const axes = given.length === 0 ? starts.map((_, i) => i) : given;
    if (constantOf(4).some((step) => step !== 1)) {
      throw nodeError(node, 'has steps other than 1, for which there is no gradient rule');
    }
    const out = shapeOf(node.outputs[0]!);
    const before = shape.map(() => 0);
    axes.forEach((axis, i) => {
      const at = (axis + shape.length) % shape.length;
      const start = starts[i]! < 0 ? starts[i]! + shape[at]! : starts[i]!;
      before[at] = Math.min(start, shape[at]!);
    });
    const after = shape.map((size, axis) => size - before[axis]! - out[axis]!);
    return [emit.op('Pad', [outputGradient, emit.ints([...before, ...after])])];
  },

  Expand: ({ emit, node, outputGradient, shapeOf }) => [
    sumToShape(emit, outputGradient, { from: shapeOf(node.outputs[0]!), to: shapeOf(node.inputs[0]!) }),
    null,
  ],

  ReduceSum: (context) => [expandReduced(context).gradient, null],

  ReduceMean: (context) => {
    const { gradient, count } = expandReduced(context);
    return [context.emit.op('Mul', [gradient, context.emit.scalar(1 / count)]), null];
  },

  ReduceMax: maximumRule,
  GlobalMaxPool: maximumRule,

  // y = sqrt(sum x^2) over the axes: dx = g x / y, and 0 for a zero vector (a location that a ReLU put out, an empty cluster)
  ReduceL2: (context) => {
    const { gradient, kept } = expandReduced(context);
    const { emit, node } = context;
    const norm = emit.op('Max', [emit.reshape(node.outputs[0]!, kept), emit.scalar(LEAST_NORM)]);
    return [emit.op('Div', [emit.op('Mul', [gradient, node.inputs[0]!]), norm]), null];
  },

  GlobalAveragePool: ({ emit, node, outputGradient, shapeOf }) => {
    const shape = shapeOf(node.inputs[0]!);
    const locations = shape.slice(2).reduce((product, size) => product * size, 1);
    return [emit.op('Mul', [emit.op('Expand', [outputGradient, emit.ints(shape)]), emit.scalar(1 / locations)])];
  },

  // y = softmax(x): dx = y (g - sum(g y))
  Softmax: ({ emit, node, outputGradient, shapeOf }) => {
    const rank = shapeOf(node.inputs[0]!).length;
    const axis = (node.int('axis', -1) + rank) % rank;
    const y = node.outputs[0]!;
    const inner = emit.reduceSum(emit.op('Mul', [outputGradient, y]), [axis]);
    return [emit.op('Mul', [y, emit.op('Sub', [outputGradient, inner])])];
  },

  // y = x / |x|: dx = (g - y sum(g y)) / |x|; ONNX Runtime gives y = 0 for a zero vector, as if |x| were NORM_EPSILON
  LpNormalization: ({ emit, node, outputGradient, shapeOf }) => {
    if (node.int('p', 2) !== 2) throw nodeError(node, 'has p other than 2, for which there is no gradient rule');
    const rank = shapeOf(node.inputs[0]!).length;
    const axis = (node.int('axis', -1) + rank) % rank;
    const [x, y] = [node.inputs[0]!, node.outputs[0]!];
    const length = emit.op('Sqrt', [emit.reduceSum(emit.op('Mul', [x, x]), [axis])]);
    const norm = emit.op('Max', [length, emit.scalar(NORM_EPSILON)]);
    const inner = emit.reduceSum(emit.op('Mul', [outputGradient, y]), [axis]);
    return [emit.op('Div', [emit.op('Sub', [outputGradient, emit.op('Mul', [y, inner])]), norm])];
  },
};
