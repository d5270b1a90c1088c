/** @file `netvlad model quantize`: a smaller model that passes every check, near to the original, honest about the distance. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkModel } from '../../src/inference/checkModel.ts';
import { findDefaultModel, loadModel } from '../../src/inference/loadModel.ts';
import { computeSha256, readModelFiles, writeModelFiles } from '../../src/inference/modelFiles.ts';
import { encodePng } from '../../src/image/encode.ts';
import { readModel } from '../../src/onnx/readModel.ts';
import { writeModel } from '../../src/onnx/writeModel.ts';
import { writeFileAtomically } from '../../src/writeFileAtomically.ts';
import { runMain } from '../support/runMain.ts';
import { createPatternImage, writeTinyModel } from '../support/tinyModel.ts';

interface Result {
  readonly bytes: { readonly before: number; readonly after: number };
  readonly tensors: number;
  readonly cosine: {
    readonly images: number;
    readonly synthetic: boolean;
    readonly least: number;
    readonly mean: number;
  };
}

describe('model quantize', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'quantize-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('the default model: about four times smaller, near to the original, with its local features, as a checked pair', async () => {
    const out = path.join(folder, 'small.onnx');
    const { code, stdout, stderr } = await runMain(['model', 'quantize', findDefaultModel(), '--out', out, '--json']);
    assert.equal(code, 0, stderr);
    const { bytes, cosine, tensors } = JSON.parse(stdout) as Result;
    assert.equal((await stat(out)).size, bytes.after);
    assert.ok(bytes.before / bytes.after > 3.5, `${bytes.before / bytes.after}`);
    assert.ok(tensors > 20);
    assert.ok(cosine.synthetic && cosine.least > 0.99 && cosine.least <= cosine.mean && cosine.mean < 1);
    assert.doesNotMatch(stderr, /warning/);

    const { manifest } = await readModelFiles(out);
    const original = await readModelFiles(findDefaultModel());
    assert.deepEqual(manifest.quantisation?.from, {
      ...{ name: original.manifest.name, sha256: computeSha256(original.onnx) },
    });
    assert.deepEqual([manifest.input, manifest.local], [original.manifest.input, original.manifest.local]);
    const checks = await checkModel(out);
    assert.ok(
      checks.every(({ ok }) => ok),
      JSON.stringify(checks),
    );
    const model = await loadModel(out);
    const { local } = await model.describe([createPatternImage(1)], { local: true });
    await model.dispose();
    assert.deepEqual([local?.rows, local?.columns, local?.channels], [15, 20, 96]);
  });

  it('measures on given images, and tells what it found in the manifest', async () => {
    const file = await writeTinyModel({ folder });
    for (const seed of [1, 2, 3]) {
      await writeFileAtomically(path.join(folder, 'seen', `${seed}.png`), await encodePng(createPatternImage(seed)));
    }
    const out = path.join(folder, 'tiny_int8.onnx');
    const args = ['--images', path.join(folder, 'seen'), '--count', '2', '--json'];
    const { code, stdout, stderr } = await runMain(['model', 'quantize', file, '--out', out, ...args]);
    assert.equal(code, 0, stderr);
    const { cosine } = JSON.parse(stdout) as Result;
    assert.deepEqual([cosine.images, cosine.synthetic], [2, false]);
    const written = JSON.parse(await readFile(path.join(folder, 'tiny_int8.json'), 'utf8')) as {
      quantisation: unknown;
    };
    assert.deepEqual((written.quantisation as Result).cosine, cosine);
    const info = await runMain(['model', 'info', out]);
    assert.match(info.stdout, /weights +int8.*made of tiny/);
    const again = await runMain(['model', 'quantize', out, '--out', path.join(folder, 'again.onnx')]);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /has int8 weights already/);
  });

  it('warns when descriptors moved far', async () => {
    // One output channel of the first convolution, in which a large weight leaves the small ones a single step.
    const { graph, ...model } = readModel(
      (await readModelFiles(await writeTinyModel({ folder, name: 'spread' }))).onnx,
    );
    const initializers = new Map(graph.initializers);
    for (const [name, tensor] of initializers) {
      if (tensor.type !== 'float' || tensor.dims.length !== 4) continue;
      const inner = tensor.data.length / tensor.dims[0]!;
      initializers.set(name, { ...tensor, data: tensor.data.map((value, i) => (i % inner === 0 ? 40 : value / 8)) });
    }
    const { manifest } = await readModelFiles(path.join(folder, 'spread.onnx'));
    const { input, output, local } = manifest.onnx;
    const onnx = { input, output, ...(local === undefined ? {} : { local }) };
    await writeModelFiles(folder, { ...manifest, onnx }, writeModel({ ...model, graph: { ...graph, initializers } }));
    const out = path.join(folder, 'spread_int8.onnx');
    const run = await runMain(['model', 'quantize', path.join(folder, 'spread.onnx'), '--out', out, '--json']);
    assert.equal(run.code, 0, run.stderr);
    const { least } = (JSON.parse(run.stdout) as Result).cosine;
    assert.ok(least < 0.99, `${least}`);
    assert.match(run.stderr, /the least cosine to the original is 0\.\d+, below 0\.99/);
  });

  it('does not overwrite the model that it reads', async () => {
    const file = await writeTinyModel({ folder, name: 'kept' });
    const { code, stderr } = await runMain(['model', 'quantize', file, '--out', file]);
    assert.equal(code, 2);
    assert.match(stderr, /is the model itself/);
  });
});
