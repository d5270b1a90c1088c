import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fromFloat16, toFloat16 } from '../../src/math/float16.ts';

describe('float16', () => {
  for (const [value, bits] of [
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [65520, 0x7c00], // half way to 65,536: to even, which is infinity
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000], // a tie, to even
    [1 + 2 ** -11, 0x3c00], // a tie, to even
    [1 + 3 * 2 ** -11, 0x3c02],
    [Infinity, 0x7c00],
  ] as const) {
    it(`${value} is 0x${bits.toString(16)}`, () => {
      assert.equal(toFloat16(value), bits);
    });
  }

  it('every half comes back', () => {
    for (let half = 0; half < 0x10000; half++) {
      const value = fromFloat16(half);
      if (!Number.isNaN(value)) assert.equal(toFloat16(value), half);
    }
    assert.ok(Number.isNaN(fromFloat16(toFloat16(NaN))));
  });

  it('is the nearest half', () => {
    fc.assert(
      fc.property(fc.float({ min: -60000, max: 60000, noNaN: true }), (value) => {
        const half = toFloat16(value);
        const error = Math.abs(fromFloat16(half) - value);
        for (const other of [half - 1, half + 1]) {
          if ((other & 0x7c00) !== 0x7c00 && other >= 0)
            assert.ok(error <= Math.abs(fromFloat16(other & 0xffff) - value));
        }
      }),
    );
  });
});
