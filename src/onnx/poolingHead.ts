/** @file The descriptor heads as graphs: from a dense map [n, C, H, W] to `descriptor` [n, D] and `local` [n, H W, C]. */
import type { AffineProjection } from '../math/pca.ts';
import { NORM_EPSILON, transposed } from '../math/vectors.ts';
import type { NetvladParameters } from '../netvlad/NetvladParameters.ts';
import { GEM_FLOOR } from '../netvlad/pooling.ts';
import type { GraphBuilder } from './GraphBuilder.ts';
import { floatTensor } from './graph.ts';

export type Pooling =
  | { readonly kind: 'netvlad'; readonly parameters: NetvladParameters }
  | { readonly kind: 'vlad'; readonly clusters: number; readonly centres: Float64Array /* [K, C] */ }
  | { readonly kind: 'max' }
  | { readonly kind: 'gem'; readonly power: number };

/** Names of the head's weights and values in every graph that we make; the trainer finds them by these. */
export const HEAD = {
  local: 'local',
  descriptor: 'descriptor',
  /** [C, K]: the transpose of w_k. */
  weights: 'netvlad.weights',
  /** [K] */
  bias: 'netvlad.bias',
  /** [K, C] */
  centres: 'netvlad.centres',
  /** [n, D] before whitening, unit L2. */
  pooled: 'pooled',
  whiteningWeights: 'whitening.weights',
  whiteningBias: 'whitening.bias',
} as const;

/** x / max(|x|, 1e-12) over the last axis: a zero vector stays zero, where LpNormalization would give NaN. */
export function appendL2Normalize(builder: GraphBuilder, x: string, as?: string): string {
  const length = builder.op('ReduceL2', [x], { axes: [-1], keepdims: 1 });
  return builder.op('Div', [x, builder.op('Max', [length, builder.scalar(NORM_EPSILON)])], {}, as);
}

/** Dense map [n, C, H, W] to features [n, H W, C]; locations run along rows. */
function appendLocations(builder: GraphBuilder, map: string): string {
  const flat = builder.op('Reshape', [map, builder.ints([0, 0, -1])]);
  return builder.op('Transpose', [flat], { perm: [0, 2, 1] });
}

/** Features [n, L, C], unit L2 per location, under the name `local`. */
export function appendLocalFeatures(builder: GraphBuilder, map: string): string {
  return appendL2Normalize(builder, appendLocations(builder, map), HEAD.local);
}

/** V = A^T X - diag(A^T 1) C, intra-normalised: assignment [n, L, K] and features [n, L, C] to [n, K C], not yet L2. */
function appendResiduals(builder: GraphBuilder, assignment: string, local: string): string {
  const byCluster = builder.op('Transpose', [assignment], { perm: [0, 2, 1] });
  const mass = builder.reduceSum(byCluster, [2]);
  const weighted = builder.op('MatMul', [byCluster, local]);
  const residuals = builder.op('Sub', [weighted, builder.op('Mul', [mass, HEAD.centres])]);
  return builder.op('Flatten', [appendL2Normalize(builder, residuals)], { axis: 1 });
}

function appendNetvlad(builder: GraphBuilder, local: string, parameters: NetvladParameters): string {
  const { clusters, dimension, weights, bias, centres } = parameters;
  const w = builder.initializer(
    HEAD.weights,
    floatTensor(Float32Array.from(transposed(weights, clusters)), [dimension, clusters]),
  );
  const b = builder.initializer(HEAD.bias, floatTensor(Float32Array.from(bias), [clusters]));
  builder.initializer(HEAD.centres, floatTensor(Float32Array.from(centres), [clusters, dimension]));
  const logits = builder.op('Add', [builder.op('MatMul', [local, w]), b]);
  return appendResiduals(builder, builder.op('Softmax', [logits], { axis: -1 }), local);
}

