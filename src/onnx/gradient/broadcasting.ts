/** @file The way back through numpy-style broadcasting. */
import type { Shape } from '../inferShapes.ts';
import type { GraphBuilder } from '../GraphBuilder.ts';

/** Sums a gradient of the broadcast shape `from` down to the operand's shape `to`. */
export function sumToShape(emit: GraphBuilder, gradient: string, { from, to }: { from: Shape; to: Shape }): string {
  const lead = from.length - to.length;
  const axes = from.flatMap((size, axis) => (axis < lead || (to[axis - lead] === 1 && size !== 1) ? [axis] : []));
  const summed = axes.length === 0 ? gradient : emit.reduceSum(gradient, axes);
  return lead === 0 ? summed : emit.reshape(summed, to);
}
