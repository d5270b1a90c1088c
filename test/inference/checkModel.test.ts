/** @file `checkModel` passes what holds and fails what does not; `readModelInfo` counts what is there. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkModel } from '../../src/inference/checkModel.ts';
import { findDefaultModel, loadModel } from '../../src/inference/loadModel.ts';
import { computeSha256 } from '../../src/inference/modelFiles.ts';
import { formatModelInfo, readModelInfo } from '../../src/inference/modelInfo.ts';
import { dot } from '../../src/math/vectors.ts';
import { createModel, GraphBuilder } from '../../src/onnx/GraphBuilder.ts';
import type { Graph } from '../../src/onnx/graph.ts';
import { writeModel } from '../../src/onnx/writeModel.ts';
import { createPatternImage, createTinyGraph, writeTinyModel } from '../support/tinyModel.ts';

/** Puts a changed graph under the manifest of a tiny model. */
async function writeChanged(folder: string, change: (graph: Graph) => Graph): Promise<string> {
  const model = await writeTinyModel({ folder });
  const bytes = writeModel(createModel(change(createTinyGraph())));
  await writeFile(model, bytes);
  const manifestPath = model.replace('.onnx', '.json');
  const manifest = JSON.parse(await readFile(manifestPath, 'utf8')) as { onnx: { sha256: string } };
  manifest.onnx.sha256 = computeSha256(bytes);
  await writeFile(manifestPath, JSON.stringify(manifest));
  return model;
}

/** The graph with its descriptor called `unit`, open for one more operator that makes another `descriptor`. */
function reopen(graph: Graph): GraphBuilder {
  const rename = (name: string): string => (name === 'descriptor' ? 'unit' : name);
  const nodes = graph.nodes.map((node) => node.with({ name: rename(node.name), outputs: node.outputs.map(rename) }));
  const builder = new GraphBuilder({ prefix: 'more/', graph: { ...graph, nodes } });
  for (const output of graph.outputs) builder.output(output.name, output.dims);
  return builder;
}

/** The descriptor times two: no longer of unit length. */
function doubled(graph: Graph): Graph {
  const builder = reopen(graph);
  builder.op('Mul', ['unit', builder.scalar(2)], {}, 'descriptor');
  return builder.build('doubled');
}

/** The descriptor minus half the mean of its batch: a row depends on its neighbours. */
function batchDependent(graph: Graph): Graph {
  const builder = reopen(graph);
  const mean = builder.op('ReduceMean', ['unit'], { axes: [0], keepdims: 1 });
  const moved = builder.op('Sub', ['unit', builder.op('Mul', [mean, builder.scalar(0.5)])]);
  builder.op('LpNormalization', [moved], { axis: -1, p: 2 }, 'descriptor');
  return builder.build('batch');
}

describe('checkModel', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'check-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('passes a good model, with and without local features', async () => {
    for (const local of [true, false]) {
      const checks = await checkModel(await writeTinyModel({ folder, local }));
      assert.equal(checks.length, 6);
      assert.deepEqual(
        checks.filter(({ ok }) => !ok),
        [],
      );
    }
  });

  for (const { change, fails } of [
    { change: doubled, fails: ['descriptors have unit length'] },
    { change: batchDependent, fails: ['a batch of one is a row of a batch'] },
  ]) {
    it(`fails: ${fails.join()}`, async () => {
      const checks = await checkModel(await writeChanged(folder, change));
      assert.deepEqual(
        checks.filter(({ ok }) => !ok).map(({ name }) => name),
        fails,
      );
    });
  }

  it('tells what is wrong with files that do not even open', async () => {
    const checks = await checkModel(path.join(folder, 'none.onnx'));
    assert.deepEqual([checks.length, checks[0]!.ok], [1, false]);
    assert.match(checks[0]!.detail, /none\.onnx: there is no such file/);
  });
});

describe('readModelInfo', () => {
  it('counts nodes and parameters', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'info-'));
    const info = await readModelInfo(await writeTinyModel({ folder }));
    assert.equal(info.operators.Conv, 2);
    assert.equal(info.nodes, createTinyGraph().nodes.length);
    // two convolutions, assignment weights and bias, centres, and the scalar 1e-12 of the normalisations
    assert.equal(info.parameters, 8 * 3 * 25 + 8 * 8 * 9 + 4 * 8 + 4 + 4 * 8 + 1);
    assert.match(formatModelInfo(info), /descriptor +32 dimensions, netvlad, 4 clusters/);
    await rm(folder, { recursive: true });
  });
});

describe('the default model', () => {
  it('passes every check', async () => {
    assert.deepEqual(
      (await checkModel(findDefaultModel())).filter(({ ok }) => !ok),
      [],
    );
  });

  it('describes 320 x 240 by 960 numbers and a grid of 15 x 20 local features of 96 channels', async () => {
    const model = await loadModel(findDefaultModel());
    const { dimension, local, global } = await model.describe([createPatternImage(1, 640, 480)], { local: true });
    assert.deepEqual([dimension, local?.rows, local?.columns, local?.channels], [960, 15, 20, 96]);
    assert.ok(Math.abs(dot(global, global) - 1) < 1e-5);
    await model.dispose();
  });
});
