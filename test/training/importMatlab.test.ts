/** @file Networks of the NetVLAD authors (MatConvNet): what they compute after the import is what their layers are defined to compute. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadModel } from '../../src/inference/loadModel.ts';
import type { AffineProjection } from '../../src/math/pca.ts';
import { project } from '../../src/math/pca.ts';
import { createRandom } from '../../src/math/random.ts';
import { l2Normalize, l2NormalizeRows } from '../../src/math/vectors.ts';
import { netvladForward } from '../../src/netvlad/netvlad.ts';
import type { NetvladParameters } from '../../src/netvlad/NetvladParameters.ts';
import { maxPool as poolMaxima } from '../../src/netvlad/pooling.ts';
import { readMatconvnet } from '../../src/training/readMatconvnet.ts';
import { matWriter } from '../support/matBytes.ts';
import { runMain } from '../support/runMain.ts';

/** [channels, height, width] */
interface FeatureMap {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float64Array;
}

interface Convolution {
  /** [out, in, height, width] */
  readonly dims: readonly [number, number, number, number];
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  readonly stride: readonly [number, number];
  /** [top, bottom, left, right] */
  readonly pad: readonly [number, number, number, number];
}

const at = ({ height, width, data }: FeatureMap, c: number, y: number, x: number): number | undefined =>
  y < 0 || x < 0 || y >= height || x >= width ? undefined : data[(c * height + y) * width + x]!;

function fill(
  [channels, height, width]: readonly [number, number, number],
  value: (c: number, y: number, x: number) => number,
): FeatureMap {
  const data = new Float64Array(channels * height * width);
  for (let i = 0; i < data.length; i++) {
    data[i] = value(Math.floor(i / height / width), Math.floor(i / width) % height, i % width);
  }
  return { channels, height, width, data };
}

/** vl_nnconv with filter groups. */
function convolve(map: FeatureMap, { dims, weights, bias, stride, pad }: Convolution): FeatureMap {
  const [outputs, inputs, kh, kw] = dims;
  const perGroup = outputs / (map.channels / inputs);
  const size = (length: number, kernel: number, padding: number, step: number): number =>
    Math.floor((length + padding - kernel) / step) + 1;
  const height = size(map.height, kh, pad[0] + pad[1], stride[0]);
  const width = size(map.width, kw, pad[2] + pad[3], stride[1]);
  return fill([outputs, height, width], (o, y, x) => {
    let sum: number = bias[o]!;
    const first = Math.floor(o / perGroup) * inputs;
    for (let i = 0; i < inputs; i++) {
      for (let v = 0; v < kh; v++) {
        for (let u = 0; u < kw; u++) {
          const pixel = at(map, first + i, y * stride[0] + v - pad[0], x * stride[1] + u - pad[2]) ?? 0;
          sum += pixel * weights[((o * inputs + i) * kh + v) * kw + u]!;
        }
      }
    }
    return sum;
  });
}

/** vl_nnpool 3 x 3, stride 2, one row and column of padding at the end: Caffe's rounding up, as AlexNet's files have it. */
const poolByThree = (map: FeatureMap): FeatureMap =>
  fill([map.channels, Math.floor((map.height - 2) / 2) + 1, Math.floor((map.width - 2) / 2) + 1], (c, y, x) => {
    const window = [0, 1, 2].flatMap((v) => [0, 1, 2].map((u) => at(map, c, 2 * y + v, 2 * x + u) ?? -Infinity));
    return Math.max(...window);
  });

/** vl_nnnormalize with [N kappa alpha beta] over a window of channels. */
const normalize = (
  map: FeatureMap,
  [size, kappa, alpha, beta]: readonly [number, number, number, number],
): FeatureMap =>
  fill([map.channels, map.height, map.width], (c, y, x) => {
    let sum = 0;
    for (let i = c - Math.floor((size - 1) / 2); i <= c + Math.ceil((size - 1) / 2); i++) {
      if (i >= 0 && i < map.channels) sum += at(map, i, y, x)! ** 2;
    }
    return at(map, c, y, x)! / (kappa + alpha * sum) ** beta;
  });

/** [locations, channels]: rows of the map run along its width. */
function toFeatures({ channels, height, width, data }: FeatureMap): Float64Array {
  const locations = height * width;
  return Float64Array.from(
    { length: data.length },
    (_, i) => data[(i % channels) * locations + Math.floor(i / channels)]!,
  );
}

