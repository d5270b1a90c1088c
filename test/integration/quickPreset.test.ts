/**
 * @file The quick preset from nothing to a number, as config/train/quick.yaml says it: town, training, export, map,
 * evaluation. What was learned on some districts must show at night in others.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { EvaluationDocument } from '../../src/evaluation/EvaluationDocument.ts';
import { fetchBackboneWeights } from '../support/backboneWeights.ts';
import { runNetvlad } from '../support/runNetvlad.ts';

const TOWN = ['--seed', '7', '--districts', '4', '--test-districts', '2', '--frames', '60', '--size', '320x240'];
const CONFIG = 'config/train/quick.yaml';

function sayRecall({ recall, recallInterval95: { 1: interval } }: EvaluationDocument): string {
  return `${recall[1]!.toFixed(3)} (${interval!.low.toFixed(3)} to ${interval!.high.toFixed(3)})`;
}

describe('the quick preset', function () {
  this.timeout(600_000);
  let folder: string;
  const at = (...parts: string[]): string => path.join(folder, ...parts);

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'quick-'));
  });
  after(() => rm(folder, { recursive: true }));

  async function netvlad(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await runNetvlad(args);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  /** Night queries against a day database, in the test districts. */
  async function evaluateAtNight(run: string): Promise<EvaluationDocument> {
    const model = ['--model', at(run, 'model', 'netvlad_quick.onnx')];
    const map = at(`${run}.vprmap`);
    await netvlad('map', 'build', at('town'), '--role', 'test_database', ...model, '--no-thumbnails', '--out', map);
    const queries = ['--queries', at('town'), '--role', 'test_query', '--condition', 'night'];
    // the descriptor alone: no candidate is moved by its geometry
    return JSON.parse(
      await netvlad('evaluate', '--map', map, ...queries, ...model, '--verify', '0', '--json'),
    ) as EvaluationDocument;
  }

  it('trained on some districts, recognises others at night far better than before', async function () {
    await fetchBackboneWeights(this);
    await netvlad('simulate', ...TOWN, '--conditions', 'day,night', '--out', at('town'));
    const data = ['--config', CONFIG, '--data', at('town'), '--cache', at('cache')];
    await netvlad('train', ...data, '--role', 'train_database', '--epochs', '0', '--out', at('start'));
    await netvlad('train', ...data, '--out', at('trained'));
    const before = await evaluateAtNight('start');
    const after = await evaluateAtNight('trained');
    const numbers = `R@1 and its interval ${sayRecall(before)} before, ${sayRecall(after)} after`;
    assert.equal(after.queriesWithTruth, 120);
    assert.ok(after.recall[1]! >= before.recall[1]! + 0.2, numbers);
    assert.ok(after.recallInterval95[1]!.low > before.recallInterval95[1]!.high, numbers);
  });
});
