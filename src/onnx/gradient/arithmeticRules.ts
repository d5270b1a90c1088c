/** @file Gradients of elementwise operators. Operands broadcast, so every gradient is summed back to its operand's shape. */
import { sumToShape } from './broadcasting.ts';
import { nodeError } from '../OnnxError.ts';
import type { GradientContext, RuleTable } from './GradientRule.ts';

/** Sums to the shape of an input; null where the input needs none. */
function toInput(context: GradientContext, index: number, gradient: () => string): string | null {
  if (!context.needs(index)) return null;
  const from = context.shapeOf(context.node.outputs[0]!);
  return sumToShape(context.emit, gradient(), { from, to: context.shapeOf(context.node.inputs[index]!) });
}

/** The gradient where the condition holds, zero elsewhere. A product, since ONNX Runtime's Where takes twice its time. */
function masked({ emit, outputGradient }: GradientContext, condition: string): string {
  return emit.op('Mul', [outputGradient, emit.cast(condition, 'float')]);
}

function clipBound(context: GradientContext, index: number, otherwise: number): number {
  const name = context.node.inputs[index];
  return name === undefined || name === '' ? otherwise : context.constantOf(index)[0]!;
}

export const ARITHMETIC_RULES: RuleTable = {
  Add: (context) => [0, 1].map((index) => toInput(context, index, () => context.outputGradient)),

  Sub: (context) => [
    toInput(context, 0, () => context.outputGradient),
    toInput(context, 1, () => context.emit.op('Neg', [context.outputGradient])),
  ],

  Mul: (context) =>
    [0, 1].map((index) =>
      toInput(context, index, () => context.emit.op('Mul', [context.outputGradient, context.node.inputs[1 - index]!])),
    ),

  // y = a / b: da = g / b, db = -g y / b
  Div: (context) => {
    const { emit, node, outputGradient } = context;
    const quotient = (): string => emit.op('Div', [outputGradient, node.inputs[1]!]);
    return [
      toInput(context, 0, quotient),
      toInput(context, 1, () => emit.op('Neg', [emit.op('Mul', [quotient(), node.outputs[0]!])])),
    ];
  },

  Neg: ({ emit, outputGradient }) => [emit.op('Neg', [outputGradient])],

  Identity: ({ outputGradient }) => [outputGradient],

  Relu: (context) => [masked(context, context.emit.op('Greater', [context.node.outputs[0]!, context.emit.scalar(0)]))],

  // Zero on the bounds themselves, as the common frameworks have it. Asked of the output, which is there anyway: nothing but
  // Clip needs its input then, and ONNX Runtime clips within the convolution before it.
  Clip: (context) => {
    const { emit, node } = context;
    const y = node.outputs[0]!;
    const above = emit.op('Greater', [y, emit.scalar(clipBound(context, 1, -3.4e38))]);
    const below = emit.op('Less', [y, emit.scalar(clipBound(context, 2, 3.4e38))]);
    return [masked(context, emit.op('And', [above, below])), null, null];
  },

  // Ties go to the first operand.
  Max: (context) => {
    const { emit, node, outputGradient } = context;
    if (node.inputs.length !== 2)
      throw nodeError(node, 'has other than two inputs, for which there is no gradient rule');
    const [a, b] = [node.inputs[0]!, node.inputs[1]!];
    const second = emit.op('Less', [a, b]);
    return [
      toInput(context, 0, () => emit.op('Where', [second, emit.scalar(0), outputGradient])),
      toInput(context, 1, () => emit.op('Where', [second, outputGradient, emit.scalar(0)])),
    ];
  },

  Sqrt: ({ emit, node, outputGradient }) => [
    emit.op('Div', [emit.op('Mul', [outputGradient, emit.scalar(0.5)]), node.outputs[0]!]),
  ],

  Exp: ({ emit, node, outputGradient }) => [emit.op('Mul', [outputGradient, node.outputs[0]!])],

  Log: ({ emit, node, outputGradient }) => [emit.op('Div', [outputGradient, node.inputs[0]!])],

  // y = x^p: dx = g p x^(p - 1), which is a number for a square at x = 0, too; dp = g y ln x for x > 0
  Pow: (context) => {
    const { emit, node, outputGradient } = context;
    const [x, p] = [node.inputs[0]!, node.inputs[1]!];
    const slope = (): string => emit.op('Mul', [p, emit.op('Pow', [x, emit.op('Sub', [p, emit.scalar(1)])])]);
    const byExponent = (): string => emit.op('Mul', [node.outputs[0]!, emit.op('Log', [x])]);
    return [
      toInput(context, 0, () => emit.op('Mul', [outputGradient, slope()])),
      toInput(context, 1, () => emit.op('Mul', [outputGradient, byExponent()])),
    ];
  },
};
