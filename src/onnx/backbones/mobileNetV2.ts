/**
 * @file MobileNetV2 1.0 (Sandler et al., CVPR 2018) as a graph, from a PyTorch checkpoint with torchvision's layer names,
 * batch normalisation folded. Cut after an inverted residual block its map is linear: no ReLU to remove.
 */
import { NetvladError } from '../../errors.ts';
import { GraphBuilder } from '../GraphBuilder.ts';
import { floatTensor, type Graph } from '../graph.ts';
import type { CheckpointTensor } from '../pytorch/readCheckpoint.ts';
import { foldBatchNorm } from './foldBatchNorm.ts';

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

const EPSILON = 1e-5;

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

/** Adds layers by their checkpoint names. */
class LayerBuilder {
  readonly builder: GraphBuilder;
  readonly #tensors: ReadonlyMap<string, CheckpointTensor>;
  readonly #prefix: string;

  constructor(builder: GraphBuilder, tensors: ReadonlyMap<string, CheckpointTensor>) {
    this.builder = builder;
    this.#tensors = tensors;
    const first = [...tensors.keys()].find((name) => name.endsWith('features.0.0.weight'));
    this.#prefix = first?.slice(0, -'features.0.0.weight'.length) ?? '';
  }

  has(name: string): boolean {
    return this.#tensors.has(`${this.#prefix}${name}`);
  }

  /** Convolution `<layer>.<conv>` with the normalisation `<layer>.<norm>`, and ReLU6 where `relu`. */
  convolution(
    x: string,
    layer: { conv: string; norm: string; stride?: number; group?: number; relu: boolean },
  ): string {
    const { stride = 1, group = 1, relu } = layer;
    const values = (name: string): Float32Array => this.#tensor(`${layer.norm}.${name}`).data;
    const folded = foldBatchNorm(this.#tensor(`${layer.conv}.weight`), {
      weight: values('weight'),
      bias: values('bias'),
      runningMean: values('running_mean'),
      runningVariance: values('running_var'),
      epsilon: EPSILON,
    });
    const { dims, data } = folded.weight;
    const pad = (dims[2]! - 1) / 2;
    const w = this.builder.initializer(`${layer.conv}.weight`, floatTensor(data, dims));
    const b = this.builder.initializer(`${layer.conv}.bias`, floatTensor(folded.bias, [dims[0]!]));
    const attributes = { group, kernel_shape: dims.slice(2), strides: [stride, stride], pads: [pad, pad, pad, pad] };
    const y = this.builder.op('Conv', [x, w, b], attributes, layer.conv);
    return relu
      ? this.builder.op('Clip', [y, this.builder.scalar(0), this.builder.scalar(6)], {}, `${layer.conv}/relu6`)
      : y;
  }

  #tensor(name: string): CheckpointTensor {
    const tensor = this.#tensors.get(`${this.#prefix}${name}`);
    if (tensor === undefined) {
      throw new NetvladError(
        'model',
        `Checkpoint: tensor '${name}' is missing; this is not a MobileNetV2 with torchvision's names.`,
      );
    }
    return tensor;
  }
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
  const expanded = names.length === 3 ? layers.convolution(x, { ...names[0]!, relu: true }) : x;
  const [filter, project] = names.slice(-2);
  const group = block.inChannels * block.expansion;
  const filtered = layers.convolution(expanded, { ...filter!, stride: block.stride, group, relu: true });
  const projected = layers.convolution(filtered, { ...project!, relu: false });
  return block.stride === 1 && block.inChannels === block.outChannels
    ? layers.builder.op('Add', [x, projected], {}, name)
    : layers.builder.op('Identity', [projected], {}, name);
}

/**
 * Builds the graph from `image` [n, 3, H, W] to the map after inverted residual block `cutBlock`, [n, C, H/s, W/s]. Tensor
 * `features.<i>` is the output of block i, so the graph can be cut at any of them.
 * @throws NetvladError `model` naming a tensor that the checkpoint lacks
 */
export function createMobileNetV2(
  tensors: ReadonlyMap<string, CheckpointTensor>,
  cutBlock: number = DEFAULT_CUT_BLOCK,
): Graph {
  const builder = new GraphBuilder();
  const layers = new LayerBuilder(builder, tensors);
  const image = builder.input('image', ['n', 3, 'height', 'width']);
  let x = layers.convolution(image, { conv: 'features.0.0', norm: 'features.0.1', stride: 2, relu: true });
  let channels = 32;
  for (const [i, block] of blocks().slice(0, cutBlock).entries()) {
    x = appendBlock(layers, x, { block, name: `features.${i + 1}` });
    channels = block.outChannels;
  }
  builder.output(x, ['n', channels, 'rows', 'columns']);
  return builder.build('MobileNetV2');
}
