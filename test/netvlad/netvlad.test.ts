/** @file The NetVLAD layer against worked values (independent float64 computation), finite differences and identities. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createRandom } from '../../src/math/random.ts';
import { dot, l2NormalizeRows, norm } from '../../src/math/vectors.ts';
import { computeAlpha, initializeParameters, toParameters } from '../../src/netvlad/initializeParameters.ts';
import { computeAssignment, netvladBackward, netvladForward, toDimensionMajor } from '../../src/netvlad/netvlad.ts';
import type { NetvladParameters } from '../../src/netvlad/NetvladParameters.ts';
import { generalizedMeanPool, hardVlad, maxPool } from '../../src/netvlad/pooling.ts';

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `[${i}]: ${actual[i]} is not ${expected[i]}`);
  }
}

const maxDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

/** Two centres, three features. */
const C = Float64Array.of(0.9, 0.1, 0.2, 0.7);
const X = Float64Array.of(0.8, 0.6, 0.6, 0.8, 1, 0);
const START = { centres: C, dimension: 2 };

const FORWARD = [
  {
    version: 'v1',
    assignment: [
      ...[0.6562768802947668, 0.3437231197052332, 0.07629652361991271],
      ...[0.9237034763800872, 0.9992477024607852, 0.0007522975392146855],
    ],
    residuals: [0.011408125130628013, 0.2816212364352438, 0.5763171004065465, 0.057471427390035204],
    intra: [0.040475557332394003, 0.9991805288628437, 0.9950645527571177, 0.09922971251735728],
    kMajor: [0.028620541062040684, 0.7065273275884776, 0.703616892972917, 0.07016600261621496],
    dMajor: [0.028620541062040684, 0.703616892972917, 0.7065273275884776, 0.07016600261621496],
  },
  {
    version: 'v2',
    assignment: [
      ...[0.7502601055951171, 0.24973989440488278, 0.016302499371440918],
      ...[0.9836975006285591, 0.999984887904559, 1.511209544097516e-5],
    ],
    residuals: [0.020081728419511904, 0.28654331356711127, 0.5433350265707061, 0.07338518215555903],
    intra: [0.06991122055298754, 0.9975532172474766, 0.9910017399252243, 0.13384898753885985],
    kMajor: [0.04943469813404583, 0.705376644510148, 0.7007440504687935, 0.0946455267436815],
    dMajor: [0.04943469813404583, 0.7007440504687935, 0.705376644510148, 0.0946455267436815],
  },
] as const;

describe('netvladForward', () => {
  for (const { version, assignment, residuals, intra, kMajor, dMajor } of FORWARD) {
    it(`reproduces the worked example, ${version}, alpha 10`, () => {
      const forward = netvladForward(X, toParameters(version, START, 10));
      assertClose(forward.assignment, assignment, 1e-14);
      assertClose(forward.residuals, residuals, 1e-14);
      assertClose(forward.intraNormalized, intra, 1e-13);
      assertClose(forward.descriptor, kMajor, 1e-13);
      assertClose(toDimensionMajor(forward.descriptor, 2), dMajor, 1e-13);
    });
  }

  it('gives every assigned cluster the same share: block norms are 1 / sqrt K', () => {
    const { descriptor } = netvladForward(X, toParameters('v1', START, 10));
    assert.ok(Math.abs(norm(descriptor) - 1) < 1e-15);
    for (const k of [0, 1]) assert.ok(Math.abs(norm(descriptor.subarray(2 * k, 2 * k + 2)) - Math.SQRT1_2) < 1e-15);
  });

  it('tends to hard VLAD as alpha grows, v2', () => {
    const hard = hardVlad(X, C, 2);
    assert.deepEqual([...hard.assignment], [1, 0, 0, 1, 1, 0]);
    assertClose(hard.residuals, [0, 0.4, 0.4, 0.1], 1e-15);
    assertClose(hard.descriptor, [0, 0.7071067811865475, 0.6859943405700353, 0.17149858514250899], 1e-15);
    for (const [alpha, difference] of [
      [1, 0.32503177509755354],
      [10, 0.07685305839882749],
      [100, 6.739315327658479e-6],
      [1000, 0],
    ] as const) {
      const soft = netvladForward(X, toParameters('v2', START, alpha)).descriptor;
      assert.ok(Math.abs(maxDifference(soft, hard.descriptor) - difference) < 1e-13, `alpha ${alpha}`);
    }
  });

  it('spreads evenly at alpha 0: V_k = N / K (mean x - c_k)', () => {
    assertClose(netvladForward(X, toParameters('v2', START, 0)).residuals, [-0.15, 0.55, 0.9, -0.35], 1e-15);
  });

  it('can assign differently in v1 and v2: the nearest direction is not the nearest point', () => {
    const start = { centres: Float64Array.of(0.95, 0.05, 0.3, 0.3), dimension: 2 };
    const x = Float64Array.of(0.8, 0.6);
    const [v1, v2] = (['v1', 'v2'] as const).map((version) => computeAssignment(x, toParameters(version, start, 50)));
    // cosines 0.8304 and 0.9899; squared distances 0.325 and 0.340
    assert.ok(v1![1]! > 0.99 && v2![0]! > 0.5, `${v1!.join()} ${v2!.join()}`);
  });

  it('does not overflow at huge alphas, and a zero feature or no difference gives no NaN', () => {
    const parameters = toParameters('v2', START, 1e6);
    assert.ok(netvladForward(X, parameters).descriptor.every(Number.isFinite));
    assert.ok(netvladForward(Float64Array.of(0, 0), parameters).descriptor.every(Number.isFinite));
    assertClose(netvladForward(C.subarray(0, 2), toParameters('v2', START, 1e6)).residuals, [0, 0, 0, 0], 1e-12);
  });
});

