import assert from 'node:assert/strict';
import {
  computeChance,
  computeMap,
  computeRecall,
  keepFirstOfGroup,
  type GroundTruth,
} from '../../src/evaluation/recall.ts';
import { readVectors } from '../support/sharedData.ts';

const toTruth = (rows: readonly (readonly number[])[]): GroundTruth => rows.map((positives) => new Set(positives));

const valuesOf = (byN: Readonly<Record<number, number>>, ns: readonly number[]): number[] => ns.map((n) => byN[n]!);

describe('recall', () => {
  it('reproduces the worked example with both denominators', function () {
    const example = readVectors(this, 'recall') as {
      pred: number[][];
      gt: number[][];
      ks: number[];
      all_queries_denominator: number[];
      only_queries_with_positives: number[];
    };
    const { withTruth, allQueries } = computeRecall(example.pred, toTruth(example.gt), example.ks);
    assert.deepEqual(valuesOf(allQueries, example.ks), example.all_queries_denominator);
    assert.deepEqual(valuesOf(withTruth, example.ks), example.only_queries_with_positives);
  });

  it('reproduces the recall and mAP that mapillary_sls prints for its own example', function () {
    const expected = readVectors(this, 'msls_eval') as Record<string, number>;
    const rankings = [
      [0, 1, 2, 3, 4, 6], // DB6 is misspelt in the original: a row that is nobody's match
      [0, 5, 4, 1, 3, 2],
    ];
    const truth = toTruth([
      [4, 5],
      [0, 1],
    ]);
    const ns = [1, 2, 3, 4, 5, 6];
    const { withTruth } = computeRecall(rankings, truth, ns);
    for (const n of ns) {
      assert.equal(withTruth[n], expected[`recall@${n}`], `recall@${n}`);
      assert.ok(Math.abs(computeMap(rankings, truth, n) - expected[`map@${n}`]!) < 1e-12, `map@${n}`);
    }
  });

  it('counts views of one panorama once, the best one, as Tokyo 24/7 asks', function () {
    const { ids_1based, per_pano, kept } = readVectors(this, 'tokyo_nms') as {
      ids_1based: number[];
      per_pano: number;
      kept: number[];
    };
    const panoramaOf = (id: number): number => Math.floor((id - 1) / per_pano);
    assert.deepEqual(keepFirstOfGroup(ids_1based, panoramaOf), kept);
  });

  it('is NaN, not 0, when there is nothing to divide by', () => {
    const { withTruth, allQueries } = computeRecall([[0]], toTruth([[]]), [1]);
    assert.ok(Number.isNaN(withTruth[1]));
    assert.equal(allQueries[1], 0);
  });
});

describe('chance level', () => {
  const cases = [
    { name: 'one of two, one draw', positives: [[0]], size: 2, n: 1, expected: 1 / 2 },
    { name: 'two of four, two draws: 1 - (2/4)(1/3)', positives: [[0, 1]], size: 4, n: 2, expected: 5 / 6 },
    { name: 'more draws than wrong rows', positives: [[0]], size: 3, n: 3, expected: 1 },
    { name: 'more draws than rows', positives: [[0]], size: 3, n: 20, expected: 1 },
    {
      name: 'the mean over queries with truth',
      positives: [[0], [0, 1], []],
      size: 4,
      n: 1,
      expected: (1 / 4 + 2 / 4) / 2,
    },
  ];
  for (const { name, positives, size, n, expected } of cases) {
    it(name, () => {
      assert.ok(Math.abs(computeChance(toTruth(positives), size, [n])[n]! - expected) < 1e-12);
    });
  }
});
