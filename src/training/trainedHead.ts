/** @file Trained weights back into a backbone and a head, for whitening and export; averaging with the initial ones. */
import { transposed } from '../math/vectors.ts';
import type { NetvladParameters } from '../netvlad/NetvladParameters.ts';
import { floatTensor } from '../onnx/graph.ts';
import { HEAD, type Pooling } from '../onnx/poolingHead.ts';
import type { Backbone } from './loadBackbone.ts';

export interface TrainedParts {
  readonly backbone: Backbone;
  readonly pooling: Pooling;
}

type Weights = ReadonlyMap<string, Float32Array>;

/** share * trained + (1 - share) * initial, tensor by tensor: averaged weights forget less of other places. */
export function averageWeights(trained: Weights, initial: Weights, share: number): Map<string, Float32Array> {
  return new Map(
    [...trained].map(([name, values]) => {
      const start = initial.get(name)!;
      return [name, values.map((value, i) => share * value + (1 - share) * start[i]!)];
    }),
  );
}

function trainedPooling(pooling: Pooling, weights: Weights): Pooling {
  const centres = weights.get(HEAD.centres);
  if (centres === undefined || pooling.kind === 'max' || pooling.kind === 'gem') return pooling;
  if (pooling.kind === 'vlad') return { ...pooling, centres: Float64Array.from(centres) };
  const { parameters } = pooling;
  const bias = weights.get(HEAD.bias);
  const trained: NetvladParameters = {
    ...parameters,
    weights: transposed(weights.get(HEAD.weights)!, parameters.dimension), // the graph keeps [C, K]
    bias: bias === undefined ? parameters.bias : Float64Array.from(bias),
    centres: Float64Array.from(centres),
  };
  return { kind: 'netvlad', parameters: trained };
}

/** The network with other weights; tensors that `weights` lacks stay as they are. */
export function applyWeights({ backbone, pooling }: TrainedParts, weights: Weights): TrainedParts {
  const initializers = new Map(backbone.graph.initializers);
  for (const [name, data] of weights) {
    const tensor = initializers.get(name);
    if (tensor !== undefined) initializers.set(name, floatTensor(data.slice(), tensor.dims));
  }
  return {
    backbone: { ...backbone, graph: { ...backbone.graph, initializers } },
    pooling: trainedPooling(pooling, weights),
  };
}
