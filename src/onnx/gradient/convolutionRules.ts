/**
 * @file Gradients of convolution and pooling over [n, channels, height, width]. ONNX has no operators for them: the one
 * by the input is a transposed convolution, the one by the weights a matrix product for every position of the kernel.
 */
import { nodeError } from '../OnnxError.ts';
import type { GradientContext, RuleTable } from './GradientRule.ts';

/** Sizes of a sliding window, read from a node's attributes. */
interface Window {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  /** [top, left, bottom, right] */
  readonly pads: readonly [number, number, number, number];
}

function windowOf({ node, shapeOf }: GradientContext, kernel: readonly number[]): Window {
  if (shapeOf(node.inputs[0]!).length !== 4)
    throw nodeError(node, 'is not over two spatial axes, for which there is no gradient rule');
  if (node.ints('dilations').some((dilation) => dilation !== 1))
    throw nodeError(node, 'is dilated, for which there is no gradient rule');
  if (!['', 'NOTSET'].includes(node.text('auto_pad', '')))
    throw nodeError(node, `has auto_pad, for which there is no gradient rule`);
  const [height, width] = kernel;
  const [down, right] = node.ints('strides');
  const [top, left, bottom, end] = node.ints('pads');
  return {
    kernel: [height!, width!],
    strides: [down ?? 1, right ?? 1],
    pads: [top ?? 0, left ?? 0, bottom ?? 0, end ?? 0],
  };
}

/** What a transposed convolution must add at the end to give back exactly the input's height and width. */
function outputPadding(window: Window, input: readonly number[], output: readonly number[]): number[] {
  return [0, 1].map((axis) => {
    const covered = (output[axis + 2]! - 1) * window.strides[axis]! + window.kernel[axis]!;
    return input[axis + 2]! - (covered - window.pads[axis]! - window.pads[axis + 2]!);
  });
}

function transposedConvolution(
  context: GradientContext,
  window: Window,
  { weights, group }: { weights: string; group: number },
): string {
  const { emit, node, outputGradient, shapeOf } = context;
  return emit.op('ConvTranspose', [outputGradient, weights], {
    group,
    strides: window.strides,
    pads: window.pads,
    output_padding: outputPadding(window, shapeOf(node.inputs[0]!), shapeOf(node.outputs[0]!)),
  });
}

/** The part of the padded input that position (row, column) of the kernel meets: [n, channels, outHeight, outWidth]. */
function metBy(context: GradientContext, window: Window, padded: string): string[] {
  const { emit, node, shapeOf } = context;
  if (window.kernel[0] * window.kernel[1] * window.strides[0] * window.strides[1] === 1) return [padded]; // all of it
  const [, , height, width] = shapeOf(node.outputs[0]!);
  const positions = Array.from({ length: window.kernel[0] * window.kernel[1] }, (_, position) => position);
  return positions.map((position) => {
    const row = Math.floor(position / window.kernel[1]);
    const column = position % window.kernel[1];
    const ends = [row + (height! - 1) * window.strides[0] + 1, column + (width! - 1) * window.strides[1] + 1];
    return emit.op('Slice', [
      padded,
      emit.ints([row, column]),
      emit.ints(ends),
      emit.ints([2, 3]),
      emit.ints(window.strides),
    ]);
  });
}

function paddedInput({ emit, node }: GradientContext, { pads: [top, left, bottom, right] }: Window): string {
  const x = node.inputs[0]!;
  if (top + left + bottom + right === 0) return x;
  return emit.op('Pad', [x, emit.ints([0, 0, top, left, 0, 0, bottom, right])]);
}

/** Selects from the products of all rows [outRows * inRows] those that row 0, 1, ... of the kernel sums: [.., kernel height]. */
function rowPairs({ kernel, strides, pads }: Window, outRows: number, inRows: number): Float32Array {
  const selection = new Float32Array(outRows * inRows * kernel[0]);
  for (let row = 0; row < outRows; row++) {
    for (let position = 0; position < kernel[0]; position++) {
      const met = row * strides[0] + position - pads[0];
      if (met >= 0 && met < inRows) selection[(row * inRows + met) * kernel[0] + position] = 1;
    }
  }
  return selection;
}

