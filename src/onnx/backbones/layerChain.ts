/** @file A backbone given layer by layer, as files of other frameworks list them, as a graph. */
import { GraphBuilder, real } from '../GraphBuilder.ts';
import type { Graph } from '../graph.ts';
import { floatTensor } from '../graph.ts';

/** [top, left, bottom, right], pixels. */
export type Pads = readonly [number, number, number, number];
/** [vertical, horizontal], pixels. */
export type Pair = readonly [number, number];

export type ChainLayer =
  | {
      readonly kind: 'conv';
      readonly name: string;
      /** [out, in / group, kh, kw] */
      readonly dims: readonly [number, number, number, number];
      readonly weights: Float32Array;
      /** [out] */
      readonly bias: Float32Array;
      readonly group: number;
      readonly strides: Pair;
      readonly pads: Pads;
      readonly dilations: Pair;
    }
  | { readonly kind: 'relu'; readonly name: string }
  | {
      readonly kind: 'maxpool';
      readonly name: string;
      readonly size: Pair;
      readonly strides: Pair;
      readonly pads: Pads;
    }
  /** Across channels (Krizhevsky et al. 2012): x / (bias + alpha * sum of `size` neighbours' squares)^beta. */
  | {
      readonly kind: 'lrn';
      readonly name: string;
      readonly size: number;
      readonly bias: number;
      readonly alpha: number;
      readonly beta: number;
    };

function appendLayer(builder: GraphBuilder, x: string, layer: ChainLayer): string {
  switch (layer.kind) {
    case 'conv': {
      const { name, dims, weights, bias, group, strides, pads, dilations } = layer;
      const w = builder.initializer(`${name}.weight`, floatTensor(weights, dims));
      const b = builder.initializer(`${name}.bias`, floatTensor(bias, [dims[0]]));
      return builder.op('Conv', [x, w, b], { group, kernel_shape: dims.slice(2), strides, pads, dilations }, name);
    }
    case 'relu':
      return builder.op('Relu', [x], {}, layer.name);
    case 'maxpool': {
      const { size, strides, pads } = layer;
      return builder.op('MaxPool', [x], { kernel_shape: size, strides, pads }, layer.name);
    }
    case 'lrn': {
      const { size, bias, alpha, beta } = layer;
      const attributes = { size, bias: real(bias), alpha: real(alpha * size), beta: real(beta) }; // ONNX divides by size
      return builder.op('LRN', [x], attributes, layer.name);
    }
  }
}

/** `image` [n, 3, H, W] to the last layer's map; values are called by their layers, so that the graph can be cut elsewhere. */
export function createLayerChain(name: string, layers: readonly ChainLayer[]): Graph {
  const builder = new GraphBuilder();
  let x = builder.input('image', ['n', 3, 'height', 'width']);
  let channels = 3;
  for (const layer of layers) {
    x = appendLayer(builder, x, layer);
    if (layer.kind === 'conv') [channels] = layer.dims;
  }
  builder.output(x, ['n', channels, 'rows', 'columns']);
  return builder.build(name);
}
