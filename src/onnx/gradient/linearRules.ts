/** @file Gradients of matrix products. */
import { real } from '../GraphBuilder.ts';
import { nodeError } from '../OnnxError.ts';
import { sumToShape } from './broadcasting.ts';
import type { Shape } from '../inferShapes.ts';
import type { GradientContext, RuleTable } from './GradientRule.ts';

/** Shape of a stacked matrix product. */
function productShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const at = (shape: Shape, axis: number): number => shape[shape.length - rank + axis] ?? 1;
  const batch = Array.from({ length: rank - 2 }, (_, axis) => Math.max(at(a, axis), at(b, axis)));
  return [...batch, a.at(-2)!, b.at(-1)!];
}

function transposedLast(context: GradientContext, tensor: string): string {
  const rank = context.shapeOf(tensor).length;
  const perm = Array.from({ length: rank }, (_, axis) => axis);
  [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
  return context.emit.op('Transpose', [tensor], { perm });
}

export const LINEAR_RULES: RuleTable = {
  // Y = A B (stacked): dA = G B^T, dB = A^T G, summed over broadcast stacks
  MatMul: (context) => {
    const { emit, node, outputGradient, shapeOf } = context;
    const [a, b] = [node.inputs[0]!, node.inputs[1]!];
    const [shapeA, shapeB, shapeY] = [shapeOf(a), shapeOf(b), shapeOf(node.outputs[0]!)];
    if (shapeA.length < 2 || shapeB.length < 2)
      throw nodeError(node, 'multiplies a vector, for which there is no gradient rule');
    const transposed = (shape: Shape): Shape => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
    const gradientA = (): string => emit.op('MatMul', [outputGradient, transposedLast(context, b)]);
    const gradientB = (): string => emit.op('MatMul', [transposedLast(context, a), outputGradient]);
    return [
      context.needs(0)
        ? sumToShape(emit, gradientA(), { from: productShape(shapeY, transposed(shapeB)), to: shapeA })
        : null,
      context.needs(1)
        ? sumToShape(emit, gradientB(), { from: productShape(transposed(shapeA), shapeY), to: shapeB })
        : null,
    ];
  },

  // Y = alpha op(A) op(B) + beta C
  Gemm: (context) => {
    const { emit, node, outputGradient, shapeOf } = context;
    const [a, b, c] = node.inputs;
    const [transA, transB] = [node.int('transA', 0), node.int('transB', 0)];
    const [alpha, beta] = [node.float('alpha', 1), node.float('beta', 1)];
    const product = (left: string, right: string, trans: readonly [number, number]): string =>
      emit.op('Gemm', [left, right], { transA: trans[0], transB: trans[1], alpha: real(alpha) });
    const gradientA = (): string =>
      transA === 1 ? product(b!, outputGradient, [transB, 1]) : product(outputGradient, b!, [0, 1 - transB]);
    const gradientB = (): string =>
      transB === 1 ? product(outputGradient, a!, [1, transA]) : product(a!, outputGradient, [1 - transA, 0]);
    const gradientC = (): string => {
      const scaled = beta === 1 ? outputGradient : emit.op('Mul', [outputGradient, emit.scalar(beta)]);
      return sumToShape(emit, scaled, { from: shapeOf(node.outputs[0]!), to: shapeOf(c!) });
    };
    return [
      context.needs(0) ? gradientA() : null,
      context.needs(1) ? gradientB() : null,
      c !== undefined && context.needs(2) ? gradientC() : null,
    ];
  },
};
