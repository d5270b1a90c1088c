/**
 * @file Networks as the NetVLAD authors publish them: MatConvNet `simplenn` structures (cell array `net.layers`) of convolutions,
 * L2 per location, the VLAD layer, intra-normalisation, L2, whitening, L2. Arrays are column-major: H x W x in x out.
 */
import { NetvladError } from '../errors.ts';
import { parseMatFile, type MatValue } from '../datasets/matFile.ts';
import type { AffineProjection } from '../math/pca.ts';
import type { FloatArray } from '../math/vectors.ts';
import type { ChainLayer, Pads, Pair } from '../onnx/backbones/layerChain.ts';
import type { Pooling } from '../onnx/poolingHead.ts';
import type { Head } from './DescriptorNetwork.ts';

export interface MatconvnetNetwork {
  /** Up to the dense map, which meets no ReLU. */
  readonly layers: readonly ChainLayer[];
  readonly head: Head;
  /** Red, green, blue, 0 to 255, subtracted from the image. */
  readonly mean: readonly [number, number, number];
  /** The authors' short name of the backbone (`vd16`, `caffe`), where the file says it. */
  readonly netId: string | null;
}

type Fields = ReadonlyMap<string, MatValue>;
type Numbers = Extract<MatValue, { readonly kind: 'numbers' }>;

/** One element of `net.layers` with the words to complain about it. */
interface LayerRecord {
  readonly type: string;
  readonly name: string;
  readonly fields: Fields;
  fail(problem: string, hint?: string): NetvladError;
}

const OBJECTS_HINT =
  "Turn the objects into structures, in MATLAB with the authors' code on the path: load('old.mat'); " +
  "for i = 1:numel(net.layers), net.layers{i} = struct(net.layers{i}); end; save('new.mat', 'net', '-v7')";

const textOf = (value: MatValue | undefined): string | null => (value?.kind === 'text' ? value.text : null);

function numbersOf(layer: LayerRecord, field: string): FloatArray {
  const value = layer.fields.get(field);
  if (value?.kind === 'numbers' && value.values.length > 0) return value.values;
  throw layer.fail(`has no numbers in its field '${field}'`);
}

/** The arrays of `weights`; empty ones (a convolution without bias) have no values. */
function weightsOf(layer: LayerRecord): readonly Numbers[] {
  const value = layer.fields.get('weights');
  const cells = value?.kind === 'cells' ? value.cells : [];
  const arrays = cells.filter((cell) => cell.kind === 'numbers');
  if (cells.length > 0 && arrays.length === cells.length) return arrays;
  throw layer.fail('has no weights');
}

/** A scalar stands for all; MATLAB's order is vertical, horizontal and top, bottom, left, right. */
function pairOf(layer: LayerRecord, field: string, otherwise: number | null): Pair {
  if (!layer.fields.has(field) && otherwise !== null) return [otherwise, otherwise];
  const [vertical, horizontal = vertical] = numbersOf(layer, field);
  return [vertical!, horizontal!];
}

function padsOf(layer: LayerRecord): Pads {
  if (!layer.fields.has('pad')) return [0, 0, 0, 0];
  const [top, bottom = top, left = top, right = left] = numbersOf(layer, 'pad');
  return [top!, left!, bottom!, right!];
}

/** H x W x in x out column-major to [out, in, H, W] row-major. */
function toKernels({ dimensions, values }: Numbers): { dims: [number, number, number, number]; data: Float32Array } {
  const [height = 1, width = 1, inputs = 1, outputs = 1] = dimensions; // MATLAB drops sizes of one at the end
  const data = new Float32Array(values.length);
  let at = 0;
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) data[at++] = values[y + height * (x + width * (i + inputs * o))]!;
      }
    }
  }
  return { dims: [outputs, inputs, height, width], data };
}

function toConvolution(layer: LayerRecord, channels: number): ChainLayer {
  const [kernels, bias] = weightsOf(layer);
  const { dims, data } = toKernels(kernels!);
  const group = channels / dims[1];
  if (!Number.isInteger(group)) throw layer.fail(`takes ${dims[1]} channels, its input has ${channels}`);
  const offsets = bias === undefined || bias.values.length === 0 ? new Float32Array(dims[0]) : bias.values;
  if (offsets.length !== dims[0]) throw layer.fail(`has ${offsets.length} biases for ${dims[0]} filters`);
  return {
    ...{ kind: 'conv', name: layer.name, dims, weights: data, bias: Float32Array.from(offsets), group },
    ...{ strides: pairOf(layer, 'stride', 1), pads: padsOf(layer), dilations: pairOf(layer, 'dilate', 1) },
  };
}

