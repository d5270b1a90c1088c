/**
 * @file The training step as one ONNX graph: trained part of the network, ranking loss over a batch of triplets, and the
 * gradient of every trained tensor. Weights are inputs, so that one session serves the whole training.
 */
import { GraphBuilder } from '../onnx/GraphBuilder.ts';
import { appendGradients } from '../onnx/gradient/appendGradients.ts';
import type { Graph } from '../onnx/graph.ts';
import { inferShapes } from '../onnx/inferShapes.ts';
import { onnxError } from '../onnx/OnnxError.ts';

export interface StepGraphOptions {
  /** From `features` [n, ...featureDims] to `descriptor` [n, D] unit L2. */
  readonly network: Graph;
  /** Names of `network`'s input and output. */
  readonly features: string;
  readonly descriptor: string;
  readonly featureDims: readonly number[];
  /** Weights of `network` that are trained. */
  readonly trained: readonly string[];
  /** Number of images of a step, and of (query, positive, negative) triplets over them. */
  readonly images: number;
  readonly triplets: number;
  /** On squared distances. */
  readonly margin: number;
  /** Tensors of `network` that the step gives, too, as they are between forward and backward part. */
  readonly watched?: readonly string[];
}

/** Names of what a step takes beside the features and the trained weights, and gives beside the gradients. */
export const STEP = {
  /** [triplets, images] one-hot rows: which image is the triplet's query, positive, negative. */
  query: 'step/query',
  positive: 'step/positive',
  negative: 'step/negative',
  /** [triplets, 1]: 1, or 0 for rows that only fill the batch. */
  weight: 'step/weight',
  /** Sum of the hinges, one value. */
  loss: 'step/loss',
  /** Number of triplets with a positive hinge, one value. */
  violating: 'step/violating',
} as const;

export interface StepGraph {
  readonly graph: Graph;
  /** Trained weight -> output with its gradient of the summed (not averaged) loss. */
  readonly gradients: ReadonlyMap<string, string>;
}

/** Turns weights of a graph into inputs, so that they can change from run to run. */
export function freeWeights(graph: Graph, names: readonly string[]): Graph {
  const freed = names.map((name) => {
    const tensor = graph.initializers.get(name);
    if (tensor === undefined) throw onnxError(`ONNX graph '${graph.name}' has no weight '${name}' to train.`);
    return { name, type: tensor.type, dims: tensor.dims };
  });
  return {
    ...graph,
    inputs: [...graph.inputs, ...freed],
    initializers: new Map([...graph.initializers].filter(([name]) => !names.includes(name))),
  };
}

/** Squared distances of the triplets' queries to the images that `other` selects: [triplets, 1]. */
function squaredDistances(builder: GraphBuilder, queries: string, others: string): string {
  const difference = builder.op('Sub', [queries, others]);
  return builder.reduceSum(builder.op('Mul', [difference, difference]), [1]);
}

function appendLoss(builder: GraphBuilder, options: StepGraphOptions): void {
  const dims = [options.triplets, options.images];
  const select = (name: string): string => builder.op('MatMul', [builder.input(name, dims), options.descriptor]);
  const queries = select(STEP.query);
  const toPositive = squaredDistances(builder, queries, select(STEP.positive));
  const toNegative = squaredDistances(builder, queries, select(STEP.negative));
  const excess = builder.op('Sub', [builder.op('Add', [toPositive, builder.scalar(options.margin)]), toNegative]);
  const weight = builder.input(STEP.weight, [options.triplets, 1]);
  const hinge = builder.op('Mul', [builder.op('Relu', [excess]), weight]);
  builder.op('ReduceSum', [hinge, builder.ints([0, 1])], { keepdims: 0 }, STEP.loss);
  const violating = builder.cast(builder.op('Greater', [hinge, builder.scalar(0)]), 'float');
  builder.op('ReduceSum', [violating, builder.ints([0, 1])], { keepdims: 0 }, STEP.violating);
  builder.output(STEP.loss, []);
  builder.output(STEP.violating, []);
}

/**
 * Builds the step.
 * @throws NetvladError `model` when the network has an operator without a gradient rule, or lacks a trained weight or watched tensor
 */
export function createStepGraph(options: StepGraphOptions): StepGraph {
  const builder = new GraphBuilder({ prefix: 'step/', graph: freeWeights(options.network, options.trained) });
  appendLoss(builder, options);
  const forward = builder.build('training step');
  const inputShapes = new Map<string, readonly number[]>(
    forward.inputs.map(({ name, dims }) => [name, dims as readonly number[]]),
  );
  inputShapes.set(options.features, [options.images, ...options.featureDims]);
  const shapes = inferShapes(forward, inputShapes);
  const watched = (options.watched ?? []).map((name) => {
    const dims = shapes.get(name);
    if (dims === undefined) throw onnxError(`ONNX graph '${forward.name}' has no tensor '${name}' to watch.`);
    return { name, type: 'float' as const, dims };
  });
  const outputs = [...forward.outputs, ...watched];
  return appendGradients({ ...forward, outputs }, { loss: STEP.loss, wrt: options.trained, inputShapes });
}
