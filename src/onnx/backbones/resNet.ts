/**
 * @file ResNet18 and ResNet50 (He et al. 2016) from checkpoints with torchvision's layer names, batch normalisation folded, cut after
 * the third group (stride 16) before its last ReLU.
 */
import { GraphBuilder } from '../GraphBuilder.ts';
import type { Graph } from '../graph.ts';
import { LayerBuilder, type Tensors } from './LayerBuilder.ts';

const ARCHITECTURES = {
  /** Two 3 x 3 convolutions a block. */
  resnet18: { blocks: [2, 2, 2], convolutions: 2, channels: 256 },
  /** 1 x 1, 3 x 3, 1 x 1; the stride lies on the 3 x 3 (torchvision's "1.5"). */
  resnet50: { blocks: [3, 4, 6], convolutions: 3, channels: 1024 },
} as const;

export type ResNetArchitecture = keyof typeof ARCHITECTURES;

/** One residual block, before its last ReLU. */
function appendBlock(
  layers: LayerBuilder,
  x: string,
  block: { name: string; stride: number; convolutions: number },
): string {
  const { name, stride, convolutions } = block;
  const strided = convolutions === 3 ? 2 : 1;
  let y = x;
  for (let i = 1; i <= convolutions; i++) {
    const layer = { conv: `${name}.conv${i}`, norm: `${name}.bn${i}`, stride: i === strided ? stride : 1 };
    y = layers.convolution(i === 1 ? y : layers.relu(y), layer);
  }
  const shortcut = layers.has(`${name}.downsample.0.weight`)
    ? layers.convolution(x, { conv: `${name}.downsample.0`, norm: `${name}.downsample.1`, stride })
    : x;
  return layers.builder.op('Add', [y, shortcut], {}, name);
}

/** `image` [n, 3, H, W] to the map of `layer3`. Throws NetvladError('model') naming a tensor that the checkpoint lacks. */
export function createResNet(architecture: ResNetArchitecture, tensors: Tensors): Graph {
  const { blocks, convolutions, channels } = ARCHITECTURES[architecture];
  const builder = new GraphBuilder();
  const layers = new LayerBuilder(builder, tensors, { probe: 'conv1.weight', network: architecture });
  const image = builder.input('image', ['n', 3, 'height', 'width']);
  const stem = layers.relu(layers.convolution(image, { conv: 'conv1', norm: 'bn1', stride: 2 }));
  let x = layers.maxPool(stem, { size: 3, stride: 2, pad: 1 });
  blocks.forEach((count, group) => {
    for (let i = 0; i < count; i++) {
      const name = `layer${group + 1}.${i}`;
      const rectified = group === 0 && i === 0 ? x : layers.relu(x);
      x = appendBlock(layers, rectified, { name, stride: group > 0 && i === 0 ? 2 : 1, convolutions });
    }
  });
  builder.output(x, ['n', channels, 'rows', 'columns']);
  return builder.build(architecture);
}