const NORMALIZE_TYPES = ['normalize', 'lrn'];

/** vl_nnnormalize with param [N kappa alpha beta]; over all channels, with [2 D, 1e-12, 1, 0.5], it is L2. */
function isL2(layer: LayerRecord | undefined, channels: number): boolean {
  if (layer === undefined || !NORMALIZE_TYPES.includes(layer.type)) return false;
  const [size, kappa, alpha, beta] = numbersOf(layer, 'param');
  return size! >= 2 * channels && kappa! <= 1e-6 && alpha === 1 && beta === 0.5;
}

function toChainLayer(layer: LayerRecord, channels: number): ChainLayer {
  const { type, name } = layer;
  if (type === 'conv') return toConvolution(layer, channels);
  if (type === 'relu') {
    const leak = layer.fields.get('leak');
    if (leak?.kind === 'numbers' && (leak.values[0] ?? 0) !== 0) throw layer.fail('leaks, which is not supported');
    return { kind: 'relu', name };
  }
  if (type === 'pool') {
    const method = textOf(layer.fields.get('method')) ?? 'max';
    if (method !== 'max') throw layer.fail(`pools by '${method}', expected 'max'`);
    return {
      kind: 'maxpool',
      name,
      size: pairOf(layer, 'pool', null),
      strides: pairOf(layer, 'stride', 1),
      pads: padsOf(layer),
    };
  }
  if (NORMALIZE_TYPES.includes(type)) {
    const [size, bias, alpha, beta] = numbersOf(layer, 'param');
    return { kind: 'lrn', name, size: size!, bias: bias!, alpha: alpha!, beta: beta! };
  }
  throw layer.fail('is not supported in a backbone; convolutions, ReLU, max pooling and normalisation are');
}

/** 1 x 1 x D x K column-major, which is [K, D] row-major. */
function toRows({ values }: Numbers, sign: 1 | -1): Float64Array {
  return Float64Array.from(values, (value) => sign * value);
}

/** layerVLAD holds {assignment, -centres}, layerVLADv2 {assignment, bias, -centres}. */
function toPooling(layer: LayerRecord, channels: number): Pooling {
  if (layer.name.startsWith('max')) return { kind: 'max' };
  if (!layer.fields.has('weights')) throw layer.fail('is not supported as pooling; VLAD and max are');
  const arrays = weightsOf(layer);
  const assignment = arrays[0]!;
  const centres = arrays.at(-1)!;
  const clusters = assignment.values.length / channels;
  const bias = arrays.length === 3 ? Float64Array.from(arrays[1]!.values) : new Float64Array(clusters);
  const fits = centres.values.length === assignment.values.length && bias.length === clusters;
  if (![2, 3].includes(arrays.length) || !Number.isInteger(clusters) || !fits) {
    throw layer.fail(`has weights that do not fit its ${channels} channels`);
  }
  const weights = toRows(assignment, 1);
  return {
    kind: 'netvlad',
    parameters: { clusters, dimension: channels, weights, bias, centres: toRows(centres, -1) },
  };
}

/**
 * A 1 x 1 convolution of the vector 1 x 1 x in x out. Its input counts k + K d (the authors' order), ours d + D k; max pooling has
 * one cluster, for which both are the same.
 */
function toWhitening(layer: LayerRecord, clusters: number, channels: number): AffineProjection {
  const [matrix, bias] = weightsOf(layer);
  const inputDimension = clusters * channels;
  const outputDimension = bias?.values.length ?? 0;
  if (outputDimension === 0 || matrix!.values.length !== inputDimension * outputDimension) {
    throw layer.fail(`has ${matrix!.values.length} weights, expected ${inputDimension} x ${outputDimension}`);
  }
  const { values } = matrix!;
  const weights = new Float32Array(values.length);
  let at = 0;
  for (let row = 0; row < outputDimension; row++) {
    for (let k = 0; k < clusters; k++) {
      for (let d = 0; d < channels; d++) weights[at++] = values[row * inputDimension + k + clusters * d]!;
    }
  }
  return { inputDimension, outputDimension, weights, bias: Float64Array.from(bias!.values) };
}

