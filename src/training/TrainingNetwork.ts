/**
 * @file The network under training: frozen prefix, trained suffix with the head, and the weights that steps change. Steps
 * and descriptions run on ONNX Runtime with the weights as inputs.
 */
import {
  type Feeds,
  floatFeed,
  OnnxSession,
  type RuntimeTensor,
  type SessionOptions,
} from '../inference/OnnxSession.ts';
import { createModel, GraphBuilder } from '../onnx/GraphBuilder.ts';
import { elementCount, floatTensor, type Graph, type Tensor } from '../onnx/graph.ts';
import { inferShapes } from '../onnx/inferShapes.ts';
import { appendHead, HEAD, type Pooling } from '../onnx/poolingHead.ts';
import { cutGraph } from '../onnx/surgery.ts';
import { writeModel } from '../onnx/writeModel.ts';
import { createStepGraph, freeWeights, STEP, type StepGraph } from './stepGraph.ts';

/** A triplet of a step: positions among the step's images. */
export interface Triplet {
  readonly query: number;
  readonly positive: number;
  readonly negative: number;
}

export interface StepResult {
  /** Sum of the hinges. */
  readonly loss: number;
  readonly violating: number;
  /** Trained weight -> gradient of the summed loss. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
  /** Watched tensor -> its values for the batch's images. */
  readonly watched: ReadonlyMap<string, Float32Array>;
}

/** Which of the backbone's layers are trained beside the head. */
export interface NetworkOptions {
  /** image -> dense map, cut at its only output. */
  readonly backbone: Graph;
  /** Operator set of the backbone. */
  readonly opset: number;
  readonly pooling: Pooling;
  /** Tensor of the backbone after which layers are trained; null trains all; the output itself trains none of them. */
  readonly trainedFrom: string | null;
  /** Whether the head's weights are trained (pooling without weights has none). */
  readonly trainHead: boolean;
  readonly image: { readonly width: number; readonly height: number };
  readonly margin: number;
  readonly session?: SessionOptions;
}

/** Steps of up to so many images share a session; the rest of its rows repeat the first image with weight zero. */
const IMAGE_BUCKET = 12;
const DESCRIBE_BATCH = 32;

/** Keeps the head's three parameter sets; version 1 has no bias, as the published models. */
function headWeights(graph: Graph, pooling: Pooling): string[] {
  const hasBias = pooling.kind === 'netvlad' && pooling.parameters.bias.some((value) => value !== 0);
  return [HEAD.weights, HEAD.centres, ...(hasBias ? [HEAD.bias] : [])].filter((name) => graph.initializers.has(name));
}

/** Weights and biases of a graph's layers; constants such as bounds and shapes are not trained. */
function layerWeights(graph: Graph): Set<string> {
  const layers = graph.nodes.filter((node) => ['Conv', 'Gemm', 'MatMul'].includes(node.opType));
  return new Set(layers.flatMap((node) => node.inputs.slice(1)).filter((name) => graph.initializers.has(name)));
}

export class TrainingNetwork {
  /** image -> features; null when everything is trained and the features are the image itself. */
  readonly prefix: Graph | null;
  /** features [n, ...] -> descriptor [n, D]. */
  readonly suffix: Graph;
  /** Shape of one image's features. */
  readonly featureDims: readonly number[];
  readonly opset: number;
  readonly dimension: number;
  /** Trained tensors by name, changed in place by the optimiser. */
  readonly weights: ReadonlyMap<string, Tensor & { readonly data: Float32Array }>;
  readonly backboneWeights: ReadonlySet<string>;
  readonly #options: NetworkOptions;
  readonly #features: string;
  readonly #steps = new Map<string, Promise<{ session: OnnxSession; step: StepGraph }>>();
  #describer: Promise<OnnxSession> | null = null;

  constructor(options: NetworkOptions) {
    const { backbone, pooling, trainedFrom, image } = options;
    const shapes = inferShapes(backbone, new Map([[backbone.inputs[0]!.name, [1, 3, image.height, image.width]]]));
    const map = backbone.outputs[0]!.name;
    const from = trainedFrom ?? backbone.inputs[0]!.name;
    this.#options = options;
    this.opset = options.opset;
    this.#features = from;
    this.featureDims = shapes.get(from)!.slice(1);
    this.prefix =
      trainedFrom === null ? null : cutGraph(backbone, { outputs: [{ name: from, dims: ['n', ...this.featureDims] }] });
    const boundary = { name: from, dims: ['n', ...this.featureDims] };
    const trunk =
      from === map
        ? {
            name: 'head',
            nodes: [],
            inputs: [{ ...boundary, type: 'float' as const }],
            outputs: [],
            initializers: new Map(),
          }
        : cutGraph(backbone, {
            inputs: [boundary],
            outputs: [{ name: map, dims: ['n', ...shapes.get(map)!.slice(1)] }],
          });
    const builder = new GraphBuilder({ prefix: 'head/', graph: trunk });
    appendHead(builder, map, { pooling, whitening: null, channels: shapes.get(map)![1]! });
    this.suffix = builder.build('trained part');
    this.dimension = this.suffix.outputs.find((output) => output.name === HEAD.descriptor)!.dims[1] as number;
    this.backboneWeights = layerWeights(trunk);
    const names = [...this.backboneWeights, ...(options.trainHead ? headWeights(this.suffix, pooling) : [])];
    this.weights = new Map(
      names.map((name) => {
        const { dims, data } = this.suffix.initializers.get(name)!;
        return [name, { type: 'float', dims, data: (data as Float32Array).slice() }];
      }),
    );
  }

