import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  computeFrameTruth,
  computeLabelTruth,
  computeRadiusTruth,
  type PlanarPosition,
} from '../../src/evaluation/groundTruth.ts';
import { computePairTruth, parsePairs } from '../../src/evaluation/pairs.ts';
import { computeChance, type GroundTruth } from '../../src/evaluation/recall.ts';
import { parseNpz, type NumberArray } from '../../src/math/npy.ts';
import { readVectors, sharedPath } from '../support/sharedData.ts';

const rowsOf = (truth: GroundTruth): number[][] => truth.map((rows) => [...rows].sort((a, b) => a - b));

function toPositions({ shape, data }: NumberArray, round: (value: number) => number): PlanarPosition[] {
  return Array.from({ length: shape[0]! }, (_, row) => ({ x: round(data[2 * row]!), y: round(data[2 * row + 1]!) }));
}

interface DatasetFacts {
  queries: number;
  database: number;
  positives_10m_total: number;
  positives_25m_total: number;
  queries_without_10m: number;
  'chance_R@1': number;
  'chance_R@5': number;
  'chance_R@10': number;
  'chance_R@20': number;
}

const DATASETS = [
  { file: 'pitts30k_test.npz', facts: 'gt_pitts30k_test', float32Key: 'pitts30k_test_25m_pairs_float32' },
  { file: 'tokyo247.npz', facts: 'gt_tokyo247', float32Key: 'tokyo247_25m_pairs_float32' },
] as const;

describe('ground truth by radius', () => {
  for (const { file, facts, float32Key } of DATASETS) {
    it(`finds the published pairs of ${file}, and shows why UTM stays float64`, function () {
      this.timeout(30_000);
      const expected = readVectors(this, facts) as DatasetFacts;
      const arrays = parseNpz(readFileSync(sharedPath(this, 'reference', file)));
      const pairsWithin = (radiusM: number, round: (value: number) => number): GroundTruth =>
        computeRadiusTruth(toPositions(arrays.get('utmQ')!, round), toPositions(arrays.get('utmDb')!, round), radiusM);
      const count = (truth: GroundTruth): number => truth.reduce((sum, rows) => sum + rows.size, 0);
      const exact = (value: number): number => value;

      const within25 = pairsWithin(25, exact);
      const within10 = pairsWithin(10, exact);
      assert.equal(within25.length, expected.queries);
      assert.equal(arrays.get('utmDb')!.shape[0], expected.database);
      assert.equal(count(within25), expected.positives_25m_total);
      assert.equal(count(within10), expected.positives_10m_total);
      assert.equal(within10.filter((rows) => rows.size === 0).length, expected.queries_without_10m);
      const chance = computeChance(within25, expected.database);
      for (const n of [1, 5, 10, 20] as const) {
        assert.ok(Math.abs(chance[n]! - expected[`chance_R@${n}`]) < 1e-12, `chance R@${n}`);
      }
      const float32 = (readVectors(this, 'utm_float32') as Record<string, number>)[float32Key];
      assert.equal(count(pairsWithin(25, Math.fround)), float32);
    });
  }

  it('includes the border, and gives images without position no truth', () => {
    const truth = computeRadiusTruth(
      [{ x: 0, y: 0 }, null, { x: -25, y: 0 }],
      [{ x: 15, y: 20 }, { x: 15.001, y: 20 }, null, { x: -0.5, y: 0 }],
      25,
    );
    assert.deepEqual(rowsOf(truth), [[0, 3], [], [3]]);
  });
});

describe('ground truth by frames', () => {
  const frame = (
    sequence: string | null,
    number: number | null,
  ): { sequence: string | null; frame: number | null } => ({
    sequence,
    frame: number,
  });

  it('compares frame numbers across traverses', () => {
    const database = [0, 1, 2, 3, 4].map((number) => frame('day', number));
    const truth = computeFrameTruth([frame('night', 0), frame('night', 3), frame('night', null)], database, 1);
    assert.deepEqual(rowsOf(truth), [[0, 1], [2, 3, 4], []]);
  });

  it('stays within the sequence when the database holds it', () => {
    const database = [frame('a', 1), frame('b', 1), frame('a', 2)];
    assert.deepEqual(rowsOf(computeFrameTruth([frame('a', 1), frame('c', 1)], database, 0)), [[0], [0, 1]]);
  });
});

describe('ground truth by place', () => {
  it('asks for the same label; no label is no place', () => {
    const truth = computeLabelTruth(['b', null, 'z'], ['a', 'b', null, 'b']);
    assert.deepEqual(rowsOf(truth), [[1, 3], [], []]);
  });
});

describe('ground truth by pairs', () => {
  const queries = ['q/0.jpg', 'q/1.jpg'];
  const database = ['db/a.jpg', 'db/b.jpg', '7'];
  const cases = [
    { name: 'JSON by index', text: '{"0": [0, 1], "1": []}', rows: [[0, 1], []], unknown: [] },
    { name: 'JSON by name', text: '{"q/1.jpg": ["db/b.jpg"]}', rows: [[], [1]], unknown: [] },
    { name: 'JSON as a list of lists', text: '[[1], [0]]', rows: [[1], [0]], unknown: [] },
    { name: 'a name before an index', text: '{"0": ["7", "1"]}', rows: [[1, 2], []], unknown: [] },
    { name: 'hloc pairs', text: 'q/0.jpg db/a.jpg\nq/0.jpg db/b.jpg\n\n', rows: [[0, 1], []], unknown: [] },
    {
      name: 'references to nothing',
      text: '{"1": [9], "q/9.jpg": [0]}',
      ...{ rows: [[], []], unknown: ['database 9', 'query q/9.jpg'] },
    },
  ];
  for (const { name, text, rows, unknown } of cases) {
    it(name, () => {
      const result = computePairTruth(parsePairs(text), queries, database);
      assert.deepEqual(rowsOf(result.truth), rows);
      assert.deepEqual(result.unknown, unknown);
    });
  }

  it('names the line that does not fit', () => {
    assert.throws(() => parsePairs('a b\na b c\n'), /line 2: expected `query database`, got `a b c`/);
    assert.throws(() => parsePairs('{"a": 3}'), /expected array/);
  });
});
