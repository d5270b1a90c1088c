import assert from 'node:assert/strict';
import { SgdOptimizer } from '../../src/training/SgdOptimizer.ts';

describe('SgdOptimizer', () => {
  const options = { momentum: 0.9, weightDecay: 0.001 };
  const step = (optimizer: SgdOptimizer, values: Float32Array, gradient: number): number => {
    optimizer.step([{ name: 'w', values, learningRate: 0.01 }], new Map([['w', Float32Array.of(gradient)]]), 1);
    return values[0]!;
  };

  it('reproduces three steps of MatConvNet and PyTorch', () => {
    const optimizer = new SgdOptimizer(options);
    const values = Float32Array.of(1);
    for (const [gradient, expected] of [
      [2, 0.97999],
      [1, 0.9519712001],
      [-3, 0.9567447604779991],
    ] as const) {
      assert.ok(Math.abs(step(optimizer, values, gradient) - expected) < 1e-6);
    }
  });

  it('goes on from saved velocities as if never stopped', () => {
    const whole = new SgdOptimizer(options);
    const values = Float32Array.of(1);
    step(whole, values, 2);
    const resumed = new SgdOptimizer(options, whole.velocities);
    const resumedValues = values.slice();
    assert.equal(step(resumed, resumedValues, 1), step(whole, values, 1));
  });

  it('names a tensor whose gradient is missing or of another size', () => {
    assert.throws(() => {
      new SgdOptimizer(options).step([{ name: 'centres', values: new Float32Array(2), learningRate: 1 }], new Map(), 1);
    }, /centres.*expected 2/);
  });
});
