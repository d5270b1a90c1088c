/** @file The matrix product against the plain loops: equal to the last bit, ties included. */
import assert from 'node:assert/strict';
import { OnnxGridMatcher } from '../../src/inference/OnnxGridMatcher.ts';
import { createRandom } from '../../src/math/random.ts';
import type { LocalGrid } from '../../src/verification/LocalGrid.ts';
import { matchGrids } from '../../src/verification/matchGrids.ts';

function randomGrid(
  seed: number,
  [rows, columns, channels]: readonly [number, number, number],
  levels = 255,
): LocalGrid {
  const random = createRandom(seed);
  const half = Math.floor(levels / 2);
  const vectors = Int8Array.from({ length: rows * columns * channels }, () => random.int(levels) - half);
  return { rows, columns, channels, vectors };
}

describe('OnnxGridMatcher', () => {
  let matcher: OnnxGridMatcher;
  before(async () => {
    matcher = await OnnxGridMatcher.create();
  });
  after(() => matcher.dispose());

  const cases: readonly (readonly [string, readonly [number, number, number], number])[] = [
    ['full scale', [15, 20, 96], 255],
    ['many ties', [4, 5, 3], 3],
    ['one location', [1, 1, 8], 255],
  ];
  for (const [name, shape, levels] of cases) {
    it(`agrees with the loops: ${name}`, async () => {
      const query = randomGrid(1, [3, 7, shape[2]], levels);
      const candidates = [2, 3, 4].map((seed) => randomGrid(seed, shape, levels));
      const results = await matcher.match(query, candidates);
      for (const [at, candidate] of candidates.entries()) {
        assert.deepEqual(results[at], matchGrids(query, candidate));
      }
    });
  }

  it('matches nothing with nothing', async () => {
    assert.deepEqual(await matcher.match(randomGrid(1, [2, 2, 2]), []), []);
  });
});