/** Nearest centre: the largest x . c - |c|^2 / 2. */
function appendHardVlad(builder: GraphBuilder, local: string, centres: Float64Array, clusters: number): string {
  const channels = centres.length / clusters;
  builder.initializer(HEAD.centres, floatTensor(Float32Array.from(centres), [clusters, channels]));
  const halfNorms = Float32Array.from({ length: clusters }, (_unused, k) =>
    centres.subarray(k * channels, (k + 1) * channels).reduce((sum, c) => sum + (c * c) / 2, 0),
  );
  const products = builder.op('MatMul', [
    local,
    builder.floats(Float32Array.from(transposed(centres, clusters)), [channels, clusters]),
  ]);
  const nearness = builder.op('Sub', [products, builder.floats(halfNorms, [clusters])]);
  const nearest = builder.op('ArgMax', [nearness], { axis: -1, keepdims: 0 });
  const offAndOn = builder.floats(Float32Array.of(0, 1), [2]);
  const assignment = builder.op('OneHot', [nearest, builder.ints([clusters]), offAndOn], { axis: -1 });
  return appendResiduals(builder, assignment, local);
}

function appendGem(builder: GraphBuilder, map: string, power: number): string {
  const floored = builder.op('Max', [map, builder.scalar(GEM_FLOOR)]);
  const raised = builder.op('Pow', [floored, builder.scalar(power)]);
  const mean = builder.op('ReduceMean', [raised], { axes: [2, 3], keepdims: 0 });
  return builder.op('Pow', [mean, builder.scalar(1 / power)]);
}

/** One affine layer and L2; `weights` [D, K C]. */
export function appendWhitening(builder: GraphBuilder, pooled: string, projection: AffineProjection): string {
  const { inputDimension, outputDimension, weights, bias } = projection;
  const w = builder.initializer(
    HEAD.whiteningWeights,
    floatTensor(weights instanceof Float32Array ? weights : Float32Array.from(weights), [
      outputDimension,
      inputDimension,
    ]),
  );
  const b = builder.initializer(HEAD.whiteningBias, floatTensor(Float32Array.from(bias), [outputDimension]));
  const projected = builder.op('Gemm', [pooled, w, b], { transB: 1 });
  return appendL2Normalize(builder, projected, HEAD.descriptor);
}

function appendPooling(builder: GraphBuilder, map: string, local: string, pooling: Pooling): string {
  switch (pooling.kind) {
    case 'netvlad':
      return appendNetvlad(builder, local, pooling.parameters);
    case 'vlad':
      return appendHardVlad(builder, local, pooling.centres, pooling.clusters);
    case 'max':
      return builder.op('ReduceMax', [map], { axes: [2, 3], keepdims: 0 });
    case 'gem':
      return appendGem(builder, map, pooling.power);
  }
}

export interface HeadOptions {
  readonly pooling: Pooling;
  readonly whitening: AffineProjection | null;
  /** C of the dense map. */
  readonly channels: number;
}

/** Length of the pooled vector before whitening. */
export function pooledDimension(pooling: Pooling, channels: number): number {
  switch (pooling.kind) {
    case 'netvlad':
      return pooling.parameters.clusters * channels;
    case 'vlad':
      return pooling.clusters * channels;
    default:
      return channels;
  }
}

/** Appends the head to the dense map `map` and declares the outputs `descriptor` [n, D] and `local` [n, locations, C]. */
export function appendHead(builder: GraphBuilder, map: string, { pooling, whitening, channels }: HeadOptions): void {
  const local = appendLocalFeatures(builder, map);
  const raw = appendPooling(builder, map, local, pooling);
  const pooled = appendL2Normalize(builder, raw, whitening === null ? HEAD.descriptor : HEAD.pooled);
  if (whitening !== null) appendWhitening(builder, pooled, whitening);
  const dimension = whitening?.outputDimension ?? pooledDimension(pooling, channels);
  builder.output(HEAD.descriptor, ['n', dimension]);
  builder.output(local, ['n', 'locations', channels]);
}