/**
 * Weights [channels, 1, kh, kw] of a depthwise convolution. For every column of the kernel one matrix product a channel, of all
 * rows of the gradient with all rows of the input, over columns and images at once: the kernel's rows are its diagonals.
 * Most products are not wanted, and still it takes less than half the time of a convolution for every plane of every image.
 */
function depthwiseWeightGradient({ emit, node, outputGradient, shapeOf }: GradientContext, window: Window): string {
  const [n, channels, inRows, inColumns] = shapeOf(node.inputs[0]!) as [number, number, number, number];
  const [outRows, outColumns] = shapeOf(node.outputs[0]!).slice(2) as [number, number];
  const { kernel, strides, pads } = window;
  const byRows = (tensor: string): string => emit.op('Transpose', [tensor], { perm: [1, 2, 0, 3] });
  const gradient = emit.reshape(byRows(outputGradient), [channels, outRows, n * outColumns]);
  const input = byRows(node.inputs[0]!);
  const selection = emit.floats(rowPairs(window, outRows, inRows), [outRows * inRows, kernel[0]]);
  const columns = Array.from({ length: kernel[1] }, (_unused, column) => {
    const reach = (outColumns - 1) * strides[1] + 1;
    const before = pads[1] - column; // a negative pad crops
    const after = reach - before - inColumns;
    const isWhole = before === 0 && after === 0;
    const padded = isWhole ? input : emit.op('Pad', [input, emit.ints([0, 0, 0, before, 0, 0, 0, after])]);
    const [from, to, axis, step] = [[0], [reach], [3], [strides[1]]].map((values) => emit.ints(values));
    const met = strides[1] === 1 ? padded : emit.op('Slice', [padded, from!, to!, axis!, step!]);
    const rows = emit.op('Transpose', [emit.reshape(met, [channels, inRows, n * outColumns])], { perm: [0, 2, 1] });
    const products = emit.reshape(emit.op('MatMul', [gradient, rows]), [channels, outRows * inRows]);
    return emit.reshape(emit.op('MatMul', [products, selection]), [channels, 1, kernel[0], 1]);
  });
  return columns.length === 1 ? columns[0]! : emit.op('Concat', columns, { axis: 3 });
}

/** Weights [out, in / group, kh, kw]: per kernel position and group, G X^T over all locations, summed over images. */
function weightGradient(context: GradientContext, window: Window, group: number): string {
  const { emit, node, outputGradient, shapeOf } = context;
  const [n, outChannels, height, width] = shapeOf(node.outputs[0]!) as [number, number, number, number];
  const inChannels = shapeOf(node.inputs[0]!)[1]!;
  const locations = height * width;
  const [outGroup, inGroup] = [outChannels / group, inChannels / group];
  const gradient = emit.reshape(outputGradient, [n, group, outGroup, locations]);
  const swapped = (tensor: string): string => emit.op('Transpose', [tensor], { perm: [0, 1, 3, 2] });
  const products = metBy(context, window, paddedInput(context, window)).map((part) => {
    const met = emit.reshape(part, [n, group, inGroup, locations]);
    // The larger operand stays as it lies in memory: the smaller is turned, and the small result turned back.
    const product =
      inGroup <= outGroup
        ? emit.reduceSum(emit.op('MatMul', [gradient, swapped(met)]), [0])
        : swapped(emit.reduceSum(emit.op('MatMul', [met, swapped(gradient)]), [0]));
    return emit.reshape(product, [outChannels, inGroup, 1]);
  });
  const stacked = products.length === 1 ? products[0]! : emit.op('Concat', products, { axis: 2 });
  return emit.reshape(stacked, shapeOf(node.inputs[1]!));
}