const random = createRandom(7);
const normals = (count: number, scale = 1): Float32Array =>
  Float32Array.from({ length: count }, () => scale * random.normal());

const [CHANNELS, CLUSTERS, DIMENSION] = [6, 3, 5] as const;
const LRN = [3, 2, 0.01, 0.75] as const;
const MEAN = [123.7, 116.8, 103.9] as const;
const SIZE = { width: 21, height: 18 };

const CONV1: Convolution = {
  ...{ dims: [4, 3, 3, 2], weights: normals(72, 0.05), bias: normals(4), stride: [1, 2], pad: [1, 0, 2, 1] },
};
/** Two groups: each half of the filters sees half of the channels. */
const CONV2: Convolution = {
  ...{
    dims: [CHANNELS, 2, 3, 3],
    weights: normals(108, 0.2),
    bias: normals(CHANNELS),
    stride: [1, 1],
    pad: [1, 1, 1, 1],
  },
};
const PARAMETERS: NetvladParameters = {
  ...{ clusters: CLUSTERS, dimension: CHANNELS, bias: new Float64Array(CLUSTERS) },
  weights: Float64Array.from(normals(CLUSTERS * CHANNELS, 3)),
  centres: Float64Array.from(normals(CLUSTERS * CHANNELS, 0.4)),
};
const whiteningOf = (inputDimension: number): AffineProjection => ({
  ...{ inputDimension, outputDimension: DIMENSION },
  weights: normals(DIMENSION * inputDimension),
  bias: Float64Array.from(normals(DIMENSION, 0.2)),
});
const WHITENING = whiteningOf(CLUSTERS * CHANNELS);
const MAX_WHITENING = whiteningOf(CHANNELS);

const write = matWriter('little');
const scalar = (...values: number[]): Buffer => write.numbers('', [1, values.length], values);

/** [out, in, height, width] row-major to H x W x in x out column-major. */
function toMatlabOrder([outputs, inputs, height, width]: Convolution['dims'], weights: ArrayLike<number>): number[] {
  const values: number[] = [];
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++)
      for (let x = 0; x < width; x++)
        for (let y = 0; y < height; y++) values.push(weights[((o * inputs + i) * height + y) * width + x]!);
  return values;
}

const layer = (type: string, name: string, fields: Record<string, Buffer> = {}): Buffer =>
  write.structure('', { type: write.text('', type), name: write.text('', name), ...fields });

function convolution(name: string, { dims, weights, bias, stride, pad }: Convolution): Buffer {
  const [outputs, inputs, height, width] = dims;
  const arrays = [
    write.singles('', [height, width, inputs, outputs], toMatlabOrder(dims, weights)),
    write.singles('', [1, outputs], bias),
  ];
  return layer('conv', name, {
    ...{ weights: write.cells('', [1, 2], arrays), stride: scalar(...stride), pad: scalar(...pad) },
  });
}

/** The authors count the descriptor's dimensions k + K d. */
function whitening({ weights, bias, inputDimension }: AffineProjection, clusters: number): Buffer {
  const channels = inputDimension / clusters;
  const values = Array.from({ length: weights.length }, (_, i) => {
    const [row, j] = [Math.floor(i / inputDimension), i % inputDimension];
    return weights[row * inputDimension + Math.floor(j / clusters) + channels * (j % clusters)]!;
  });
  const arrays = [
    write.singles('', [1, 1, inputDimension, DIMENSION], values),
    write.singles('', [DIMENSION, 1], bias),
  ];
  return layer('conv', 'WPCA', { weights: write.cells('', [1, 2], arrays), stride: scalar(1), pad: scalar(0) });
}

const l2 = (name: string): Buffer => layer('normalize', name, { param: scalar(2 * CHANNELS, 1e-12, 1, 0.5) });

function vlad(bias?: readonly number[]): Buffer {
  const { weights, centres } = PARAMETERS;
  const dims = [1, 1, CHANNELS, CLUSTERS];
  const arrays = [
    write.singles('', dims, weights),
    ...(bias === undefined ? [] : [write.singles('', [1, CLUSTERS], bias)]),
    write.singles(
      '',
      dims,
      centres.map((c) => -c),
    ),
  ];
  return layer('custom', 'vlad:core', { weights: write.cells('', [1, arrays.length], arrays) });
}

