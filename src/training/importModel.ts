/** @file Foreign networks become models: a head on their feature map, or a manifest for a descriptor they already compute. */
import path from 'node:path';
import { NetvladError } from '../errors.ts';
import type { ManifestDraft, ModelFiles } from '../inference/modelFiles.ts';
import { writeModelFiles } from '../inference/modelFiles.ts';
import { OnnxDescriptorModel } from '../inference/OnnxDescriptorModel.ts';
import { floatFeed, OnnxSession } from '../inference/OnnxSession.ts';
import { createRandom } from '../math/random.ts';
import { dot } from '../math/vectors.ts';
import { createLayerChain } from '../onnx/backbones/layerChain.ts';
import { createModel, GraphBuilder } from '../onnx/GraphBuilder.ts';
import { OPSET, type OnnxModel } from '../onnx/graph.ts';
import { appendL2Normalize } from '../onnx/poolingHead.ts';
import { readModel } from '../onnx/readModel.ts';
import { writeModel } from '../onnx/writeModel.ts';
import { assembleModel, type Head } from './DescriptorNetwork.ts';
import { measureParity, PARITY_TOLERANCE } from './exportModel.ts';
import { assertJoinable, loadBackbone, measureBackbone, readWeights } from './loadBackbone.ts';
import { readMatconvnet } from './readMatconvnet.ts';
import type { TrainConfig } from './trainConfig.ts';
import { toTrainConfig } from './trainConfig.ts';

