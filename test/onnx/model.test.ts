import assert from 'node:assert/strict';
import { NetvladError } from '../../src/errors.ts';
import { GraphBuilder, createModel, real } from '../../src/onnx/GraphBuilder.ts';
import { floatTensor, type Graph } from '../../src/onnx/graph.ts';
import { readModel } from '../../src/onnx/readModel.ts';
import { cutGraph, joinGraphs } from '../../src/onnx/surgery.ts';
import { writeModel } from '../../src/onnx/writeModel.ts';
import { runGraph } from '../support/runGraph.ts';

/** y = relu(x W + 1), z = 2 y */
function sampleGraph(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', ['n', 2]);
  const w = builder.initializer('w', floatTensor(Float32Array.of(1, -1, 0.5, 2), [2, 2]));
  const c = builder.initializer('c', floatTensor(Float32Array.of(1), [1]));
  const y = builder.op('Relu', [builder.op('Gemm', [x, w, c], { alpha: real(1) }, 'sum')], {}, 'y');
  builder.op('Mul', [y, builder.scalar(2)], {}, 'z');
  builder.output('z', ['n', 2]);
  return builder.build('sample');
}
const x = { data: Float32Array.of(1, 2, -3, 1), dims: [2, 2] };
// x W + 1 = [1 + 1 + 1, -1 + 4 + 1] = [3, 4] and [-3 + .5 + 1, 3 + 2 + 1] = [-1.5, 6]
const expectedZ = [6, 8, 0, 12];

describe('ONNX models', () => {
  it('come back from bytes as they were', () => {
    const model = createModel(sampleGraph(), new Map([['made-by', 'a test']]));
    assert.deepEqual(readModel(writeModel(model)), model);
  });

  it('run on ONNX Runtime', async () => {
    assert.deepEqual([...(await runGraph(sampleGraph(), { x })).get('z')!.data], expectedZ);
  });

  it('are refused when truncated anywhere, with the size in the message', () => {
    const bytes = writeModel(createModel(sampleGraph()));
    for (let length = 0; length < bytes.length; length++) {
      try {
        readModel(bytes.subarray(0, length)); // a cut between two fields may still be a model
      } catch (error) {
        assert.ok(error instanceof NetvladError, `at ${length}: ${String(error)}`);
        assert.equal(error.code, 'model');
      }
    }
    assert.throws(() => readModel(bytes.subarray(0, 20)), /Not/);
  });

  it('refuses weights in another file', () => {
    // TensorProto { name: "w", data_location: EXTERNAL } as the only initializer of a graph
    const tensor = [0x42, 1, 0x77, 0x70, 1];
    const graph = [0x2a, tensor.length, ...tensor];
    assert.throws(
      () => readModel(Uint8Array.from([0x3a, graph.length, ...graph])),
      /'w' keeps its values in another file/,
    );
  });
});

describe('cutGraph and joinGraphs', () => {
  it('cut in two and joined again give the same result', async () => {
    const whole = sampleGraph();
    const seam = { name: 'sum', dims: ['n', 2] };
    const first = cutGraph(whole, { outputs: [seam] });
    const second = cutGraph(whole, { inputs: [seam], outputs: [{ name: 'z', dims: ['n', 2] }] });
    assert.deepEqual(
      [...second.initializers.keys()].filter((name) => name === 'w'),
      [],
      'weights stay with their part',
    );
    const joined = joinGraphs(first, second, { from: 'sum', into: 'sum', prefix: 'second/', keep: ['sum'] });
    const results = await runGraph(joined, { x });
    assert.deepEqual([...results.get('z')!.data], expectedZ);
    assert.deepEqual([...results.get('sum')!.data], [3, 4, -1.5, 6]);
  });

  it('renames what both parts hold', async () => {
    const joined = joinGraphs(sampleGraph(), sampleGraph(), { from: 'z', into: 'x', prefix: 'again/' });
    // [6, 8] W + 1 = [11, 11] and [0, 12] W + 1 = [7, 25], doubled
    assert.deepEqual([...(await runGraph(joined, { x })).get('again/z')!.data], [22, 22, 14, 50]);
  });

  it('names a tensor that is not there', () => {
    assert.throws(() => cutGraph(sampleGraph(), { outputs: [{ name: 'nowhere', dims: [] }] }), /no tensor 'nowhere'/);
    const inputs = [{ name: 'y', dims: ['n', 2] }];
    assert.throws(() => cutGraph(sampleGraph(), { inputs, outputs: [{ name: 'sum', dims: [] }] }), /also need x/);
  });
});