/** Pooling before the ReLU, as the authors' code exchanges them, and AlexNet's normalisation. */
const BACKBONE = [
  convolution('conv1', CONV1),
  layer('pool', 'pool1', {
    method: write.text('', 'max'),
    pool: scalar(3, 3),
    stride: scalar(2),
    pad: scalar(0, 1, 0, 1),
  }),
  layer('relu', 'relu1', { leak: scalar(0) }),
  layer('normalize', 'norm1', { param: scalar(...LRN) }),
  convolution('conv2', CONV2),
];
const VLAD = [l2('preL2'), vlad(), l2('vlad:intranorm'), layer('custom', 'postL2')];
const WHITENED = [whitening(WHITENING, CLUSTERS), layer('custom', 'finalL2')];

function networkFile(layers: readonly Buffer[]): Buffer {
  const normalization = write.structure('', { averageImage: write.singles('', [1, 1, 3], MEAN) });
  const meta = write.structure('', { normalization, netID: write.text('', 'caffe') });
  return write.file(write.structure('net', { layers: write.cells('', [1, layers.length], [...layers]), meta }));
}

const image = { data: Uint8Array.from({ length: 3 * SIZE.width * SIZE.height }, () => random.int(256)), ...SIZE };

function expectedMap(): FeatureMap {
  const centred = fill([3, SIZE.height, SIZE.width], (c, y, x) => image.data[(y * SIZE.width + x) * 3 + c]! - MEAN[c]!);
  const pooled = poolByThree(convolve(centred, CONV1));
  const rectified = { ...pooled, data: pooled.data.map((value) => Math.max(value, 0)) };
  return convolve(normalize(rectified, LRN), CONV2);
}

