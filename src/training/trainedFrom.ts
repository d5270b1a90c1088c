/** @file Where in the backbone training begins: what `training.layers` of a config means. */
import { NetvladError } from '../errors.ts';
import type { Backbone } from './loadBackbone.ts';
import type { TrainingConfig } from './trainConfig.ts';

/** Outputs of the blocks of our architectures, in order; anybody's network has other names. */
const BLOCK_OUTPUT = /^(features\.\d+|layer\d+\.\d+)$/;

/**
 * Tensor after which the backbone is trained; the map when it is frozen, null when all of it is trained.
 * @throws NetvladError `bad-input` for a tensor that it lacks, and for a number of blocks where it names none
 */
export function trainedFrom({ graph, map }: Backbone, { layers }: TrainingConfig): string | null {
  if (layers === 'all') return null;
  if (layers === 'none' || layers === 'head') return map;
  const tensors = graph.nodes.flatMap((node) => node.outputs);
  if (typeof layers === 'object') {
    if (tensors.includes(layers.after)) return layers.after;
    throw new NetvladError('bad-input', `training.layers: this backbone has no tensor '${layers.after}'.`, {
      hint: `The last ones before the head are ${tensors.slice(-5).join(', ')}.`,
    });
  }
  const blocks = tensors.filter((name) => BLOCK_OUTPUT.test(name));
  if (blocks.length === 0) {
    throw new NetvladError('bad-input', `training.layers: ${layers}: this backbone does not name its blocks.`, {
      hint: 'Name the tensor after which it is trained: layers: { after: NAME }.',
    });
  }
  return blocks.at(-1 - layers) ?? null;
}
