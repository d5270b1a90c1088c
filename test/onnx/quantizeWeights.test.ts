/** @file int8 weights: which tensors, what error, and the same arithmetic after widening. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { floatFeed, OnnxSession } from '../../src/inference/OnnxSession.ts';
import { createModel, GraphBuilder, parameterCount } from '../../src/onnx/GraphBuilder.ts';
import { floatTensor, type Graph } from '../../src/onnx/graph.ts';
import { quantizeTensor, quantizeWeights } from '../../src/onnx/quantizeWeights.ts';
import { readModel } from '../../src/onnx/readModel.ts';
import { writeModel } from '../../src/onnx/writeModel.ts';
import { createTinyGraph } from '../support/tinyModel.ts';

const tensorOf = (
  values: readonly number[],
  dims: readonly number[],
): { type: 'float'; dims: readonly number[]; data: Float32Array } => ({
  type: 'float',
  ...{ dims, data: Float32Array.from(values) },
});

describe('quantizeTensor', () => {
  it('scales each channel by its own largest weight', () => {
    // rows are channels: 127 steps of 1, 127 steps of 0.01, and nothing
    const { values, scales } = quantizeTensor(tensorOf([127, -64.4, 1.27, -0.5, 0, 0], [3, 2]), 0);
    assert.deepEqual([...values], [127, -64, 127, -50, 0, 0]);
    assert.deepEqual([...scales], [1, Math.fround(Math.fround(1.27) / 127), 1]);
  });

  it('takes columns where those are the channels', () => {
    const { values } = quantizeTensor(tensorOf([1, 10, 0.5, -10], [2, 2]), 1);
    assert.deepEqual([...values], [127, 127, 64, -127]);
  });

  it('holds a channel of nothing but denormal weights', () => {
    const { values, scales } = quantizeTensor(tensorOf([1.4e-45, 0, 1e-38, -1e-38], [2, 2]), 0);
    assert.deepEqual([...values], [0, 0, 1, -1]); // in steps of the smallest normal number, 1.18e-38
    assert.deepEqual([...scales], [2 ** -126, 2 ** -126]);
  });

  it('is never off by more than half a step', () => {
    const weights = fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(weights, fc.constantFrom(0, 1, 2), (numbers, axis) => {
        const tensor = tensorOf(numbers, [2, 3, 2]);
        const { values, scales } = quantizeTensor(tensor, axis);
        tensor.data.forEach((value, at) => {
          const channel = [Math.floor(at / 6), Math.floor(at / 2) % 3, at % 2][axis]!;
          const step = scales[channel]!;
          assert.ok(Math.abs(value - values[at]! * step) <= step * 0.5001);
        });
      }),
    );
  });
});

/** x [n, 64] through MatMul [64, 32], Gemm [16, 32]^T and a small MatMul [16, 2]; `shared` is added, too. */
function createLayers(): Graph {
  const builder = new GraphBuilder();
  const wave = (name: string, dims: readonly [number, number]): string => {
    const data = Float32Array.from({ length: dims[0] * dims[1] }, (_unused, i) => Math.sin(i * i));
    return builder.initializer(name, floatTensor(data, dims));
  };
  const x = builder.input('x', ['n', 64]);
  const first = builder.op('MatMul', [x, wave('matmul', [64, 32])]);
  const second = builder.op('Gemm', [first, wave('gemm', [16, 32])], { transB: 1 });
  const third = builder.op('MatMul', [second, wave('small', [16, 2])]);
  const both = builder.op('MatMul', [second, wave('shared', [16, 16])]);
  builder.op('Add', [both, builder.reduceSum('shared', [0])], {}, 'y');
  builder.op('Identity', [third], {}, 'z');
  builder.output('y', ['n', 16]);
  builder.output('z', ['n', 2]);
  return builder.build('layers');
}

describe('quantizeWeights', () => {
  it('stores weights, and leaves the smallest and what is used otherwise', () => {
    const { model, tensors, values } = quantizeWeights(createModel(createLayers()));
    const int8 = [...model.graph.initializers].filter(([, { type }]) => type === 'int8').map(([name]) => name);
    assert.deepEqual(int8.sort(), ['gemm/int8', 'matmul/int8']);
    assert.deepEqual([tensors, values], [2, 64 * 32 + 16 * 32]);
    assert.ok(model.graph.initializers.has('shared') && model.graph.initializers.has('small'));
    assert.equal(parameterCount(model.graph), parameterCount(createLayers()));
  });

  it('computes what float weights rounded in the same way compute, after writing and reading', async () => {
    const graph = createLayers();
    const bytes = writeModel(readModel(writeModel(quantizeWeights(createModel(graph)).model)));
    const rounded = new Map(graph.initializers);
    for (const [name, axis] of [
      ['matmul', 1],
      ['gemm', 0],
    ] as const) {
      const tensor = graph.initializers.get(name)!;
      assert.ok(tensor.type === 'float');
      const { values, scales } = quantizeTensor(tensor, axis);
      const columns = tensor.dims[1]!;
      const data = Float32Array.from(
        values,
        (v, at) => v * scales[axis === 0 ? Math.floor(at / columns) : at % columns]!,
      );
      rounded.set(name, floatTensor(data, tensor.dims));
    }
    // Not with ONNX Runtime's own choice: it multiplies int8 matrices in integers, which is off by 0.2 %.
    const run = async (bytes: Uint8Array): Promise<readonly Float32Array[]> => {
      const session = await OnnxSession.open(bytes, 'layers', { widensWeights: true });
      const x = floatFeed(
        [2, 64],
        Float32Array.from({ length: 128 }, (_unused, i) => Math.cos(i)),
      );
      const { y, z } = await session.run({ x }, ['y', 'z']);
      await session.dispose();
      return [y!.data as Float32Array, z!.data as Float32Array];
    };
    const expected = await run(writeModel(createModel({ ...graph, initializers: rounded })));
    const received = await run(bytes);
    expected.forEach((data, output) => {
      const largest = Math.max(...data.map(Math.abs));
      data.forEach((value, at) => {
        const got = received[output]![at]!;
        assert.ok(Math.abs(value - got) < 1e-5 * largest, `output ${output}, ${at}: ${got} is not ${value}`);
      });
    });
  });

  it('refuses graphs of an operator set that cannot say it, and graphs without weights', () => {
    const model = createModel(createTinyGraph());
    assert.throws(() => quantizeWeights({ ...model, opset: 12 }), /operator set 12 cannot hold scaled int8 weights/);
    const builder = new GraphBuilder();
    builder.op('Relu', [builder.input('x', ['n'])], {}, 'y');
    builder.output('y', ['n']);
    assert.throws(() => quantizeWeights(createModel(builder.build('bare'))), /'bare' has no float weights/);
  });
});
