/** @file A network small enough to train in a test: one 1x1 convolution and a NetVLAD of four clusters. */
import { createRandom, type Random } from '../../src/math/random.ts';
import { initializeParameters } from '../../src/netvlad/initializeParameters.ts';
import { GraphBuilder } from '../../src/onnx/GraphBuilder.ts';
import { floatTensor, type Graph, OPSET } from '../../src/onnx/graph.ts';
import { TrainingNetwork } from '../../src/training/TrainingNetwork.ts';

/** Of the features: [CHANNELS, ROWS, COLUMNS]. */
export const [CHANNELS, ROWS, COLUMNS] = [6, 3, 4];

/** A linear "backbone" of one 1x1 convolution. */
function backbone(): Graph {
  const random = createRandom(5);
  const builder = new GraphBuilder();
  const image = builder.input('image', ['n', 3, 'height', 'width']);
  const lift = builder.initializer('lift', floatTensor(weights(random, CHANNELS * 3), [CHANNELS, 3, 1, 1]));
  const mix = builder.initializer('mix', floatTensor(weights(random, CHANNELS * CHANNELS), [CHANNELS, CHANNELS, 1, 1]));
  builder.op('Conv', [builder.op('Conv', [image, lift], {}, 'early'), mix], {}, 'map');
  builder.output('map', ['n', CHANNELS, 'rows', 'columns']);
  return builder.build('tiny');
}

const weights = (random: Random, count: number): Float32Array =>
  Float32Array.from({ length: count }, () => random.normal() * 0.5);

/** The backbone's second convolution and the head are trained; `threads` are the session's. */
export function createTinyNetwork(threads = 1): TrainingNetwork {
  const random = createRandom(6);
  const rows = (count: number): Float64Array => {
    const values = Float64Array.from({ length: count * CHANNELS }, () => random.normal());
    for (let start = 0; start < values.length; start += CHANNELS) {
      const row = values.subarray(start, start + CHANNELS);
      const length = Math.hypot(...row);
      row.forEach((value, i) => (row[i] = value / length));
    }
    return values;
  };
  const { parameters } = initializeParameters('v1', { centres: rows(4), dimension: CHANNELS }, rows(200));
  return new TrainingNetwork({
    backbone: backbone(),
    opset: OPSET,
    pooling: { kind: 'netvlad', parameters },
    trainedFrom: 'early',
    trainHead: true,
    image: { width: COLUMNS, height: ROWS },
    margin: 0.1,
    session: { threads },
  });
}
