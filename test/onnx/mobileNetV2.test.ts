import assert from 'node:assert/strict';
import { foldBatchNorm } from '../../src/onnx/backbones/foldBatchNorm.ts';
import { createMobileNetV2 } from '../../src/onnx/backbones/mobileNetV2.ts';
import { elementCount } from '../../src/onnx/graph.ts';
import { inferShapes } from '../../src/onnx/inferShapes.ts';
import type { CheckpointTensor } from '../../src/onnx/pytorch/readCheckpoint.ts';

describe('foldBatchNorm', () => {
  it('gives the normalised convolution', () => {
    const weight = { dims: [2, 1, 1, 1], data: Float32Array.of(3, 5) };
    const norm = {
      ...{ weight: Float32Array.of(2, 1), bias: Float32Array.of(10, 20) },
      ...{ runningMean: Float32Array.of(1, 2), runningVariance: Float32Array.of(3.99, 0.24), epsilon: 0.01 },
    };
    const folded = foldBatchNorm(weight, norm);
    // channel 0: factor 2 / sqrt(4) = 1; channel 1: factor 1 / sqrt(.25) = 2
    const close = (a: Float32Array, b: number[]): void => {
      b.forEach((value, i) => {
        assert.ok(Math.abs(a[i]! - value) < 1e-5);
      });
    };
    close(folded.weight.data, [3, 10]);
    close(folded.bias, [9, 16]); // 10 - 1 * 1, 20 - 2 * 2
  });
});

describe('createMobileNetV2', () => {
  it('reads both published layouts', () => {
    const flat = realisticCheckpoint();
    const grouped = new Map([...flat].map(([name, tensor]) => [groupedName(name), tensor]));
    assert.ok(grouped.has('features.1.conv.0.0.weight') && grouped.has('features.2.conv.2.weight'));
    const sizes = (tensors: Map<string, CheckpointTensor>): number[] =>
      [...createMobileNetV2(tensors).initializers.values()].map((tensor) => elementCount(tensor.dims));
    assert.deepEqual(sizes(grouped), sizes(flat));
  });

  it('names a missing tensor', () => {
    assert.throws(() => createMobileNetV2(new Map()), /tensor 'features\.0\.[01]\.weight' is missing/);
  });

  it('keeps the stride of 16 at block 13', () => {
    const graph = createMobileNetV2(realisticCheckpoint());
    const inferred = inferShapes(graph, new Map([['image', [1, 3, 240, 320]]]));
    assert.deepEqual(inferred.get('features.13'), [1, 96, 15, 20]);
    assert.deepEqual(inferred.get('features.6'), [1, 32, 30, 40]);
  });
});

/** Random weights in the flat layout, all sizes as published. */
function realisticCheckpoint(): Map<string, CheckpointTensor> {
  const tensors = new Map<string, CheckpointTensor>();
  const layer = (conv: string, norm: string, dims: number[]): void => {
    tensors.set(`${conv}.weight`, { dims, data: new Float32Array(elementCount(dims)) });
    for (const name of ['weight', 'bias', 'running_mean', 'running_var']) {
      tensors.set(`${norm}.${name}`, { dims: [dims[0]!], data: new Float32Array(dims[0]!).fill(1) });
    }
  };
  layer('features.0.0', 'features.0.1', [32, 3, 3, 3]);
  const outputs = [16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96];
  let channels = 32;
  outputs.forEach((out, i) => {
    const name = `features.${i + 1}.conv`;
    const hidden = i === 0 ? channels : channels * 6;
    const at = i === 0 ? 0 : 3;
    if (i > 0) layer(`${name}.0`, `${name}.1`, [hidden, channels, 1, 1]);
    layer(`${name}.${at}`, `${name}.${at + 1}`, [hidden, 1, 3, 3]);
    layer(`${name}.${at + 3}`, `${name}.${at + 4}`, [out, hidden, 1, 1]);
    channels = out;
  });
  return tensors;
}

/** The name in the layout with the activation inside a group: conv.0/1, 3/4, 6/7 become conv.0.0/1, 1.0/1, 2/3. */
function groupedName(name: string): string {
  const renamed = name.startsWith('features.1.')
    ? { 0: '0.0', 1: '0.1', 3: '1', 4: '2' }
    : { 0: '0.0', 1: '0.1', 3: '1.0', 4: '1.1', 6: '2', 7: '3' };
  return name.replace(/conv\.(\d)/, (_, at: string) => `conv.${renamed[Number(at) as keyof typeof renamed]}`);
}
