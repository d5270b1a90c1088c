/** @file Frozen batch normalisation disappears into the convolution before it. */
import type { CheckpointTensor } from '../pytorch/readCheckpoint.ts';

export interface Convolution {
  /** [out, in / group, kh, kw] */
  readonly weight: CheckpointTensor;
  /** [out] */
  readonly bias: Float32Array;
}

/** Statistics of one normalisation layer, each [out]. */
export interface BatchNorm {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly runningMean: Float32Array;
  readonly runningVariance: Float32Array;
  readonly epsilon: number;
}

/** y = gamma (W x - mean) / sqrt(var + eps) + beta, written as one convolution. */
export function foldBatchNorm(weight: CheckpointTensor, norm: BatchNorm): Convolution {
  const outChannels = weight.dims[0]!;
  const perChannel = weight.data.length / outChannels;
  const factor = Float64Array.from(
    norm.weight,
    (gamma, i) => gamma / Math.sqrt(norm.runningVariance[i]! + norm.epsilon),
  );
  return {
    weight: { dims: weight.dims, data: weight.data.map((value, i) => value * factor[Math.floor(i / perChannel)]!) },
    bias: norm.bias.map((beta, i) => beta - norm.runningMean[i]! * factor[i]!),
  };
}
