/** @file Layers of a backbone by their names in a checkpoint. */
import { NetvladError } from '../../errors.ts';
import type { GraphBuilder } from '../GraphBuilder.ts';
import { floatTensor } from '../graph.ts';
import type { CheckpointTensor } from '../pytorch/readCheckpoint.ts';
import { foldBatchNorm } from './foldBatchNorm.ts';

export type Tensors = ReadonlyMap<string, CheckpointTensor>;

/** torch.nn.BatchNorm2d's default. */
const EPSILON = 1e-5;

export interface ConvolutionLayer {
  /** `<conv>.weight`, and `<conv>.bias` where there is no normalisation. */
  readonly conv: string;
  /** Batch normalisation behind it, folded into the weights. */
  readonly norm?: string;
  readonly stride?: number;
  /** Half the kernel, which keeps the size, unless given. */
  readonly pad?: number;
  readonly group?: number;
}

export class LayerBuilder {
  readonly builder: GraphBuilder;
  readonly #tensors: Tensors;
  readonly #network: string;
  readonly #prefix: string;

  /**
   * @param about `probe` is the name of the first layer's weights; what stands before it in the checkpoint (`module.`,
   * `state_dict.`) stands before all. `network` is for messages.
   */
  constructor(builder: GraphBuilder, tensors: Tensors, about: { readonly probe: string; readonly network: string }) {
    this.builder = builder;
    this.#tensors = tensors;
    this.#network = about.network;
    const first = [...tensors.keys()].find((name) => name === about.probe || name.endsWith(`.${about.probe}`));
    this.#prefix = first?.slice(0, -about.probe.length) ?? '';
  }

  has(name: string): boolean {
    return this.#tensors.has(`${this.#prefix}${name}`);
  }

  /** Adds a convolution under its checkpoint name. */
  convolution(x: string, layer: ConvolutionLayer): string {
    const { conv, stride = 1, group = 1 } = layer;
    const { weight, bias } = this.#weights(layer);
    const { dims, data } = weight;
    const pad = layer.pad ?? (dims[2]! - 1) / 2;
    const w = this.builder.initializer(`${conv}.weight`, floatTensor(data, dims));
    const b = this.builder.initializer(`${conv}.bias`, floatTensor(bias, [dims[0]!]));
    const attributes = { group, kernel_shape: dims.slice(2), strides: [stride, stride], pads: [pad, pad, pad, pad] };
    return this.builder.op('Conv', [x, w, b], attributes, conv);
  }

  relu(x: string): string {
    return this.builder.op('Relu', [x], {}, `${x}/relu`);
  }

  relu6(x: string): string {
    return this.builder.op('Clip', [x, this.builder.scalar(0), this.builder.scalar(6)], {}, `${x}/relu6`);
  }

  maxPool(x: string, window: { readonly size: number; readonly stride: number; readonly pad?: number }): string {
    const { size, stride, pad = 0 } = window;
    const attributes = { kernel_shape: [size, size], strides: [stride, stride], pads: [pad, pad, pad, pad] };
    return this.builder.op('MaxPool', [x], attributes, `${x}/pool`);
  }

  #weights({ conv, norm }: ConvolutionLayer): { readonly weight: CheckpointTensor; readonly bias: Float32Array } {
    const weight = this.#tensor(`${conv}.weight`);
    if (norm === undefined) return { weight, bias: this.#tensor(`${conv}.bias`).data };
    const values = (name: string): Float32Array => this.#tensor(`${norm}.${name}`).data;
    return foldBatchNorm(weight, {
      weight: values('weight'),
      bias: values('bias'),
      runningMean: values('running_mean'),
      runningVariance: values('running_var'),
      epsilon: EPSILON,
    });
  }

  #tensor(name: string): CheckpointTensor {
    const tensor = this.#tensors.get(`${this.#prefix}${name}`);
    if (tensor !== undefined) return tensor;
    throw new NetvladError(
      'model',
      `Checkpoint: tensor '${name}' is missing; this is not a ${this.#network} with torchvision's names.`,
    );
  }
}