/** The layers behind the dense map: L2, VLAD, intra-normalisation, L2, whitening, L2; or max, L2, whitening, L2. */
function toHead(layers: readonly LayerRecord[], channels: number): Head {
  const rest = [...layers];
  const isNormalizedFirst = isL2(rest[0], channels);
  if (isNormalizedFirst) rest.shift();
  const core = rest.shift()!;
  const pooling = toPooling(core, channels);
  if (isNormalizedFirst !== (pooling.kind === 'netvlad')) {
    throw core.fail(
      pooling.kind === 'max'
        ? 'pools features of unit length, expected the map as it is'
        : 'pools features that are not of unit length (no layer preL2 before it), which is not supported',
    );
  }
  if (pooling.kind === 'netvlad') {
    const intra = rest.shift();
    if (!isL2(intra, channels)) throw (intra ?? core).fail('is not the expected intra-normalisation of the clusters');
  }
  const clusters = pooling.kind === 'netvlad' ? pooling.parameters.clusters : 1;
  const whitening = rest.find(({ type }) => type === 'conv');
  const expected = whitening === undefined ? ['custom'] : ['custom', 'conv', 'custom'];
  if (rest.map(({ type }) => type).join() !== expected.join()) {
    const names = rest.map(({ name }) => name).join(', ') || 'nothing';
    throw core.fail(`is followed by ${names}; expected postL2, or postL2, WPCA, finalL2`);
  }
  return { pooling, whitening: whitening === undefined ? null : toWhitening(whitening, clusters, channels) };
}

function toRecords(value: MatValue | undefined, file: string): readonly LayerRecord[] {
  if (value?.kind !== 'cells' || value.cells.length === 0) {
    const hint = 'Expected is a MatConvNet simplenn network: a structure `net` whose `layers` is a cell array.';
    throw new NetvladError('model', `${file} holds no network net.layers.`, { hint });
  }
  return value.cells.map((cell, at) => {
    if (cell.kind === 'object') {
      throw new NetvladError(
        'model',
        `${file}: layer ${at + 1} is an object of a MATLAB class, which cannot be read.`,
        {
          hint: OBJECTS_HINT,
        },
      );
    }
    const fields = cell.kind === 'structures' ? cell.elements[0] : undefined;
    const type = textOf(fields?.get('type'));
    if (fields === undefined || type === null) throw new NetvladError('model', `${file}: layer ${at + 1} has no type.`);
    const name = textOf(fields.get('name')) || `layer${at + 1}`;
    const fail = (problem: string, hint?: string): NetvladError =>
      new NetvladError(
        'model',
        `${file}: layer ${at + 1} '${name}' (${type}) ${problem}.`,
        hint === undefined ? {} : { hint },
      );
    return { type, name, fields, fail };
  });
}

function structureOf(value: MatValue | undefined): Fields {
  return (value?.kind === 'structures' ? value.elements[0] : undefined) ?? new Map<string, MatValue>();
}

/** One value a channel; of a whole mean image the authors take the first pixel. */
function toMean(normalization: Fields, file: string): readonly [number, number, number] {
  const image = normalization.get('averageImage');
  if (image?.kind !== 'numbers' || image.values.length === 0 || image.values.length % 3 !== 0) {
    throw new NetvladError('model', `${file}: net.meta.normalization.averageImage is missing.`);
  }
  const plane = image.values.length / 3;
  return [image.values[0]!, image.values[plane]!, image.values[2 * plane]!];
}

/** Reads a published network. Throws NetvladError('bad-input' | 'model') naming file and layer. */
export function readMatconvnet(bytes: Uint8Array, file: string): MatconvnetNetwork {
  const variables = parseMatFile(bytes, file);
  const net = variables.has('net') ? structureOf(variables.get('net')) : variables;
  const records = toRecords(net.get('layers'), file);
  const meta = structureOf(net.get('meta'));
  const mean = toMean(structureOf(meta.get('normalization')), file);
  const coreAt = records.findIndex(({ type }) => type === 'custom');
  if (coreAt < 0) {
    throw new NetvladError('model', `${file} has no pooling layer (type custom): it is a bare backbone.`, {
      hint: 'Networks of the NetVLAD authors are imported here, with VLAD or max pooling in them.',
    });
  }
  const layers: ChainLayer[] = [];
  let channels = 3;
  let headAt = 0;
  for (; headAt < coreAt && !(headAt === coreAt - 1 && isL2(records[headAt], channels)); headAt++) {
    const layer = toChainLayer(records[headAt]!, channels);
    if (layer.kind === 'conv') [channels] = layer.dims;
    layers.push(layer);
  }
  return { layers, head: toHead(records.slice(headAt), channels), mean, netId: textOf(meta.get('netID')) };
}