/** Random unit features [N, D] and centres [K, D]. */
const problem = fc
  .record({
    n: fc.integer({ min: 1, max: 9 }),
    d: fc.integer({ min: 2, max: 6 }),
    k: fc.integer({ min: 2, max: 5 }),
    seed: fc.nat(),
  })
  .map(({ n, d, k, seed }) => {
    const random = createRandom(seed);
    const rows = (count: number): Float64Array =>
      l2NormalizeRows(
        Float64Array.from({ length: count * d }, () => random.normal()),
        d,
      );
    return { n, d, k, features: rows(n), centres: rows(k), random };
  });

describe('identities of NetVLAD', () => {
  it('v1 equals v2 with half the alpha per radius when all centres have one length', () => {
    fc.assert(
      fc.property(problem, ({ d, features, centres }) => {
        const start = { centres: centres.map((c) => 0.8 * c), dimension: d };
        const v1 = netvladForward(features, toParameters('v1', start, 2 * 5 * 0.8)).descriptor;
        assertClose(v1, netvladForward(features, toParameters('v2', start, 5)).descriptor, 1e-9);
      }),
    );
  });

  it('does not depend on the order of the locations, nor on how often all are repeated', () => {
    fc.assert(
      fc.property(problem, ({ n, d, features, centres, random }) => {
        const parameters = toParameters('v1', { centres, dimension: d }, 7);
        const { residuals, descriptor } = netvladForward(features, parameters);
        const order = random.shuffle(Array.from({ length: n }, (_unused, i) => i));
        const shuffled = Float64Array.from(order.flatMap((i) => [...features.subarray(i * d, (i + 1) * d)]));
        assertClose(netvladForward(shuffled, parameters).residuals, residuals, 1e-12);
        const twice = Float64Array.of(...features, ...features);
        assertClose(netvladForward(twice, parameters).descriptor, descriptor, 1e-8);
      }),
    );
  });

  it('permutes its blocks with the clusters and ignores a common shift of the logits', () => {
    fc.assert(
      fc.property(problem, ({ d, k, features, centres }) => {
        const start = { centres, dimension: d };
        const turned = { centres: Float64Array.of(...centres.subarray(d), ...centres.subarray(0, d)), dimension: d };
        const { residuals } = netvladForward(features, toParameters('v2', start, 6));
        const moved = netvladForward(features, toParameters('v2', turned, 6)).residuals;
        assertClose(moved, [...residuals.subarray(d), ...residuals.subarray(0, d)], 1e-12);
        const parameters = toParameters('v2', start, 6);
        const shifted = { ...parameters, bias: new Float64Array(k).map((_zero, i) => parameters.bias[i]! + 3) };
        assertClose(netvladForward(features, shifted).residuals, residuals, 1e-12);
      }),
    );
  });
});