export interface ImportRequest {
  /** The checkpoint or `.onnx` file. */
  readonly file: string;
  /** Path of the model to write, `folder/name.onnx`. */
  readonly out: string;
  /** `matlab`: a network of the NetVLAD authors, which says itself how it is pooled. */
  readonly backbone: TrainConfig['backbone']['name'] | 'matlab';
  /** Tensor of the dense map to pool. With an `onnx` backbone this or `descriptor`, or neither where the only output tells. */
  readonly map?: string | undefined;
  /** Output of an ONNX network that already is the descriptor [n, D]. */
  readonly descriptor?: string | undefined;
  readonly pooling: 'max' | 'gem';
  /** The fields of a config's `input` that differ from its defaults. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly weightsFrom: string;
  readonly licence: string;
}

function toConfig(request: ImportRequest, cut = request.map ?? request.descriptor): TrainConfig {
  const { file, out, backbone, pooling, input, weightsFrom, licence } = request;
  return toTrainConfig(
    {
      name: path.basename(out).replace(/\.onnx$/, ''),
      licence,
      backbone: {
        name: backbone === 'matlab' ? 'onnx' : backbone,
        weights: path.resolve(file),
        ...(cut === undefined ? {} : { cut }),
        weightsFrom,
        licence,
      },
      input,
      pooling: { kind: pooling },
    },
    file,
  );
}

/** Runs the network on noise: dimension of the output `name` and whether it has unit length. */
async function probeDescriptor(
  bytes: Uint8Array,
  name: string,
  { input, backbone: { weights } }: TrainConfig,
): Promise<{ readonly dimension: number; readonly isUnit: boolean }> {
  const session = await OnnxSession.open(bytes, weights);
  try {
    const known = session.outputs.map((output) => output.name);
    if (!known.includes(name)) {
      throw new NetvladError('model', `${weights} has no output '${name}'; it has ${known.join(', ')}.`);
    }
    const count = 3 * input.width * input.height;
    const image = floatFeed(
      [1, 3, input.height, input.width],
      Float32Array.from({ length: count }, (_unused, i) => Math.sin(i)),
    );
    const output = (await session.run({ [session.inputs[0]!.name]: image }, [name]))[name]!;
    if (output.dims.length !== 2 || !(output.data instanceof Float32Array)) {
      throw new NetvladError(
        'model',
        `${weights}: output '${name}' is ${output.type} [${output.dims.join(', ')}], expected float32 [n, D].`,
        {
          hint: 'For a feature map [n, C, H, W] say --map instead of --descriptor.',
        },
      );
    }
    return { dimension: output.dims[1]!, isUnit: Math.abs(dot(output.data, output.data) - 1) < 1e-3 };
  } finally {
    await session.dispose();
  }
}

/** The same network with an L2 normalisation behind its output `name`. */
function appendNormalization(model: OnnxModel, file: string, name: string): { bytes: Uint8Array; output: string } {
  assertJoinable(model, file);
  const builder = new GraphBuilder({ prefix: 'head/', graph: model.graph });
  builder.output(appendL2Normalize(builder, name, 'unit_descriptor'), ['n', null]);
  const normalized = { ...createModel(builder.build(model.graph.name), model.metadata), opset: model.opset };
  return { bytes: writeModel(normalized), output: 'unit_descriptor' };
}

/** Network and manifest, still to be written. */
interface Imported {
  readonly draft: ManifestDraft;
  readonly onnx: Uint8Array;
}

const provenance = (request: ImportRequest): ManifestDraft['training'] => ({
  data: null,
  run: { importedFrom: path.basename(request.file) },
  recall: null,
});

async function importDescriptor(request: ImportRequest, name: string): Promise<Imported> {
  const config = toConfig(request);
  const original = await readWeights(config.backbone.weights);
  const { dimension, isUnit } = await probeDescriptor(original, name, config);
  const model = readModel(original);
  const { bytes, output } = isUnit
    ? { bytes: original, output: name }
    : appendNormalization(model, config.backbone.weights, name);
  const draft: ManifestDraft = {
    name: config.name,
    onnx: { input: model.graph.inputs[0]!.name, output },
    input: config.input,
    descriptor: { dimension, pooling: 'other', clusters: null, whitening: null },
    backbone: { name: 'onnx', cut: name, weightsFrom: request.weightsFrom, licence: request.licence },
    training: provenance(request),
    licence: request.licence,
  };
  return { draft, onnx: bytes };
}

async function importMap(request: ImportRequest): Promise<Imported> {
  const config = toConfig(request);
  const backbone = await loadBackbone(config);
  const pooling = request.pooling === 'max' ? ({ kind: 'max' } as const) : ({ kind: 'gem', power: 3 } as const);
  const { draft, files } = assembleModel(
    backbone,
    { pooling, whitening: null },
    { config, training: provenance(request) },
  );
  return { draft, onnx: files.onnx };
}

/** How the authors' code feeds its networks: pixels from 0 to 255 minus the mean, in the size that they come in. */
const MATLAB_INPUT = { width: 640, height: 480, resize: 'stretch', scale: 1, std: [1, 1, 1] };

/** A network that was not made here has no other proof: it must do what the float64 reference does with its weights. */
async function assertParity(files: ModelFiles, head: Head): Promise<void> {
  const { width, height } = files.manifest.input;
  const random = createRandom(1);
  const image = { data: Uint8Array.from({ length: 3 * width * height }, () => random.int(256)), width, height };
  const model = await OnnxDescriptorModel.open(files);
  try {
    const parity = await measureParity(model, head, [image]);
    if (parity === null || parity <= PARITY_TOLERANCE) return;
    throw new NetvladError(
      'internal',
      `The imported graph differs from the reference by ${parity}, expected at most ${PARITY_TOLERANCE}.`,
    );
  } finally {
    await model.dispose();
  }
}

async function importPublished(request: ImportRequest): Promise<Imported> {
  const { layers, head, mean, netId } = readMatconvnet(await readWeights(request.file), request.file);
  const graph = createLayerChain(netId ?? 'backbone', layers);
  const input = { ...MATLAB_INPUT, mean, ...request.input };
  const config = toConfig({ ...request, input }, graph.outputs[0]!.name);
  const backbone = await measureBackbone({ graph, opset: OPSET }, config.input, request.file);
  const { draft, files } = assembleModel(backbone, head, { config, training: provenance(request) });
  await assertParity(files, head);
  const { whitening } = head;
  const told = whitening && `as published, ${whitening.outputDimension} of ${whitening.inputDimension} dimensions`;
  return {
    draft: {
      ...draft,
      descriptor: { ...draft.descriptor, whitening: told },
      backbone: { ...draft.backbone, name: netId ?? 'matconvnet' },
    },
    onnx: files.onnx,
  };
}

/** What to do with an ONNX network when the user does not say: its only output's shape tells map [n, C, H, W] and descriptor [n, D] apart. */
async function inferOutput(file: string): Promise<Pick<ImportRequest, 'map' | 'descriptor'>> {
  const session = await OnnxSession.open(await readWeights(file), file);
  const { outputs } = session;
  await session.dispose();
  const [only] = outputs;
  if (outputs.length === 1 && only?.dims.length === 2) return { descriptor: only.name };
  if (outputs.length === 1 && only?.dims.length === 4) return { map: only.name };
  const told = outputs.map(({ name, dims }) => `${name} [${dims.join(', ')}]`).join(', ');
  throw new NetvladError('usage', `Which tensor of ${file} to use is not clear: its outputs are ${told}.`, {
    hint: 'Name a dense map [n, C, H, W] with --map, or an output [n, D] that is the descriptor with --descriptor.',
  });
}

function toImported(request: ImportRequest): Promise<Imported> {
  if (request.backbone === 'matlab') return importPublished(request);
  const { descriptor } = request;
  return descriptor === undefined ? importMap(request) : importDescriptor(request, descriptor);
}

/** Writes the model. Throws NetvladError('usage' | 'bad-input' | 'model') naming file and tensor. */
export async function importModel(request: ImportRequest): Promise<ModelFiles> {
  const { backbone, map, descriptor, file } = request;
  if (map !== undefined && descriptor !== undefined) {
    throw new NetvladError(
      'usage',
      'A network is imported by --map TENSOR or by --descriptor OUTPUT: give one of them.',
    );
  }
  const isOpen = backbone === 'onnx' && map === undefined && descriptor === undefined;
  const { draft, onnx } = await toImported(isOpen ? { ...request, ...(await inferOutput(file)) } : request);
  return writeModelFiles(path.dirname(request.out), draft, onnx);
}
