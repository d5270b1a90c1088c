/**
 * @file VGG16 (Simonyan and Zisserman 2015) and AlexNet (Krizhevsky 2014) from checkpoints with torchvision's layer names, cut at
 * the last convolution before its ReLU, where the NetVLAD paper cuts them.
 */
import { GraphBuilder } from '../GraphBuilder.ts';
import type { Graph } from '../graph.ts';
import { LayerBuilder, type Tensors } from './LayerBuilder.ts';

type Step =
  | { readonly kind: 'conv'; readonly layer: number; readonly stride?: number; readonly pad: number }
  | { readonly kind: 'pool'; readonly size: number };

const conv = (layer: number, pad: number, stride = 1): Step => ({ kind: 'conv', layer, pad, stride });

const ARCHITECTURES = {
  // conv1_1 ... conv5_3, max pooling 2 x 2 between the five groups: stride 16, 512 channels
  vgg16: {
    channels: 512,
    steps: [
      ...[conv(0, 1), conv(2, 1), { kind: 'pool', size: 2 }],
      ...[conv(5, 1), conv(7, 1), { kind: 'pool', size: 2 }],
      ...[conv(10, 1), conv(12, 1), conv(14, 1), { kind: 'pool', size: 2 }],
      ...[conv(17, 1), conv(19, 1), conv(21, 1), { kind: 'pool', size: 2 }],
      ...[conv(24, 1), conv(26, 1), conv(28, 1)],
    ],
  },
  // conv1 ... conv5, max pooling 3 x 3 after the first two: stride 16, 256 channels
  alexnet: {
    channels: 256,
    steps: [
      ...[conv(0, 2, 4), { kind: 'pool', size: 3 }],
      ...[conv(3, 2), { kind: 'pool', size: 3 }],
      ...[conv(6, 1), conv(8, 1), conv(10, 1)],
    ],
  },
} as const satisfies Record<string, { readonly channels: number; readonly steps: readonly Step[] }>;

export type SequentialArchitecture = keyof typeof ARCHITECTURES;

/**
 * `image` [n, 3, H, W] to the last convolution's map, not rectified. Every value is called by its layer (`features.28`), so that
 * the graph can be cut elsewhere. Throws NetvladError('model') naming a tensor that the checkpoint lacks.
 */
export function createSequentialBackbone(architecture: SequentialArchitecture, tensors: Tensors): Graph {
  const { channels, steps } = ARCHITECTURES[architecture];
  const builder = new GraphBuilder();
  const layers = new LayerBuilder(builder, tensors, { probe: 'features.0.weight', network: architecture });
  let x = builder.input('image', ['n', 3, 'height', 'width']);
  let linear = true; // the image itself, and the map that comes out, meet no ReLU
  for (const step of steps as readonly Step[]) {
    const rectified: string = linear ? x : layers.relu(x);
    linear = step.kind === 'pool';
    if (step.kind === 'pool') x = layers.maxPool(rectified, { size: step.size, stride: 2 });
    else x = layers.convolution(rectified, { conv: `features.${step.layer}`, stride: step.stride ?? 1, pad: step.pad });
  }
  builder.output(x, ['n', channels, 'rows', 'columns']);
  return builder.build(architecture);
}
