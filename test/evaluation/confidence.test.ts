import assert from 'node:assert/strict';
import {
  computeAcceptanceAt,
  computeAcceptanceCurve,
  computeAveragePrecision,
} from '../../src/evaluation/acceptance.ts';
import { computeReliability } from '../../src/evaluation/calibrationError.ts';
import { compareHits, computeBootstrapInterval } from '../../src/evaluation/statistics.ts';
import { quantile } from '../../src/math/statistics.ts';
import { createRandom } from '../../src/math/random.ts';
import { readVectors } from '../support/sharedData.ts';

/** `+` right, `-` wrong; strengths fall from left to right; a group in brackets has one strength. */
function answers(pattern: string): { strength: number; isCorrect: boolean }[] {
  let strength = 100;
  let isTied = false;
  return Array.from(pattern).flatMap((mark) => {
    if (mark === '[' || mark === ']') {
      isTied = mark === '[';
      strength--;
      return [];
    }
    if (!isTied) strength--;
    return [{ strength, isCorrect: mark === '+' }];
  });
}

describe('acceptance', () => {
  const cases = [
    { name: 'everything right: everything is accepted', pattern: '++++', precision: 0.99, accepted: 1 },
    { name: 'up to the first mistake', pattern: '++-+', precision: 0.99, accepted: 0.5 },
    { name: 'past a mistake where precision recovers', pattern: '+-++', precision: 0.75, accepted: 1 },
    { name: 'the strongest answer is wrong: nothing', pattern: '-+++', precision: 0.99, accepted: null },
    { name: 'equal strengths go together', pattern: '+[+-]+', precision: 0.99, accepted: 0.25 },
  ];
  for (const { name, pattern, precision, accepted } of cases) {
    it(name, () => {
      assert.equal(computeAcceptanceAt(answers(pattern), precision)?.accepted ?? null, accepted);
    });
  }

  it('counts answers of unknown strength as not accepted', () => {
    const curve = computeAcceptanceCurve([
      { strength: NaN, isCorrect: true },
      { strength: 1, isCorrect: true },
    ]);
    assert.deepEqual(curve, [{ threshold: 1, accepted: 0.5, precision: 1 }]);
  });

  it('average precision: 1 for a perfect order, by hand for a mixed one', () => {
    assert.equal(computeAveragePrecision(answers('++--')), 1);
    assert.ok(Math.abs(computeAveragePrecision(answers('+-+')) - (1 / 2 + (1 / 2) * (2 / 3))) < 1e-12);
  });
});

describe('reliability', () => {
  it('reproduces the worked calibration error', function () {
    const { conf, ok, ece_5bins } = readVectors(this, 'ece5') as { conf: number[]; ok: number[]; ece_5bins: number };
    const judged = conf.map((confidence, i) => ({ confidence, isCorrect: ok[i] === 1 }));
    const { ece, bins } = computeReliability(judged, 5);
    assert.ok(Math.abs(ece - ece_5bins) < 1e-12);
    assert.deepEqual(
      bins.map(({ count }) => count),
      [0, 1, 1, 2, 2], // 0.4 and 0.8 are upper borders: (0.2, 0.4] and (0.6, 0.8]
    );
  });
});

describe('statistics', () => {
  it('interpolates quantiles as NumPy does', () => {
    assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
    assert.equal(quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9), 9.1);
    assert.ok(Number.isNaN(quantile([], 0.5)));
  });

  it('the bootstrap interval of 100 coin tosses is about +-0.1', () => {
    const values = Array.from({ length: 100 }, (_, i) => i % 2);
    const { low, high } = computeBootstrapInterval(values, createRandom(1));
    // Normal approximation: 0.5 +- 1.96 sqrt(0.25 / 100) = 0.402 .. 0.598
    assert.ok(Math.abs(low - 0.402) < 0.02, `low ${low}`);
    assert.ok(Math.abs(high - 0.598) < 0.02, `high ${high}`);
  });

  it("McNemar's exact test counts the queries that one alone got right", () => {
    // 1 of 8 discordant: p = 2 (1 + 8) / 2^8
    const first = [true, ...Array.from({ length: 7 }, () => false), true, true, false];
    const second = [false, ...Array.from({ length: 7 }, () => true), true, true, false];
    assert.deepEqual(compareHits(first, second), { onlyFirst: 1, onlySecond: 7, p: 18 / 256 });
    assert.deepEqual(compareHits(second, first), { onlyFirst: 7, onlySecond: 1, p: 18 / 256 });
    assert.deepEqual(compareHits(first, first), { onlyFirst: 0, onlySecond: 0, p: 1 });
  });
});
