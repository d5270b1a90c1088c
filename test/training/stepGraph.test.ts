import assert from 'node:assert/strict';
import { GraphBuilder } from '../../src/onnx/GraphBuilder.ts';
import { floatTensor, type Graph } from '../../src/onnx/graph.ts';
import { computeRankingLoss, DEFAULT_MARGIN } from '../../src/training/rankingLoss.ts';
import { createStepGraph, STEP } from '../../src/training/stepGraph.ts';
import { type FloatArray, runGraph } from '../support/runGraph.ts';

const [IMAGES, TRIPLETS, DIMENSION] = [5, 4, 3];

/** descriptor = features + offset: the gradient by the offset of image i is the gradient by its descriptor. */
function offsetNetwork(): Graph {
  const builder = new GraphBuilder();
  const features = builder.input('features', ['n', DIMENSION]);
  const offset = builder.initializer('offset', floatTensor(new Float32Array(IMAGES * DIMENSION), [IMAGES, DIMENSION]));
  builder.output(builder.op('Add', [features, offset], {}, 'descriptor'), ['n', DIMENSION]);
  return builder.build('offset');
}

const selector = (rows: readonly number[]): FloatArray => {
  const data = new Float32Array(TRIPLETS * IMAGES);
  rows.forEach((image, triplet) => (data[triplet * IMAGES + image] = 1));
  return { data, dims: [TRIPLETS, IMAGES] };
};

describe('createStepGraph', () => {
  it('gives loss, violating count and gradients of the plain arithmetic, for every image of the batch', async () => {
    // Query, positive and three negatives of which only the second violates the margin.
    const features = Float32Array.of(
      ...[1, 0, 0],
      ...[0.8, 0.6, 0],
      ...[0.6, 0.8, 0],
      ...[0.96, 0.28, 0],
      ...[0, 0, 1],
    );
    const { graph, gradients } = createStepGraph({
      ...{ network: offsetNetwork(), features: 'features', descriptor: 'descriptor', featureDims: [DIMENSION] },
      ...{ trained: ['offset'], images: IMAGES, triplets: TRIPLETS, margin: DEFAULT_MARGIN },
      watched: ['descriptor'],
    });
    // Image 0 is the query, 1 its positive, 2..4 its negatives; the fourth row only fills the batch.
    const results = await runGraph(graph, {
      features: { data: features, dims: [IMAGES, DIMENSION] },
      offset: { data: new Float32Array(IMAGES * DIMENSION), dims: [IMAGES, DIMENSION] },
      [STEP.query]: selector([0, 0, 0, 0]),
      [STEP.positive]: selector([1, 1, 1, 1]),
      [STEP.negative]: selector([2, 3, 4, 4]),
      [STEP.weight]: { data: Float32Array.of(1, 1, 1, 0), dims: [TRIPLETS, 1] },
    });
    const row = (i: number): Float64Array => Float64Array.from(features.subarray(i * DIMENSION, (i + 1) * DIMENSION));
    const expected = computeRankingLoss({ query: row(0), positive: row(1), negatives: [row(2), row(3), row(4)] });
    assert.ok(Math.abs(results.get(STEP.loss)!.data[0]! - expected.loss) < 1e-5);
    assert.equal(results.get(STEP.violating)!.data[0], 1);
    assert.deepEqual(results.get('descriptor')!.data, features); // watched; the offset is zero
    const byImage = [expected.queryGradient, expected.positiveGradient, ...expected.negativeGradients];
    const gradient = results.get(gradients.get('offset')!)!.data;
    byImage.forEach((expectedRow, i) => {
      expectedRow.forEach((value, d) => {
        assert.ok(Math.abs(gradient[i * DIMENSION + d]! - value) < 1e-5, `image ${i}, dimension ${d}`);
      });
    });
  });

  it('names a weight, or a tensor to watch, that the network lacks', () => {
    const options = {
      network: offsetNetwork(),
      features: 'features',
      descriptor: 'descriptor',
      featureDims: [DIMENSION],
    };
    const rest = { trained: ['centres'], images: IMAGES, triplets: TRIPLETS, margin: DEFAULT_MARGIN };
    assert.throws(() => createStepGraph({ ...options, ...rest }), /no weight 'centres'/);
    const watching = { ...options, ...rest, trained: ['offset'], watched: ['map'] };
    assert.throws(() => createStepGraph(watching), /no tensor 'map' to watch/);
  });
});
