/**
 * @file Reverse-mode differentiation over ONNX graphs: the gradient of a scalar is itself a graph, which ONNX Runtime
 * runs on any of its providers. One rule an operator (the tables beside this file).
 */
import { GraphBuilder } from '../GraphBuilder.ts';
import type { Graph, GraphNode } from '../graph.ts';
import { constantInput, inferShapes, type Shape } from '../inferShapes.ts';
import { nodeError, onnxError } from '../OnnxError.ts';
import { ARITHMETIC_RULES } from './arithmeticRules.ts';
import { CONVOLUTION_RULES } from './convolutionRules.ts';
import type { RuleTable } from './GradientRule.ts';
import { LINEAR_RULES } from './linearRules.ts';
import { SHAPE_RULES } from './shapeRules.ts';

const RULES: RuleTable = { ...ARITHMETIC_RULES, ...SHAPE_RULES, ...LINEAR_RULES, ...CONVOLUTION_RULES };

/** Operators with a gradient rule, by name. */
export const DIFFERENTIABLE_OPERATORS: readonly string[] = Object.keys(RULES).sort();

export interface GradientRequest {
  /** A tensor with one value. */
  readonly loss: string;
  /** Inputs or weights whose gradients are wanted. */
  readonly wrt: readonly string[];
  /** Fixed sizes of the graph's inputs. */
  readonly inputShapes: ReadonlyMap<string, Shape>;
}

export interface GradientGraph {
  /** The forward graph with the backward part; outputs are the forward's and one gradient for each of `wrt`. */
  readonly graph: Graph;
  /** `wrt` name -> name of its gradient's output. */
  readonly gradients: ReadonlyMap<string, string>;
}

/** Tensors that depend on what is differentiated by: only through these does a gradient flow. */
function dependents(graph: Graph, wrt: readonly string[]): Set<string> {
  const result = new Set(wrt);
  for (const node of graph.nodes) {
    if (node.inputs.some((input) => result.has(input))) for (const output of node.outputs) result.add(output);
  }
  return result;
}

/** Gradients gathered so far; a tensor used several times gets their sum. */
class GradientSums {
  readonly #parts = new Map<string, string[]>();
  readonly #emit: GraphBuilder;

  constructor(emit: GraphBuilder) {
    this.#emit = emit;
  }

  add(tensor: string, gradient: string): void {
    this.#parts.set(tensor, [...(this.#parts.get(tensor) ?? []), gradient]);
  }

  total(tensor: string): string | null {
    const parts = this.#parts.get(tensor);
    if (parts === undefined) return null;
    if (parts.length === 1) return parts[0]!;
    const sum = this.#emit.op('Sum', parts);
    this.#parts.set(tensor, [sum]);
    return sum;
  }
}

function backOver(
  node: GraphNode,
  facts: {
    graph: Graph;
    shapes: ReadonlyMap<string, Shape>;
    flowing: ReadonlySet<string>;
    emit: GraphBuilder;
    sums: GradientSums;
  },
): void {
  const { graph, shapes, flowing, emit, sums } = facts;
  const outputGradient = sums.total(node.outputs[0]!);
  if (outputGradient === null || !node.inputs.some((input) => flowing.has(input))) return;
  const rule = RULES[node.opType];
  if (rule === undefined) {
    throw nodeError(node, `has no gradient rule (there are rules for ${DIFFERENTIABLE_OPERATORS.join(', ')})`);
  }
  const gradients = rule({
    node,
    emit,
    outputGradient,
    shapeOf: (tensor) => shapes.get(tensor)!,
    constantOf: (index) => constantInput(graph, node, index) ?? [],
    needs: (index) => flowing.has(node.inputs[index] ?? ''),
  });
  gradients.forEach((gradient, index) => {
    const input = node.inputs[index];
    if (gradient !== null && input !== undefined && flowing.has(input)) sums.add(input, gradient);
  });
}

/**
 * Extends a graph by the gradients of one of its tensors.
 * @throws NetvladError `model` naming the node whose operator has no rule, or a tensor that is not there
 */
export function appendGradients(graph: Graph, request: GradientRequest): GradientGraph {
  const shapes = inferShapes(graph, request.inputShapes);
  const lossShape = shapes.get(request.loss);
  if (lossShape?.every((size) => size === 1) !== true) {
    throw onnxError(
      `The loss '${request.loss}' must be one value, it is ${lossShape === undefined ? 'missing' : `[${lossShape.join(', ')}]`}.`,
    );
  }
  const emit = new GraphBuilder({ prefix: 'grad/', graph });
  for (const output of graph.outputs) emit.output(output.name, output.dims, output.type);
  const sums = new GradientSums(emit);
  sums.add(request.loss, emit.floats(Float32Array.of(1), lossShape));
  const facts = { graph, shapes, flowing: dependents(graph, request.wrt), emit, sums };
  for (const node of [...graph.nodes].reverse()) backOver(node, facts);
  const gradients = new Map(request.wrt.map((name) => [name, `gradient of ${name}`]));
  for (const [name, output] of gradients) {
    const gradient = sums.total(name);
    if (gradient === null) throw onnxError(`The loss '${request.loss}' does not depend on '${name}'.`);
    emit.op('Identity', [gradient], {}, output);
    emit.output(output, shapes.get(name)!);
  }
  return { graph: emit.build(graph.name), gradients };
}
