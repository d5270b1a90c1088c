/** @file A model from its files to descriptors, and every way in which the files can be wrong. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NetvladError } from '../../src/errors.ts';
import { loadModel } from '../../src/inference/loadModel.ts';
import type { ModelManifest } from '../../src/inference/ModelManifest.ts';
import type { OnnxDescriptorModel } from '../../src/inference/OnnxDescriptorModel.ts';
import { dot } from '../../src/math/vectors.ts';
import { createModel } from '../../src/onnx/GraphBuilder.ts';
import type { Graph } from '../../src/onnx/graph.ts';
import { HEAD } from '../../src/onnx/poolingHead.ts';
import { writeModel } from '../../src/onnx/writeModel.ts';
import { computeSha256 } from '../../src/inference/modelFiles.ts';
import { createPatternImage, createTinyGraph, TINY, writeTinyModel } from '../support/tinyModel.ts';

function assertClose(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  assert.ok(worst <= tolerance, `differs by ${worst}`);
}

describe('a descriptor model', () => {
  let folder: string;
  let model: OnnxDescriptorModel;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'model-'));
    model = await loadModel(await writeTinyModel({ folder }));
  });
  after(async () => {
    await model.dispose();
    await rm(folder, { recursive: true });
  });

  it('gives unit descriptors and, on request, unit local features with their grid', async () => {
    const images = [1, 2, 3].map((seed) => createPatternImage(seed));
    const { count, dimension, global, local } = await model.describe(images, { local: true });
    assert.deepEqual([count, dimension, global.length], [3, TINY.dimension, 3 * TINY.dimension]);
    assert.ok(local);
    assert.deepEqual([local.rows, local.columns, local.channels], [6, 8, TINY.channels]);
    assert.equal(local.data.length, 3 * 6 * 8 * TINY.channels);
    const first = global.subarray(0, TINY.dimension);
    assert.ok(Math.abs(dot(first, first) - 1) < 1e-6);
    const location = local.data.subarray(0, TINY.channels);
    assert.ok(Math.abs(dot(location, location) - 1) < 1e-6);
    assert.equal((await model.describe(images)).local, null);
  });

  it('gives a batch of one what it gives the rows of a batch, also beyond the largest batch', async () => {
    const images = Array.from({ length: 70 }, (_unused, seed) => createPatternImage(seed));
    const { global } = await model.describe(images);
    for (const i of [0, 31, 32, 69]) {
      const alone = await model.describe([images[i]!]);
      assertClose(alone.global, global.subarray(i * TINY.dimension, (i + 1) * TINY.dimension), 1e-6);
    }
  });

  it('keeps the order when calls overlap', async () => {
    const images = [5, 6, 7].map((seed) => createPatternImage(seed));
    const together = await Promise.all(images.map((image) => model.describe([image])));
    const whole = await model.describe(images);
    together.forEach(({ global }, i) => {
      assertClose(global, whole.global.subarray(i * TINY.dimension, (i + 1) * TINY.dimension), 1e-6);
    });
  });

  it('stays finite for black, one-pixel and very long images, and gives nothing for nothing', async () => {
    const black = { data: new Uint8Array(30 * 20 * 3), width: 30, height: 20 };
    const { global } = await model.describe([black, createPatternImage(1, 1, 1), createPatternImage(1, 5000, 3)]);
    assert.ok(global.every(Number.isFinite));
    assert.equal((await model.describe([])).count, 0);
  });

  it('takes images of several sizes with resize native and fit', async () => {
    for (const resize of ['native', 'fit'] as const) {
      const other = await loadModel(await writeTinyModel({ folder, name: resize, input: { resize } }));
      const [wide, tall] = [createPatternImage(1, 96, 40), createPatternImage(2, 40, 96)];
      const { global } = await other.describe([wide, tall, wide]);
      const { global: alone, local } = await other.describe([wide], { local: true });
      assert.deepEqual([local?.rows, local?.columns], resize === 'native' ? [5, 12] : [4, 8]); // fit: 64 x 27
      assertClose(global.subarray(2 * TINY.dimension), alone, 1e-6);
      await assert.rejects(other.describe([wide, tall], { local: true }), /several sizes/);
      await other.dispose();
    }
  });

  it('takes either file of the pair', async () => {
    const again = await loadModel(path.join(folder, 'tiny.json'));
    assert.deepEqual(again.manifest, model.manifest);
    assert.equal(again.provider, 'cpu');
    assert.equal(again.providerFallbackReason, null);
    await again.dispose();
  });

  it('says why it falls back, and does not when that is not allowed', async function () {
    const warnings: string[] = [];
    const log = (): undefined => undefined;
    const logger = { debug: log, info: log, error: log, warn: (message: string) => warnings.push(message) };
    const options = { providers: ['cuda', 'cpu'] as const, logger };
    const fallen = await loadModel(path.join(folder, 'tiny.onnx'), options);
    if (fallen.provider === 'cuda') this.skip(); // a machine with a GPU that works has nothing to fall back from
    assert.match(
      fallen.providerFallbackReason ?? '',
      /'cuda' does not work: .*(not installed|no NVIDIA device|not found)/,
    );
    assert.deepEqual(warnings, [fallen.providerFallbackReason]);
    await fallen.dispose();
    await assert.rejects(
      loadModel(path.join(folder, 'tiny.onnx'), { ...options, allowFallback: false }),
      (error) =>
        error instanceof NetvladError && error.code === 'environment' && error.hint?.includes('switched off') === true,
    );
  });
});

/** Rewrites the manifest of a fresh model. */
async function editManifest(
  model: string,
  edit: (manifest: Record<string, Record<string, unknown>>) => void,
): Promise<void> {
  const file = model.replace('.onnx', '.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Record<string, Record<string, unknown>>;
  edit(manifest);
  await writeFile(file, JSON.stringify(manifest));
}

/** Puts another graph under the manifest of a fresh model, with the right checksum. */
async function replaceGraph(model: string, graph: Graph): Promise<void> {
  const bytes = writeModel(createModel(graph));
  await writeFile(model, bytes);
  await editManifest(model, (manifest) => {
    manifest.onnx!.sha256 = computeSha256(bytes);
  });
}

const onnxOf = (manifest: Record<string, Record<string, unknown>>): Record<string, unknown> => manifest.onnx!;

const FAULTS: readonly {
  readonly what: string;
  readonly harm: (model: string) => Promise<unknown>;
  readonly message: RegExp;
}[] = [
  {
    what: 'no network',
    harm: (model) => rename(model, `${model}.away`),
    message: /tiny\.onnx: there is no such file/,
  },
  {
    what: 'no manifest',
    harm: (model) => rm(model.replace('.onnx', '.json')),
    message: /tiny\.json: there is no such file/,
  },
  {
    what: 'a pipe for a network',
    harm: (model) => rm(model).then(() => execFileSync('mkfifo', [model])),
    message: /tiny\.onnx: it is no file/,
  },
  {
    what: 'a truncated network',
    harm: (model) => truncate(model, 100),
    message: /expects sha256 [0-9a-f]{64}, the file has [0-9a-f]{64}/,
  },
  {
    what: 'a manifest that is not JSON',
    harm: (model) => writeFile(model.replace('.onnx', '.json'), '{'),
    message: /tiny\.json is not JSON/,
  },
  {
    what: 'a manifest without a field',
    harm: (model) => editManifest(model, (manifest) => delete manifest.input!.height),
    message: /height/,
  },
  {
    what: 'a network outside the folder',
    harm: (model) => editManifest(model, (manifest) => (onnxOf(manifest).file = '../tiny.onnx')),
    message: /'\.\.\/tiny\.onnx' leaves the manifest's folder/,
  },
  {
    what: 'another input name',
    harm: (model) => editManifest(model, (manifest) => (onnxOf(manifest).input = 'pixels')),
    message: /expected input 'pixels' float32 \[n, 3, 48, 64\], received 'image' float32/,
  },
  {
    what: 'another output name',
    harm: (model) => editManifest(model, (manifest) => (onnxOf(manifest).output = 'global')),
    message: /expected output 'global' float32 \[n, 32\], received 'descriptor' float32 \[n, 32\], 'local'/,
  },
  {
    what: 'another dimension',
    harm: (model) => editManifest(model, (manifest) => (manifest.descriptor!.dimension = 960)),
    message: /expected output 'descriptor' float32 \[n, 960\], received 'descriptor' float32 \[n, 32\]/,
  },
  {
    what: 'bytes that are no network, with the right checksum',
    harm: async (model) => {
      await writeFile(model, 'not a network');
      await editManifest(
        model,
        (manifest) => (onnxOf(manifest).sha256 = computeSha256(new TextEncoder().encode('not a network'))),
      );
    },
    message: /ONNX Runtime does not accept the model/,
  },
];

describe('loadModel refuses', () => {
  let folder: string;
  let model: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'model-'));
    model = await writeTinyModel({ folder });
  });
  afterEach(() => rm(folder, { recursive: true }));

  for (const { what, harm, message } of FAULTS) {
    it(what, async () => {
      await harm(model);
      await assert.rejects(loadModel(model), (error) => {
        assert.ok(error instanceof NetvladError, String(error));
        assert.equal(error.code, 'model');
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('weights that are NaN, at the first image', async () => {
    const graph = createTinyGraph();
    const initializers = new Map(graph.initializers);
    const weights = initializers.get(HEAD.weights)!;
    initializers.set(HEAD.weights, {
      type: 'float',
      dims: weights.dims,
      data: new Float32Array(weights.data.length).fill(Number.NaN),
    });
    await replaceGraph(model, { ...graph, initializers });
    const loaded = await loadModel(model);
    await assert.rejects(loaded.describe([createPatternImage(1)]), /NaN or infinite/);
    await loaded.dispose();
  });

  it('a grid of local features that the network does not have', async () => {
    await editManifest(model, (manifest) => {
      (manifest as unknown as { local: ModelManifest['local'] }).local = { rows: 5, columns: 8, channels: 8 };
    });
    const loaded = await loadModel(model);
    await assert.rejects(
      loaded.describe([createPatternImage(1)], { local: true }),
      /expected local features \[n, 5 \* 8/,
    );
    await loaded.dispose();
  });
});
