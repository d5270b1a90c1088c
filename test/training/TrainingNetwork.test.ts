import assert from 'node:assert/strict';
import { createRandom } from '../../src/math/random.ts';
import type { StepPart, StepResult } from '../../src/training/TrainingNetwork.ts';
import { CHANNELS, COLUMNS, createTinyNetwork, ROWS } from '../support/tinyNetwork.ts';

const ROW = CHANNELS * ROWS * COLUMNS;

/** A query, a positive and so many negatives, all at random. */
function createPart(seed: number, negatives: number): StepPart {
  const random = createRandom(seed);
  const features = Float32Array.from({ length: (2 + negatives) * ROW }, () => random.normal());
  return {
    features,
    triplets: Array.from({ length: negatives }, (_unused, i) => ({ query: 0, positive: 1, negative: 2 + i })),
  };
}

/** The parts as one: their images one after the other. */
function join(parts: readonly StepPart[]): StepPart {
  let first = 0;
  const triplets = parts.flatMap(({ features, triplets: own }) => {
    const start = first;
    first += features.length / ROW;
    return own.map((triplet) => ({
      query: start + triplet.query,
      positive: start + triplet.positive,
      negative: start + triplet.negative,
    }));
  });
  return { features: Float32Array.from(parts.flatMap(({ features }) => [...features])), triplets };
}

function assertAlike(a: StepResult, b: StepResult): void {
  assert.equal(a.violating, b.violating);
  assert.ok(Math.abs(a.loss - b.loss) < 1e-5, `${a.loss} and ${b.loss}`);
  for (const [name, values] of a.gradients) {
    const other = b.gradients.get(name)!;
    values.forEach((value, i) => {
      assert.ok(Math.abs(value - other[i]!) < 1e-5, `${name}[${i}]: ${value} and ${other[i]!}`);
    });
  }
}

describe('TrainingNetwork', () => {
  // 3 + 5 + 12 images: other sessions for the parts than for the whole, and rows that only fill them.
  const parts = [createPart(1, 1), createPart(2, 3), createPart(3, 10)];

  for (const threads of [1, 3]) {
    it(`sums loss and gradients over parts as over one batch of all images, ${threads} at a time`, async () => {
      const network = createTinyNetwork(threads);
      try {
        const whole = await network.step([join(parts)]);
        assert.ok(whole.violating > 0 && whole.violating < 14, `${whole.violating} of 14 violate: nothing is left out`);
        assertAlike(await network.step(parts), whole);
      } finally {
        await network.dispose();
      }
    });
  }

  it('gives bit for bit the same for the same parts, whichever run ends first', async () => {
    const network = createTinyNetwork(3);
    try {
      const first = await network.step(parts);
      for (let turn = 0; turn < 5; turn++) assert.deepEqual(await network.step(parts), first);
    } finally {
      await network.dispose();
    }
  });
});
