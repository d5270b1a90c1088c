/** @file Foreign networks become models that pass the same checks as ours. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkModel } from '../../src/inference/checkModel.ts';
import { createModel, GraphBuilder } from '../../src/onnx/GraphBuilder.ts';
import { floatTensor } from '../../src/onnx/graph.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import { writeModel } from '../../src/onnx/writeModel.ts';
import { importModel, type ImportRequest } from '../../src/training/importModel.ts';

/** image -> 4-channel map at stride 8 -> average -> `embedding` [n, 4], not of unit length. */
function createForeign(): OnnxModel {
  const builder = new GraphBuilder();
  const image = builder.input('pixel_values', [1, 3, 32, 32]);
  const weights = Float32Array.from({ length: 4 * 3 * 64 }, (_unused, i) => Math.sin(i));
  const w = builder.initializer('conv.weight', floatTensor(weights, [4, 3, 8, 8]));
  const map = builder.op('Conv', [image, w], { kernel_shape: [8, 8], strides: [8, 8] }, 'features');
  const pooled = builder.op('GlobalAveragePool', [map]);
  builder.op('Flatten', [pooled], { axis: 1 }, 'embedding');
  builder.output('embedding', ['n', 4]);
  return createModel(builder.build('foreign'));
}

describe('importModel', () => {
  let folder: string;
  let file: string;
  let base: ImportRequest;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'import-'));
    file = path.join(folder, 'foreign.onnx');
    const model = createForeign();
    const [input] = model.graph.inputs;
    await writeFile(file, writeModel(model));
    const dynamic = { ...model.graph, inputs: [{ ...input!, dims: ['n', 3, 'h', 'w'] }] };
    await writeFile(path.join(folder, 'dynamic.onnx'), writeModel({ ...model, graph: dynamic }));
    await writeFile(path.join(folder, 'old.onnx'), writeModel({ ...model, graph: dynamic, opset: 11 }));
    base = {
      ...{ file, out: path.join(folder, 'out', 'mine.onnx'), backbone: 'onnx', pooling: 'gem' },
      ...{ input: { width: 40, height: 32 }, weightsFrom: 'a test', licence: 'MIT' },
    };
  });
  after(() => rm(folder, { recursive: true }));

  it('pools a dense map and frees the batch and the size that were fixed', async () => {
    const { manifest, manifestPath } = await importModel({ ...base, map: 'features' });
    assert.deepEqual(manifest.descriptor, { dimension: 4, pooling: 'gem', clusters: null, whitening: null });
    assert.deepEqual(manifest.local, { rows: 4, columns: 5, channels: 4 });
    assert.equal(manifest.onnx.input, 'pixel_values');
    const checks = await checkModel(manifestPath);
    assert.ok(
      checks.every(({ ok }) => ok),
      JSON.stringify(checks),
    );
  });

  it('takes a descriptor as it is, normalised where it was not', async () => {
    const request = { ...base, file: path.join(folder, 'dynamic.onnx'), descriptor: 'embedding' };
    const { manifest, manifestPath } = await importModel(request);
    assert.deepEqual([manifest.onnx.output, manifest.descriptor.pooling], ['unit_descriptor', 'other']);
    const checks = await checkModel(manifestPath);
    assert.ok(
      checks.every(({ ok }) => ok),
      JSON.stringify(checks),
    );
  });

  it('tells by the shape of the only output what it is', async () => {
    const { manifest } = await importModel({ ...base, file: path.join(folder, 'dynamic.onnx') });
    assert.equal(manifest.backbone.cut, 'embedding');
    const { graph } = createForeign();
    const only = (name: string, dims: readonly (string | number)[]): Promise<void> => {
      const outputs = [{ name, type: 'float' as const, dims }];
      return writeFile(path.join(folder, `${name}.onnx`), writeModel(createModel({ ...graph, outputs })));
    };
    await only('features', ['n', 4, 'rows', 'columns']);
    const dense = await importModel({ ...base, file: path.join(folder, 'features.onnx') });
    assert.deepEqual([dense.manifest.backbone.cut, dense.manifest.descriptor.pooling], ['features', 'gem']);
    const both = [...graph.outputs, { name: 'features', type: 'float' as const, dims: ['n', 4, 'rows', 'columns'] }];
    await writeFile(path.join(folder, 'both.onnx'), writeModel(createModel({ ...graph, outputs: both })));
    await assert.rejects(
      importModel({ ...base, file: path.join(folder, 'both.onnx') }),
      /not clear: its outputs are embedding \[.*\], features \[.*\]/,
    );
  });

  for (const { what, change, message } of [
    {
      what: 'both map and descriptor',
      change: { map: 'features', descriptor: 'embedding' },
      message: /give one of them/,
    },
    { what: 'an unknown map', change: { map: 'nothing' }, message: /foreign\.onnx has no tensor 'nothing'/ },
    {
      what: 'an unknown output',
      change: { descriptor: 'features' },
      message: /no output 'features'; it has embedding/,
    },
  ]) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(importModel({ ...base, ...change }), message);
    });
  }

  it('refuses an operator set that no head fits', async () => {
    const request = { ...base, file: path.join(folder, 'old.onnx'), map: 'features' };
    await assert.rejects(importModel(request), /old\.onnx uses ONNX operator set 11; 13 to 17/);
  });
});