describe('models of the NetVLAD authors', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'matlab-'));
  });
  after(() => rm(folder, { recursive: true }));

  const run = async (bytes: Buffer, ...more: string[]): ReturnType<typeof runMain> => {
    const file = path.join(folder, 'net.mat');
    await writeFile(file, bytes);
    const size = ['--width', String(SIZE.width), '--height', String(SIZE.height)];
    const out = path.join(folder, 'imported.onnx');
    return runMain(['model', 'import', file, '--from', 'matlab', '--out', out, '--licence', 'MIT', ...size, ...more]);
  };

  const bias = [0.5, -0.25, 0.125];
  const vladFeatures = l2NormalizeRows(toFeatures(expectedMap()), CHANNELS);
  const vladDescriptor = netvladForward(vladFeatures, PARAMETERS).descriptor;
  for (const { what, layers, expected } of [
    {
      what: 'VLAD, whitening',
      layers: [...BACKBONE, ...VLAD, ...WHITENED],
      expected: project(WHITENING, vladDescriptor),
    },
    { what: 'VLAD', layers: [...BACKBONE, ...VLAD], expected: vladDescriptor },
    {
      what: 'VLAD with biases (vladv2)',
      layers: [...BACKBONE, l2('preL2'), vlad(bias), l2('vlad:intranorm'), layer('custom', 'postL2')],
      expected: netvladForward(vladFeatures, { ...PARAMETERS, bias: Float64Array.from(bias) }).descriptor,
    },
    {
      what: 'max pooling, whitening',
      layers: [
        ...[...BACKBONE, layer('custom', 'max:core'), layer('custom', 'postL2')],
        ...[whitening(MAX_WHITENING, 1), layer('custom', 'finalL2')],
      ],
      expected: project(MAX_WHITENING, l2Normalize(poolMaxima(toFeatures(expectedMap()), CHANNELS))),
    },
  ]) {
    it(`${what}: equals the layers' definitions and the reference, through the command`, async () => {
      const { code, stderr } = await run(networkFile(layers));
      assert.equal(code, 0, stderr);
      const model = await loadModel(path.join(folder, 'imported.onnx'));
      try {
        const { global } = await model.describe([image]);
        assert.equal(global.length, expected.length);
        expected.forEach((value, i) => {
          assert.ok(Math.abs(global[i]! - value) < 1e-5, `${i}: ${global[i]!} is not ${value}`);
        });
      } finally {
        await model.dispose();
      }
    });
  }

  it('the manifest says what the file said', async () => {
    const { code, stderr } = await run(networkFile([...BACKBONE, ...VLAD, ...WHITENED]));
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /licence/);
    const manifest = JSON.parse(await readFile(path.join(folder, 'imported.json'), 'utf8')) as Record<string, unknown>;
    const mean = [...Float32Array.from(MEAN)];
    assert.deepEqual(manifest.input, {
      ...{ ...SIZE, resize: 'stretch', kernel: 'linear', colour: 'rgb', scale: 1, mean, std: [1, 1, 1] },
    });
    assert.deepEqual(manifest.descriptor, {
      ...{ dimension: 5, pooling: 'netvlad', clusters: 3, whitening: 'as published, 5 of 18 dimensions' },
    });
    assert.deepEqual(manifest.backbone, { name: 'caffe', cut: 'conv2', weightsFrom: 'net.mat', licence: 'MIT' });
    assert.deepEqual(manifest.local, { rows: 8, columns: 6, channels: CHANNELS });
  });

  it('a licence that is not named is unknown, and that is said', async () => {
    const file = path.join(folder, 'net.mat');
    await writeFile(file, networkFile([...BACKBONE, ...VLAD]));
    const out = path.join(folder, 'bare.onnx');
    const { code, stderr } = await runMain([
      'model',
      'import',
      file,
      '--from',
      'matlab',
      '--out',
      out,
      '--width',
      '40',
      '--height',
      '40',
    ]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /licence 'unknown'/);
  });

  for (const { what, bytes, message } of [
    {
      what: 'version 7.3',
      bytes: Buffer.from('MATLAB 7.3 MAT-file, Platform: GLNXA64'.padEnd(600)),
      message: /version 7\.3 \(HDF5\)[^]*-v7/,
    },
    {
      what: 'layers that are objects of classes',
      bytes: networkFile([...BACKBONE, l2('preL2'), write.object()]),
      message: /layer 7 is an object of a MATLAB class[^]*struct\(net\.layers\{i\}\)/,
    },
    { what: 'a bare backbone', bytes: networkFile(BACKBONE), message: /no pooling layer/ },
    {
      what: 'VLAD without L2 before it',
      bytes: networkFile([...BACKBONE, ...VLAD.slice(1)]),
      message: /layer 6 'vlad:core' \(custom\) pools features that are not of unit length/,
    },
    {
      what: 'VLAD without intra-normalisation',
      bytes: networkFile([...BACKBONE, ...VLAD.slice(0, 2), ...VLAD.slice(3)]),
      message: /layer 8 'postL2' \(custom\) is not the expected intra-normalisation/,
    },
    {
      what: 'a whitening of other dimensions',
      bytes: networkFile([...BACKBONE, ...VLAD, whitening(MAX_WHITENING, 1), layer('custom', 'finalL2')]),
      message: /'WPCA' \(conv\) has 30 weights, expected 18 x 5/,
    },
    {
      what: 'an unknown layer',
      bytes: networkFile([layer('bnorm', 'bn1'), ...BACKBONE, ...VLAD]),
      message: /layer 1 'bn1' \(bnorm\) is not supported in a backbone/,
    },
    { what: 'other variables', bytes: write.file(scalar(1)), message: /holds no network net\.layers/ },
  ]) {
    it(`refuses ${what}`, async () => {
      const { code, stderr } = await run(bytes);
      assert.equal(code, 3, stderr);
      assert.match(stderr, message);
    });
  }

  it('refuses to choose what the file says itself', async () => {
    const { code, stderr } = await run(networkFile([...BACKBONE, ...VLAD]), '--pooling', 'gem');
    assert.equal(code, 2);
    assert.match(stderr, /--pooling has no meaning with --from matlab/);
  });

  it('takes a whole mean image by its first pixel, as the authors do', () => {
    const averageImage = write.singles('', [2, 2, 3], [1, 9, 9, 9, 2, 9, 9, 9, 3, 9, 9, 9]);
    const meta = write.structure('', { normalization: write.structure('', { averageImage }) });
    const layers = [...BACKBONE, ...VLAD];
    const net = write.structure('net', { layers: write.cells('', [1, layers.length], layers), meta });
    assert.deepEqual(readMatconvnet(write.file(net), 'net.mat').mean, [1, 2, 3]);
  });
});
