/**
 * @file MobileNetV2 1.0 (Sandler et al., CVPR 2018) as a graph, from a PyTorch checkpoint with torchvision's layer names,
 * batch normalisation folded. Cut after an inverted residual block its map is linear: no ReLU to remove.
 */
import { GraphBuilder } from '../GraphBuilder.ts';
import type { Graph } from '../graph.ts';
import { LayerBuilder, type Tensors } from './LayerBuilder.ts';

/** Expansion, output channels, repeats, stride of the first: table 2 of the paper. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** Block 13 ends the 96-channel stage, the last at stride 16. */
export const DEFAULT_CUT_BLOCK = 13;

interface Block {
  readonly expansion: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly stride: number;
}

/** Blocks 1 to 17, as `features.<number>` of the checkpoint. */
function blocks(): Block[] {
  let inChannels = 32;
  return STAGES.flatMap(([expansion, outChannels, repeats, stride]) =>
    Array.from({ length: repeats }, (_, i) => {
      const block = { expansion, inChannels, outChannels, stride: i === 0 ? stride : 1 };
      inChannels = outChannels;
      return block;
    }),
  );
}

/** [convolution, normalisation] of a block's layers: expansion (where there is one), depthwise filter, projection. */
type LayerNames = readonly (readonly [string, string])[];

/** Flat numbering of the first published code, and torchvision's with the activation inside a group. */
const LAYOUTS: readonly { readonly probe: string; readonly expanded: LayerNames; readonly plain: LayerNames }[] = [
  {
    probe: 'features.1.conv.0.0.weight',
    expanded: [
      ['0.0', '0.1'],
      ['1.0', '1.1'],
      ['2', '3'],
    ],
    plain: [
      ['0.0', '0.1'],
      ['1', '2'],
    ],
  },
  {
    probe: 'features.1.conv.0.weight',
    expanded: [
      ['0', '1'],
      ['3', '4'],
      ['6', '7'],
    ],
    plain: [
      ['0', '1'],
      ['3', '4'],
    ],
  },
];

function appendBlock(layers: LayerBuilder, x: string, { block, name }: { block: Block; name: string }): string {
  const layout = LAYOUTS.find(({ probe }) => layers.has(probe)) ?? LAYOUTS[0]!;
  const names = (block.expansion > 1 ? layout.expanded : layout.plain).map(([conv, norm]) => ({
    conv: `${name}.conv.${conv}`,
    norm: `${name}.conv.${norm}`,
  }));
  const expanded = names.length === 3 ? layers.relu6(layers.convolution(x, names[0]!)) : x;
  const [filter, project] = names.slice(-2);
  const group = block.inChannels * block.expansion;
  const filtered = layers.relu6(layers.convolution(expanded, { ...filter!, stride: block.stride, group }));
  const projected = layers.convolution(filtered, project!);
  return block.stride === 1 && block.inChannels === block.outChannels
    ? layers.builder.op('Add', [x, projected], {}, name)
    : layers.builder.op('Identity', [projected], {}, name);
}

/**
 * Builds the graph from `image` [n, 3, H, W] to the map after inverted residual block `cutBlock`, [n, C, H/s, W/s]. Tensor
 * `features.<i>` is the output of block i, so the graph can be cut at any of them.
 * @throws NetvladError `model` naming a tensor that the checkpoint lacks
 */
export function createMobileNetV2(tensors: Tensors, cutBlock: number = DEFAULT_CUT_BLOCK): Graph {
  const builder = new GraphBuilder();
  const layers = new LayerBuilder(builder, tensors, { probe: 'features.0.0.weight', network: 'MobileNetV2' });
  const image = builder.input('image', ['n', 3, 'height', 'width']);
  let x = layers.relu6(layers.convolution(image, { conv: 'features.0.0', norm: 'features.0.1', stride: 2 }));
  let channels = 32;
  for (const [i, block] of blocks().slice(0, cutBlock).entries()) {
    x = appendBlock(layers, x, { block, name: `features.${i + 1}` });
    channels = block.outChannels;
  }
  builder.output(x, ['n', channels, 'rows', 'columns']);
  return builder.build('MobileNetV2');
}
