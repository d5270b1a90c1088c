/** @file The heads as graphs, run on ONNX Runtime, against the float64 reference. */
import assert from 'node:assert/strict';
import type { AffineProjection } from '../../src/math/pca.ts';
import { project } from '../../src/math/pca.ts';
import { createRandom } from '../../src/math/random.ts';
import { l2NormalizeRows } from '../../src/math/vectors.ts';
import { toParameters } from '../../src/netvlad/initializeParameters.ts';
import { netvladForward } from '../../src/netvlad/netvlad.ts';
import { generalizedMeanPool, hardVlad, maxPool } from '../../src/netvlad/pooling.ts';
import { GraphBuilder } from '../../src/onnx/GraphBuilder.ts';
import type { HeadOptions, Pooling } from '../../src/onnx/poolingHead.ts';
import { appendHead, pooledDimension } from '../../src/onnx/poolingHead.ts';
import { runGraph } from '../support/runGraph.ts';

const [CHANNELS, ROWS, COLUMNS, CLUSTERS, BATCH] = [6, 4, 5, 3, 2];
const LOCATIONS = ROWS * COLUMNS;
const random = createRandom(11);
const normals = (count: number): Float64Array => Float64Array.from({ length: count }, () => random.normal());

/** [BATCH, CHANNELS, ROWS, COLUMNS]; the first location of the first image is all zero. */
const MAP = Float32Array.from(normals(BATCH * CHANNELS * LOCATIONS), (value, at) =>
  at % LOCATIONS === 0 && at < CHANNELS * LOCATIONS ? 0 : value,
);
/** Of different lengths, so that even the zero location has one nearest centre. */
const centres = l2NormalizeRows(normals(CLUSTERS * CHANNELS), CHANNELS).map(
  (c, at) => (0.6 + 0.1 * Math.floor(at / CHANNELS)) * c,
);

/** Locations of one image, [LOCATIONS, CHANNELS]. */
function locationsOf(image: number): Float64Array {
  return Float64Array.from({ length: LOCATIONS * CHANNELS }, (_unused, at) => {
    const [location, channel] = [Math.floor(at / CHANNELS), at % CHANNELS];
    return MAP[(image * CHANNELS + channel) * LOCATIONS + location]!;
  });
}
const unitLocationsOf = (image: number): Float64Array => l2NormalizeRows(locationsOf(image), CHANNELS);

async function runHead(
  options: Omit<HeadOptions, 'channels'>,
): Promise<{ descriptor: Float32Array; local: Float32Array }> {
  const builder = new GraphBuilder();
  const map = builder.input('map', ['n', CHANNELS, 'rows', 'columns']);
  appendHead(builder, map, { ...options, channels: CHANNELS });
  const results = await runGraph(builder.build('head'), { map: { data: MAP, dims: [BATCH, CHANNELS, ROWS, COLUMNS] } });
  return { descriptor: results.get('descriptor')!.data, local: results.get('local')!.data };
}

function assertClose(actual: Float32Array, expected: Float64Array, tolerance = 1e-6): void {
  assert.equal(actual.length, expected.length);
  const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  assert.ok(worst <= tolerance, `differs by ${worst}`);
}

const netvlad = (version: 'v1' | 'v2'): Pooling => ({
  kind: 'netvlad',
  parameters: toParameters(version, { centres, dimension: CHANNELS }, 9),
});

const HEADS: readonly {
  readonly name: string;
  readonly pooling: Pooling;
  readonly reference: (image: number) => Float64Array;
}[] = [
  ...(['v1', 'v2'] as const).map((version) => ({
    name: `NetVLAD ${version}`,
    pooling: netvlad(version),
    reference: (image: number) =>
      netvladForward(unitLocationsOf(image), toParameters(version, { centres, dimension: CHANNELS }, 9)).descriptor,
  })),
  {
    name: 'hard VLAD',
    pooling: { kind: 'vlad', clusters: CLUSTERS, centres },
    reference: (image) => hardVlad(unitLocationsOf(image), centres, CHANNELS).descriptor,
  },
  { name: 'max', pooling: { kind: 'max' }, reference: (image) => maxPool(locationsOf(image), CHANNELS) },
  {
    name: 'GeM',
    pooling: { kind: 'gem', power: 3 },
    reference: (image) => generalizedMeanPool(locationsOf(image), CHANNELS, 3),
  },
];

describe('descriptor heads', () => {
  for (const { name, pooling, reference } of HEADS) {
    it(`${name}: the graph equals the reference, zero location included`, async () => {
      const { descriptor, local } = await runHead({ pooling, whitening: null });
      assertClose(descriptor, Float64Array.of(...reference(0), ...reference(1)));
      assertClose(local, Float64Array.of(...unitLocationsOf(0), ...unitLocationsOf(1)));
      assert.equal(descriptor.length / BATCH, pooledDimension(pooling, CHANNELS));
    });
  }

  it('whitens by one affine layer and normalises again', async () => {
    const whitening: AffineProjection = {
      ...{ inputDimension: CLUSTERS * CHANNELS, outputDimension: 5 },
      ...{ weights: normals(5 * CLUSTERS * CHANNELS), bias: normals(5) },
    };
    const { descriptor } = await runHead({ pooling: netvlad('v1'), whitening });
    const { reference } = HEADS[0]!;
    assertClose(descriptor, Float64Array.of(...project(whitening, reference(0)), ...project(whitening, reference(1))));
  });
});
