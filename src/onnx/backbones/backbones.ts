/** @file The backbones that a PyTorch checkpoint can be read into, by name. */
import type { Graph } from '../graph.ts';
import type { Tensors } from './LayerBuilder.ts';
import { createMobileNetV2 } from './mobileNetV2.ts';
import { createResNet } from './resNet.ts';
import { createSequentialBackbone } from './sequentialBackbones.ts';

/** Each makes a graph from `image` [n, 3, H, W] to one dense map [n, C, H', W'] that ends without a ReLU. */
export const BACKBONES = {
  mobilenetv2: (tensors: Tensors) => createMobileNetV2(tensors),
  vgg16: (tensors: Tensors) => createSequentialBackbone('vgg16', tensors),
  alexnet: (tensors: Tensors) => createSequentialBackbone('alexnet', tensors),
  resnet18: (tensors: Tensors) => createResNet('resnet18', tensors),
  resnet50: (tensors: Tensors) => createResNet('resnet50', tensors),
} as const satisfies Record<string, (tensors: Tensors) => Graph>;

export type BackboneName = keyof typeof BACKBONES;

export const BACKBONE_NAMES = Object.keys(BACKBONES) as readonly BackboneName[];