/** Average over the window: the gradient is spread evenly, a depthwise transposed convolution with a constant kernel. */
function averagePool(context: GradientContext): readonly (string | null)[] {
  const { emit, node, shapeOf } = context;
  const window = windowOf(context, node.ints('kernel_shape'));
  if (outputPadding(window, shapeOf(node.inputs[0]!), shapeOf(node.outputs[0]!)).some((size) => size < 0))
    throw nodeError(node, 'has windows beyond its input (ceil_mode), for which there is no gradient rule');
  if (window.pads.some((pad) => pad !== 0) && node.int('count_include_pad', 0) === 0) {
    throw nodeError(node, 'is padded without count_include_pad, for which there is no gradient rule');
  }
  const channels = shapeOf(node.inputs[0]!)[1]!;
  const [height, width] = window.kernel;
  const share = new Float32Array(channels * height * width).fill(1 / (height * width));
  const weights = emit.floats(share, [channels, 1, height, width]);
  return [transposedConvolution(context, window, { weights, group: channels })];
}

/** The gradient goes to the location that held the maximum, found by MaxPool's own indices. */
function maxPool(context: GradientContext): readonly (string | null)[] {
  const { emit, node, outputGradient, shapeOf } = context;
  windowOf(context, node.ints('kernel_shape'));
  const shape = shapeOf(node.inputs[0]!);
  const size = shape.reduce((product, extent) => product * extent, 1);
  const outputSize = shapeOf(node.outputs[0]!).reduce((product, extent) => product * extent, 1);
  const again = { attributes: { ...Object.fromEntries(node.attributes), storage_order: 0 }, outputs: 2 };
  const [, indices] = emit.ops('MaxPool', [node.inputs[0]!], again);
  const zeros = emit.op('Expand', [emit.scalar(0), emit.ints([size])]);
  const scattered = emit.op(
    'ScatterElements',
    [zeros, emit.reshape(indices!, [outputSize]), emit.reshape(outputGradient, [outputSize])],
    { axis: 0, reduction: 'add' },
  );
  return [emit.reshape(scattered, shape)];
}

/**
 * The gradient by the input where nothing was skipped: a convolution with the kernel turned by 180 degrees. For depthwise
 * layers it is several times faster than the transposed convolution, whose kernel runs channel by channel.
 */
function turnedDepthwise({ emit, node, outputGradient, shapeOf }: GradientContext, window: Window): string {
  const shape = shapeOf(node.inputs[1]!);
  const [height, width] = window.kernel;
  const last = height * width - 1;
  const backwards = Array.from({ length: last + 1 }, (_unused, position) => last - position);
  const rows = emit.reshape(node.inputs[1]!, [shape[0]!, last + 1]);
  const turned = emit.reshape(emit.op('Gather', [rows, emit.ints(backwards)], { axis: 1 }), shape);
  const [top, left, bottom, right] = window.pads;
  const pads = [height - 1 - top, width - 1 - left, height - 1 - bottom, width - 1 - right];
  return emit.op('Conv', [outputGradient, turned], { group: shape[0]!, kernel_shape: window.kernel, pads });
}

export const CONVOLUTION_RULES: RuleTable = {
  Conv: (context) => {
    const { emit, node, outputGradient, shapeOf } = context;
    const weightShape = shapeOf(node.inputs[1]!);
    const window = windowOf(context, weightShape.slice(2));
    const group = node.int('group', 1);
    const isDepthwise = group > 1 && weightShape[1] === 1 && weightShape[0] === group;
    const byWeights = (): string =>
      isDepthwise ? depthwiseWeightGradient(context, window) : weightGradient(context, window, group);
    const isDense = window.strides.every((stride) => stride === 1);
    const canTurn = isDepthwise && isDense && window.pads.every((pad, side) => pad < window.kernel[side % 2]!);
    const byInput = (): string =>
      canTurn
        ? turnedDepthwise(context, window)
        : transposedConvolution(context, window, { weights: node.inputs[1]!, group });
    return [
      context.needs(0) ? byInput() : null,
      context.needs(1) ? byWeights() : null,
      node.inputs[2] !== undefined && context.needs(2)
        ? emit.reshape(emit.reduceSum(outputGradient, [0, 2, 3]), [weightShape[0]!])
        : null,
    ];
  },
  AveragePool: averagePool,
  MaxPool: maxPool,
};
