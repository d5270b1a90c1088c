/** @file What a gradient rule sees and gives: one rule an operator, found by the operator's name. */
import type { GraphNode } from '../graph.ts';
import type { Shape } from '../inferShapes.ts';
import type { GraphBuilder } from '../GraphBuilder.ts';

/** One node of the forward graph on the way back. */
export interface GradientContext {
  readonly node: GraphNode;
  /** Adds nodes to the backward part. */
  readonly emit: GraphBuilder;
  /** Gradient of the loss by the node's first output. */
  readonly outputGradient: string;
  /** Static shape of a tensor of the forward graph. */
  readonly shapeOf: (tensor: string) => Shape;
  /** Values of a constant input (axes, shapes, bounds); an error names the node where it is not a constant. */
  readonly constantOf: (inputIndex: number) => readonly number[];
  /** False for inputs whose gradient nobody needs: their part may be skipped. */
  readonly needs: (inputIndex: number) => boolean;
}

/** Gives, per input of the node, the name of the gradient's tensor, or null where there is none. */
export type GradientRule = (context: GradientContext) => readonly (string | null)[];

export type RuleTable = Readonly<Record<string, GradientRule>>;
