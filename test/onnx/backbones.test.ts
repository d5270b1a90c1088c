/** @file Backbones other than MobileNetV2: their layers in order, their strides, their shortcuts, on checkpoints with few channels. */
import assert from 'node:assert/strict';
import { createResNet } from '../../src/onnx/backbones/resNet.ts';
import { createSequentialBackbone } from '../../src/onnx/backbones/sequentialBackbones.ts';
import type { Graph } from '../../src/onnx/graph.ts';
import { elementCount } from '../../src/onnx/graph.ts';
import { inferShapes } from '../../src/onnx/inferShapes.ts';
import type { CheckpointTensor } from '../../src/onnx/pytorch/readCheckpoint.ts';

type Checkpoint = Map<string, CheckpointTensor>;

const zeros = (dims: readonly number[]): CheckpointTensor => ({ dims, data: new Float32Array(elementCount(dims)) });

/** Convolutions with biases: layer number -> kernel; every layer has two channels. */
function sequentialCheckpoint(layers: readonly (readonly [number, number])[]): Checkpoint {
  return new Map(
    layers.flatMap(([layer, kernel], i) => [
      [`module.features.${layer}.weight`, zeros([2, i === 0 ? 3 : 2, kernel, kernel])],
      [`module.features.${layer}.bias`, zeros([2])],
    ]),
  );
}

function resNetCheckpoint(kernels: readonly number[], blocks: readonly number[]): Checkpoint {
  const tensors: Checkpoint = new Map();
  const add = (conv: string, norm: string, dims: readonly number[]): void => {
    tensors.set(`${conv}.weight`, zeros(dims));
    for (const name of ['weight', 'bias', 'running_mean', 'running_var']) {
      tensors.set(`${norm}.${name}`, { dims: [dims[0]!], data: new Float32Array(dims[0]!).fill(1) });
    }
  };
  add('conv1', 'bn1', [2, 3, 7, 7]);
  blocks.forEach((count, group) => {
    for (let block = 0; block < count; block++) {
      const name = `layer${group + 1}.${block}`;
      kernels.forEach((kernel, i) => {
        add(`${name}.conv${i + 1}`, `${name}.bn${i + 1}`, [2, 2, kernel, kernel]);
      });
      if (group > 0 && block === 0) add(`${name}.downsample.0`, `${name}.downsample.1`, [2, 2, 1, 1]);
    }
  });
  return tensors;
}

const LETTERS: Readonly<Record<string, string>> = { Conv: 'c', Relu: 'r', MaxPool: 'p', Add: '+' };
const layersOf = (graph: Graph): string => graph.nodes.map(({ opType }) => LETTERS[opType] ?? opType).join('');
const outputSize = (graph: Graph): readonly number[] =>
  inferShapes(graph, new Map([['image', [1, 3, 224, 320]]])).get(graph.outputs[0]!.name)!;

const VGG_LAYERS = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28].map((layer) => [layer, 3] as const);
const ALEXNET_LAYERS = [
  [0, 11],
  [3, 5],
  [6, 3],
  [8, 3],
  [10, 3],
] as const;

describe('sequential backbones', () => {
  it('VGG16: five groups, pooled between, ends with conv5_3 before its ReLU', () => {
    const graph = createSequentialBackbone('vgg16', sequentialCheckpoint(VGG_LAYERS));
    assert.equal(layersOf(graph), ['crcr', 'crcr', 'crcrcr', 'crcrcr', 'crcrc'].join('p'));
    assert.equal(graph.outputs[0]!.name, 'features.28');
    assert.deepEqual(outputSize(graph), [1, 2, 14, 20]);
  });

  it('AlexNet: ends with conv5 before its ReLU', () => {
    const graph = createSequentialBackbone('alexnet', sequentialCheckpoint(ALEXNET_LAYERS));
    assert.equal(layersOf(graph), 'crpcrpcrcrc');
    assert.deepEqual(outputSize(graph), [1, 2, 13, 19]); // (224 + 4 - 11) / 4 + 1 = 55, 27, 13
  });

  it('names the layer that a checkpoint lacks', () => {
    const tensors = sequentialCheckpoint(VGG_LAYERS.slice(0, 5));
    assert.throws(() => createSequentialBackbone('vgg16', tensors), /'features\.12\.weight' is missing; .* vgg16/);
  });
});

describe('ResNet backbones', () => {
  it('18: two convolutions a block, shortcuts convolved where the stride is 2', () => {
    const graph = createResNet('resnet18', resNetCheckpoint([3, 3], [2, 2, 2]));
    assert.equal(layersOf(graph), 'crp' + ['crc+', 'crc+', 'crcc+', 'crc+', 'crcc+', 'crc+'].join('r'));
    assert.deepEqual(outputSize(graph), [1, 2, 14, 20]);
  });

  it('50: three convolutions a block, the stride on the 3 x 3', () => {
    const graph = createResNet('resnet50', resNetCheckpoint([1, 3, 1], [3, 4, 6]));
    const strided = graph.nodes.filter((node) => node.opType === 'Conv' && node.ints('strides')[0] === 2);
    assert.deepEqual(
      strided.map(({ name }) => name),
      ['conv1', 'layer2.0.conv2', 'layer2.0.downsample.0', 'layer3.0.conv2', 'layer3.0.downsample.0'],
    );
    assert.deepEqual(outputSize(graph), [1, 2, 14, 20]);
    assert.equal(layersOf(graph).replaceAll(/[^+]/g, '').length, 13);
  });
});