describe('initialisation', () => {
  it('follows the ln 100 rule on the worked example', () => {
    assert.ok(Math.abs(computeAlpha('v1', START, X) - 13.371398122867763) < 1e-12);
    assert.ok(Math.abs(computeAlpha('v2', START, X) - 8.475773348444337) < 1e-12);
  });

  it('makes the mean log ratio of the two best assignments that of the wanted ratio, 100 unless told', () => {
    const versions = fc.constantFrom('v1' as const, 'v2' as const);
    const ratios = fc.constantFrom({}, { assignmentRatio: 3 });
    fc.assert(
      fc.property(problem, versions, ratios, ({ n, d, k, features, centres }, version, ratio) => {
        const { parameters } = initializeParameters(version, { centres, dimension: d, ...ratio }, features);
        const assignment = computeAssignment(features, parameters);
        let sum = 0;
        for (let i = 0; i < n; i++) {
          const [first, second] = [...assignment.subarray(i * k, (i + 1) * k)].sort((a, b) => b - a);
          fc.pre(second! > 1e-290); // beyond that the ratio leaves the range of float64
          sum += Math.log(first! / second!);
        }
        const wanted = Math.log(ratio.assignmentRatio ?? 100);
        assert.ok(Math.abs(sum / n - wanted) < 1e-6, String(sum / n));
      }),
    );
  });

  it('refuses centres that cannot be told apart; one cluster needs no alpha', () => {
    const same = { centres: Float64Array.of(1, 0, 1, 0), dimension: 2 };
    assert.throws(() => computeAlpha('v1', same, X), /every gap is zero/);
    assert.equal(computeAlpha('v2', { centres: C.subarray(0, 2), dimension: 2 }, X), 1);
  });
});

describe('netvladBackward', () => {
  const parameters = toParameters('v1', START, 10);
  const upstream = Float64Array.of(1, -2, 3, 0.5);

  it('reproduces the worked gradients', () => {
    assert.ok(Math.abs(dot(netvladForward(X, parameters).descriptor, upstream) - 0.7614995661119438) < 1e-13);
    const gradients = netvladBackward(X, parameters, upstream);
    // The worked values of dW and db are central differences, good to 5e-10.
    assertClose(
      gradients.weights,
      [-0.0896127487215459, -0.08976491577827872, 0.08961274877705705, 0.08976491544521181],
      5e-10,
    );
    assertClose(gradients.bias, [-0.12802573184922394, 0.12802573196024625], 5e-10);
    assertClose(
      gradients.centres,
      [-4.6890756946194045, 0.18994860950805048, 0.030703384223951247, -0.30789013244492125],
      5e-10,
    );
    assertClose(
      gradients.features,
      [
        1.303351945536324, 0.562080221699901, -0.27378242645204054, 0.7579085766762361, 2.708089599623431,
        -0.11242997205451744,
      ],
      5e-10,
    );
  });

  it('agrees with central differences in every element', () => {
    fc.assert(
      fc.property(problem, ({ d, k, features, centres, random }) => {
        const layer = toParameters('v2', { centres, dimension: d }, 3);
        const direction = Float64Array.from({ length: k * d }, () => random.normal());
        const gradients = netvladBackward(features, layer, direction);
        const loss = (changed: Partial<NetvladParameters>, x = features): number =>
          dot(netvladForward(x, { ...layer, ...changed }).descriptor, direction);
        const numeric = (values: Float64Array, at: (changed: Float64Array) => number): Float64Array =>
          values.map((_unused, i) => {
            const h = 1e-6;
            const [up, down] = [h, -h].map((step) => at(values.map((value, j) => (j === i ? value + step : value))));
            return (up! - down!) / (2 * h);
          });
        // Near a vanishing residual the layer is not smooth; leave those draws out.
        const { residuals } = netvladForward(features, layer);
        for (let i = 0; i < k; i++) fc.pre(norm(residuals.subarray(i * d, (i + 1) * d)) > 1e-2);
        assertClose(
          gradients.weights,
          numeric(layer.weights, (weights) => loss({ weights })),
          1e-5,
        );
        assertClose(
          gradients.bias,
          numeric(layer.bias, (bias) => loss({ bias })),
          1e-5,
        );
        assertClose(
          gradients.centres,
          numeric(layer.centres, (c) => loss({ centres: c })),
          1e-5,
        );
        assertClose(
          gradients.features,
          numeric(features, (x) => loss({}, x)),
          1e-5,
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe('pooling', () => {
  it('max takes the largest of every channel', () => {
    assertClose(maxPool(Float64Array.of(3, -1, 1, 4, 2, 0), 2), [0.6, 0.8], 1e-15);
  });

  it('GeM runs from the average (p = 1) to the maximum (p large), and floors what is negative', () => {
    const features = Float64Array.of(3, 8, 3, 0);
    assertClose(generalizedMeanPool(features, 2, 1), [0.6, 0.8], 1e-6); // means 3 and 4
    assertClose(generalizedMeanPool(features, 2, 300), maxPool(features, 2), 1e-2);
    assert.ok(generalizedMeanPool(Float64Array.of(-1, -2), 2, 3).every((value) => value > 0));
  });
});
