/** @file Learned whitening: what it promises about pairs and about descriptors, on data whose nuisance is known. */
import assert from 'node:assert/strict';
import { computeLearnedWhitening, createScatterAccumulator } from '../../src/math/learnedWhitening.ts';
import { createCovarianceAccumulator, project } from '../../src/math/pca.ts';
import { createRandom } from '../../src/math/random.ts';
import { squaredDistance } from '../../src/math/vectors.ts';

const DIMENSION = 6;
const random = createRandom(5);

/** Places differ in all directions; a second look at one differs mostly along the first axis ("light"). */
const places = Array.from({ length: 400 }, () => Float64Array.from({ length: DIMENSION }, () => random.normal()));
const differences = places.map(() =>
  Float64Array.from({ length: DIMENSION }, (_unused, i) => (i === 0 ? 3 : 0.2) * random.normal()),
);

function createStatistics(): ReturnType<typeof createCovarianceAccumulator> {
  const statistics = createCovarianceAccumulator(DIMENSION);
  for (const place of places) statistics.add(place);
  return statistics;
}

function createScatter(): Float64Array {
  const scatter = createScatterAccumulator(DIMENSION);
  for (const difference of differences) scatter.add(difference);
  assert.equal(scatter.count, 400);
  return scatter.normalized();
}

describe('computeLearnedWhitening', () => {
  it('gives decorrelated components in descending order of variance', () => {
    const projection = computeLearnedWhitening(createStatistics(), [createScatter()], { outputDimension: DIMENSION });
    const projected = createCovarianceAccumulator(DIMENSION);
    for (const place of places) projected.add(project(projection, place, false));
    const covariance = projected.covariance();
    for (let i = 0; i < DIMENSION; i++) {
      assert.ok(Math.abs(projected.mean()[i]!) < 1e-9);
      if (i > 0) assert.ok(covariance[i * DIMENSION + i]! <= covariance[(i - 1) * DIMENSION + i - 1]! + 1e-9);
      for (let j = 0; j < i; j++) assert.ok(Math.abs(covariance[i * DIMENSION + j]!) < 1e-8);
    }
  });

  it('without regularisation makes the scatter of the pairs the unit matrix', () => {
    const options = { outputDimension: DIMENSION, regularisation: 0 };
    const { weights } = computeLearnedWhitening(createStatistics(), [createScatter()], options);
    const scatter = createScatterAccumulator(DIMENSION);
    const linear = {
      inputDimension: DIMENSION,
      outputDimension: DIMENSION,
      weights,
      bias: new Float64Array(DIMENSION),
    };
    for (const difference of differences) scatter.add(project(linear, difference, false));
    scatter.normalized().forEach((value, at) => {
      const expected = Math.floor(at / DIMENSION) === at % DIMENSION ? 1 / DIMENSION : 0; // trace 1
      assert.ok(Math.abs(value - expected) < 1e-9, `[${at}] ${value}`);
    });
  });

  it('finds the place again across the nuisance more often than without', () => {
    const projection = computeLearnedWhitening(createStatistics(), [createScatter()], { outputDimension: DIMENSION });
    const looks = places.map((place, i) => place.map((value, d) => value + differences[i]![d]!));
    const hits = (map: (x: Float64Array) => Float64Array): number => {
      const database = places.map(map);
      return looks.map(map).filter((look, i) => {
        const own = squaredDistance(look, database[i]!);
        return database.every((other, j) => j === i || squaredDistance(look, other) >= own);
      }).length;
    };
    const [before, after] = [hits((x) => x), hits((x) => project(projection, x, false))];
    assert.ok(after > 2 * before, `${before} of 400 before, ${after} after`);
  });

  it('refuses pairs without any difference and too many dimensions', () => {
    const scatter = createScatterAccumulator(2);
    scatter.add(new Float64Array(4));
    assert.throws(() => scatter.normalized(), /do not differ/);
    const options = { outputDimension: DIMENSION + 1 };
    assert.throws(() => computeLearnedWhitening(createStatistics(), [createScatter()], options), /1 to 6/);
  });
});