  /**
   * Loss, count and gradients of one batch; `features` [n, ...featureDims] of its images.
   * @param watched tensors [n, ...] of the suffix that are wanted, too: what the gradients were computed from
   */
  async step(
    features: Float32Array,
    triplets: readonly Triplet[],
    watched: readonly string[] = [],
  ): Promise<StepResult> {
    const rowLength = elementCount(this.featureDims);
    const count = features.length / rowLength;
    const images = Math.ceil(count / IMAGE_BUCKET) * IMAGE_BUCKET;
    const rows = Math.ceil(triplets.length / 10) * 10;
    const { session, step } = await this.#stepSession(images, rows, watched);
    const filled = new Float32Array(images * rowLength);
    filled.set(features);
    for (let i = count; i < images; i++) filled.copyWithin(i * rowLength, 0, rowLength);
    const feeds: Record<string, RuntimeTensor> = {
      ...this.#weightFeeds(),
      [this.#features]: floatFeed([images, ...this.featureDims], filled),
      [STEP.query]: selector(
        triplets.map((triplet) => triplet.query),
        rows,
        images,
      ),
      [STEP.positive]: selector(
        triplets.map((triplet) => triplet.positive),
        rows,
        images,
      ),
      [STEP.negative]: selector(
        triplets.map((triplet) => triplet.negative),
        rows,
        images,
      ),
      [STEP.weight]: floatFeed(
        [rows, 1],
        Float32Array.from({ length: rows }, (_unused, i) => (i < triplets.length ? 1 : 0)),
      ),
    };
    const results = await session.run(feeds, [STEP.loss, STEP.violating, ...step.gradients.values(), ...watched]);
    const valuesOf = (output: string): Float32Array => results[output]!.data as Float32Array;
    return {
      loss: results[STEP.loss]!.data[0] as number,
      violating: results[STEP.violating]!.data[0] as number,
      gradients: new Map([...step.gradients].map(([name, output]) => [name, valuesOf(output)])),
      watched: new Map(
        watched.map((name) => [name, valuesOf(name).subarray(0, (valuesOf(name).length / images) * count)]),
      ),
    };
  }

  /** Descriptors [n, dimension] of features [n, ...featureDims] with the present weights. */
  async describe(features: Float32Array): Promise<Float32Array> {
    this.#describer ??= this.#open(freeWeights(this.suffix, [...this.weights.keys()]), 'descriptor network');
    const session = await this.#describer;
    const rowLength = elementCount(this.featureDims);
    const count = features.length / rowLength;
    const out = new Float32Array(count * this.dimension);
    for (let start = 0; start < count; start += DESCRIBE_BATCH) {
      const n = Math.min(DESCRIBE_BATCH, count - start);
      const part = features.subarray(start * rowLength, (start + n) * rowLength);
      const feeds = { ...this.#weightFeeds(), [this.#features]: floatFeed([n, ...this.featureDims], part) };
      const results = await session.run(feeds, [HEAD.descriptor]);
      out.set(results[HEAD.descriptor]!.data as Float32Array, start * this.dimension);
    }
    return out;
  }

  /** The suffix with the present weights in it. */
  trainedSuffix(): Graph {
    const initializers = new Map(this.suffix.initializers);
    for (const [name, { dims, data }] of this.weights) initializers.set(name, floatTensor(data.slice(), dims));
    return { ...this.suffix, initializers };
  }

  async dispose(): Promise<void> {
    for (const step of this.#steps.values()) await (await step).session.dispose();
    await (await this.#describer)?.dispose();
  }

  #weightFeeds(): Feeds {
    return Object.fromEntries([...this.weights].map(([name, { dims, data }]) => [name, floatFeed(dims, data)]));
  }

  #stepSession(
    images: number,
    triplets: number,
    watched: readonly string[],
  ): Promise<{ session: OnnxSession; step: StepGraph }> {
    const key = [images, triplets, ...watched].join(' ');
    let opened = this.#steps.get(key);
    if (opened === undefined) {
      const step = createStepGraph({
        ...{
          network: this.suffix,
          features: this.#features,
          descriptor: HEAD.descriptor,
          featureDims: this.featureDims,
        },
        ...{ trained: [...this.weights.keys()], images, triplets, watched, margin: this.#options.margin },
      });
      opened = this.#open(step.graph, 'training step').then((session) => ({ session, step }));
      this.#steps.set(key, opened);
    }
    return opened;
  }

  #open(graph: Graph, name: string): Promise<OnnxSession> {
    const { opset, session } = this.#options;
    return OnnxSession.open(writeModel({ ...createModel(graph), opset }), name, session);
  }
}

function selector(positions: readonly number[], rows: number, columns: number): RuntimeTensor {
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) data[row * columns + (positions[row] ?? 0)] = 1;
  return floatFeed([rows, columns], data);
}
