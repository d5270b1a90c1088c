import assert from 'node:assert/strict';
import { InferenceSession, Tensor as RuntimeTensor } from 'onnxruntime-node';
import { createRandom, type Random } from '../../src/math/random.ts';
import { appendGradients, DIFFERENTIABLE_OPERATORS } from '../../src/onnx/gradient/appendGradients.ts';
import { type AttributeValues, createModel, GraphBuilder, real } from '../../src/onnx/GraphBuilder.ts';
import { elementCount, type Graph } from '../../src/onnx/graph.ts';
import { inferShapes } from '../../src/onnx/inferShapes.ts';
import { appendL2Normalize } from '../../src/onnx/poolingHead.ts';
import { writeModel } from '../../src/onnx/writeModel.ts';
import { runGraph } from '../support/runGraph.ts';

type Shapes = readonly (readonly number[])[];

/** One operator with random operand sizes; every operand is differentiated by. */
interface Case {
  readonly op: string;
  readonly what?: string;
  readonly shapes: (random: Random) => Shapes;
  readonly build?: (builder: GraphBuilder, operands: readonly string[], shapes: Shapes) => string;
  readonly attributes?: AttributeValues;
  /** Values operands are drawn from; away from corners such as the zero of Relu. */
  readonly draw?: (random: Random) => number;
}

const size = (random: Random, least = 1, most = 4): number => least + random.int(most - least + 1);
const some = (random: Random): Shapes => [[size(random), size(random), size(random)]];
const image = (random: Random): Shapes => [[size(random, 1, 2), size(random), size(random, 4, 6), size(random, 4, 6)]];
const positive = (random: Random): number => 0.5 + random.next();
const awayFromCorners = (random: Random): number => {
  const value = random.normal();
  return [0, -0.5, 0.8].some((corner) => Math.abs(value - corner) < 0.05) ? value + 0.12 : value;
};
/** Values at least .03 apart in a scattered order, so that no maximum is a tie. */
const distinct = (() => {
  let next = 0;
  return (random: Random): number => {
    next = (next + 1 + random.int(2)) % 499;
    return ((next * 200) % 499) * 0.03;
  };
})();

const broadcasting = (random: Random): Shapes => {
  const full = [size(random, 2), size(random, 2), size(random, 2)];
  const masked = full.map((extent) => (random.next() < 0.4 ? 1 : extent));
  return [full, masked.slice(random.int(3))];
};

type Group = 'none' | 'depthwise' | 'two';

const convolution =
  (facts: { kernel: number; stride: number; pad: number; group?: Group }) =>
  (random: Random): Shapes => {
    const { kernel, group = 'none' } = facts;
    const groups = group === 'two' ? 2 : 1;
    const inChannels = group === 'none' ? size(random) : groups === 2 ? 4 : size(random, 2, 3);
    const outChannels = group === 'depthwise' ? inChannels : groups * size(random, 1, 2);
    const inGroup = group === 'depthwise' ? 1 : inChannels / groups;
    const x = [size(random, 1, 2), inChannels, size(random, 4, 6), size(random, 4, 6)];
    return [x, [outChannels, inGroup, kernel, kernel], [outChannels]];
  };

const convolve =
  ({
    stride,
    pad,
    group = 'none',
  }: {
    stride: number;
    pad: number;
    group?: 'none' | 'depthwise' | 'two';
  }): NonNullable<Case['build']> =>
  (builder, operands, shapes) =>
    builder.op('Conv', operands, {
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      group: group === 'depthwise' ? shapes[0]![1]! : group === 'two' ? 2 : 1,
    });

const CONVOLUTIONS = (
  [
    { kernel: 1, stride: 1, pad: 0 },
    { kernel: 3, stride: 1, pad: 1 },
    { kernel: 3, stride: 2, pad: 1 },
    { kernel: 2, stride: 3, pad: 0 },
    { kernel: 3, stride: 1, pad: 1, group: 'depthwise' },
    { kernel: 3, stride: 2, pad: 1, group: 'depthwise' },
    { kernel: 3, stride: 1, pad: 1, group: 'two' },
  ] as const
).map((facts): Case => ({
  op: 'Conv',
  what: JSON.stringify(facts),
  shapes: convolution(facts),
  build: convolve(facts),
}));

const CASES: readonly Case[] = [
  ...['Add', 'Sub', 'Mul'].map((op): Case => ({ op, shapes: broadcasting })),
  { op: 'Div', shapes: broadcasting, draw: positive },
  { op: 'Max', shapes: broadcasting, draw: distinct },
  { op: 'Pow', shapes: broadcasting, draw: positive },
  ...['Neg', 'Identity', 'Exp'].map((op): Case => ({ op, shapes: some })),
  ...['Sqrt', 'Log'].map((op): Case => ({ op, shapes: some, draw: positive })),
  { op: 'Relu', shapes: some, draw: awayFromCorners },
  {
    op: 'Clip',
    shapes: some,
    draw: awayFromCorners,
    build: (builder, [x]) => builder.op('Clip', [x!, builder.scalar(-0.5), builder.scalar(0.8)]),
  },
  { op: 'Softmax', shapes: some, attributes: { axis: 1 } },
  ...['ArgMax', 'OneHot'].map((op): Case => ({
    op,
    what: 'as the choice of a column, beside what it chooses from',
    shapes: (random) => [[size(random, 2), size(random, 2)]],
    draw: distinct,
    build: (builder, [x], shapes) => {
      const best = builder.op('ArgMax', [x!], { axis: 1, keepdims: 0 });
      const offAndOn = builder.floats(Float32Array.of(0, 1), [2]);
      const mask = builder.op('OneHot', [best, builder.ints([shapes[0]![1]!]), offAndOn], { axis: -1 });
      return builder.op('Mul', [x!, mask]);
    },
  })),
  { op: 'LpNormalization', shapes: some, attributes: { axis: 1, p: 2 } },
  { op: 'Transpose', shapes: some, attributes: { perm: [2, 0, 1] } },
  { op: 'Reshape', shapes: some, build: (builder, [x]) => builder.reshape(x!, [0, -1]) },
  { op: 'Flatten', shapes: some, attributes: { axis: 1 } },
  {
    op: 'Squeeze',
    shapes: (random) => [[size(random), 1, size(random)]],
    build: (builder, [x]) => builder.op('Squeeze', [x!, builder.ints([1])]),
  },
  { op: 'Unsqueeze', shapes: some, build: (builder, [x]) => builder.op('Unsqueeze', [x!, builder.ints([0, 2])]) },
  {
    op: 'Concat',
    shapes: (random) => {
      const [n, m] = [size(random), size(random)];
      return [1, 2, 3].map(() => [n, size(random), m]);
    },
    attributes: { axis: 1 },
  },
  {
    op: 'Slice',
    shapes: (random) => [[size(random), size(random, 3, 5), size(random)]],
    build: (builder, [x]) => builder.slice(x!, { axis: 1, start: 1, end: -1 }),
  },
  {
    op: 'Expand',
    shapes: () => [[1, 3, 1]],
    build: (builder, [x]) => builder.op('Expand', [x!, builder.ints([2, 2, 3, 4])]),
  },
  { op: 'ReduceSum', shapes: some, build: (builder, [x]) => builder.reduceSum(x!, [0, -1]) },
  { op: 'ReduceMean', shapes: some, attributes: { axes: [1], keepdims: 0 } },
  { op: 'ReduceMax', shapes: some, attributes: { axes: [1], keepdims: 1 }, draw: distinct },
  { op: 'ReduceL2', shapes: some, attributes: { axes: [2], keepdims: 1 }, draw: positive },
  { op: 'GlobalAveragePool', shapes: image },
  { op: 'GlobalMaxPool', shapes: image, draw: distinct },
  { op: 'AveragePool', shapes: image, attributes: { kernel_shape: [2, 3], strides: [2, 1] } },
  {
    op: 'MaxPool',
    what: 'overlapping',
    shapes: image,
    attributes: { kernel_shape: [3, 3], strides: [1, 2], pads: [1, 1, 1, 1] },
    draw: distinct,
  },
  {
    op: 'MatMul',
    what: 'stacked and broadcast',
    shapes: (random) => {
      const [n, a, b, c] = [size(random, 2), size(random), size(random), size(random)];
      return [
        [n, a, b],
        [random.next() < 0.5 ? n : 1, b, c],
      ];
    },
  },
  ...[0, 1, 2, 3].map((bits): Case => ({
    op: 'Gemm',
    what: `transA ${bits & 1}, transB ${bits >> 1}`,
    shapes: (random) => {
      const [m, k, n] = [size(random), size(random), size(random)];
      return [
        (bits & 1) === 1 ? [k, m] : [m, k],
        bits >> 1 === 1 ? [n, k] : [k, n],
        random.next() < 0.5 ? [n] : [m, 1],
      ];
    },
    attributes: { transA: bits & 1, transB: bits >> 1, alpha: real(0.7), beta: real(1.3) },
  })),
  ...CONVOLUTIONS,
];

/** loss = sum(y weights) with random weights, so that every output counts differently. */
function lossGraph(testCase: Case, shapes: Shapes, random: Random): Graph {
  const builder = new GraphBuilder();
  const operands = shapes.map((shape, i) => builder.input(`x${i}`, shape));
  const y = testCase.build?.(builder, operands, shapes) ?? builder.op(testCase.op, operands, testCase.attributes);
  const inputShapes = new Map(shapes.map((shape, i) => [`x${i}`, shape]));
  const shapeY = inferShapes(builder.build('y'), inputShapes).get(y)!;
  const weights = builder.floats(
    Float32Array.from({ length: elementCount(shapeY) }, () => random.normal()),
    shapeY,
  );
  const all = shapeY.map((_, axis) => axis);
  builder.output(
    builder.op('ReduceSum', [builder.op('Mul', [y, weights]), builder.ints(all)], { keepdims: 0 }, 'loss'),
    [],
  );
  return builder.build('case');
}

async function open(graph: Graph): Promise<InferenceSession> {
  return InferenceSession.create(writeModel(createModel(graph)), { logSeverityLevel: 3, intraOpNumThreads: 1 });
}

async function checkAgainstDifferences(testCase: Case, seed: number): Promise<void> {
  const random = createRandom(seed);
  const shapes = testCase.shapes(random);
  const graph = lossGraph(testCase, shapes, random);
  const draw = testCase.draw ?? ((r: Random): number => r.normal());
  const values = shapes.map((shape) => Float32Array.from({ length: elementCount(shape) }, () => draw(random)));
  const feeds = (): Record<string, RuntimeTensor> =>
    Object.fromEntries(shapes.map((shape, i) => [`x${i}`, new RuntimeTensor('float32', values[i]!.slice(), shape)]));
  const inputShapes = new Map(shapes.map((shape, i) => [`x${i}`, shape]));
  const backward = appendGradients(graph, { loss: 'loss', wrt: [...inputShapes.keys()], inputShapes });
  const [forwardSession, backwardSession] = [await open(graph), await open(backward.graph)];
  const lossNow = async (): Promise<number> => ((await forwardSession.run(feeds())).loss!.data as Float32Array)[0]!;
  const gradients = await backwardSession.run(feeds());
  const step = 1e-2;
  for (const [i, operand] of values.entries()) {
    const analytic = gradients[backward.gradients.get(`x${i}`)!]!.data as Float32Array;
    assert.equal(analytic.length, operand.length);
    for (let at = 0; at < operand.length; at += Math.max(1, Math.floor(operand.length / 12))) {
      const value = operand[at]!;
      operand[at] = value + step;
      const above = await lossNow();
      operand[at] = value - step;
      const below = await lossNow();
      operand[at] = value;
      const slope = (above - below) / (2 * step);
      const tolerance = 4e-3 * Math.max(1, Math.abs(slope), Math.abs(above));
      assert.ok(
        Math.abs(slope - analytic[at]!) <= tolerance,
        `x${i}[${at}] of [${shapes[i]!.join(', ')}]: ${analytic[at]} against ${slope}`,
      );
    }
  }
  await forwardSession.release();
  await backwardSession.release();
}

describe('appendGradients', () => {
  for (const testCase of CASES) {
    const title = testCase.what === undefined ? testCase.op : `${testCase.op}, ${testCase.what}`;
    it(`${title}: agrees with central differences on random shapes`, async () => {
      for (const seed of [1, 2, 3]) await checkAgainstDifferences(testCase, seed);
    });
  }

  it('has a case for every rule', () => {
    const tested = new Set(CASES.map((testCase) => testCase.op));
    assert.deepEqual(
      DIFFERENTIABLE_OPERATORS.filter((op) => !tested.has(op)),
      [],
    );
  });

  it('adds up the gradients of a tensor that is used twice', async () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', [1]);
    builder.output(builder.op('Mul', [x, builder.op('Mul', [x, x])], {}, 'cube'), [1]); // d x^3 = 3 x^2
    const { graph, gradients } = appendGradients(builder.build('cube'), {
      loss: 'cube',
      wrt: ['x'],
      inputShapes: new Map([['x', [1]]]),
    });
    const session = await open(graph);
    const result = await session.run({ x: new RuntimeTensor('float32', Float32Array.of(2), [1]) });
    assert.deepEqual([...(result[gradients.get('x')!]!.data as Float32Array)], [12]);
  });

  describe('where differences have no limit, or operands are left out', () => {
    interface Point {
      readonly what: string;
      readonly x: readonly number[];
      readonly dims: readonly number[];
      readonly build: (builder: GraphBuilder, x: string) => string;
      /** Of the sum of the outputs. */
      readonly gradient: readonly number[];
    }
    const POINTS: readonly Point[] = [
      {
        what: 'length of a zero vector: 0, the least of its subgradients',
        ...{ x: [0, 0, 3, 4], dims: [2, 2], gradient: [0, 0, 0.6, 0.8] },
        build: (builder, x) => builder.op('ReduceL2', [x], { axes: [1], keepdims: 1 }),
      },
      {
        what: 'direction of a zero vector: x / 1e-12, as it is computed forwards',
        ...{ x: [0, 0, 3, 4], dims: [2, 2], gradient: [1e12, 1e12, 0.032, -0.024] },
        build: (builder, x) => appendL2Normalize(builder, x),
      },
      {
        what: 'the same by LpNormalization',
        ...{ x: [0, 0, 3, 4], dims: [2, 2], gradient: [1e12, 1e12, 0.032, -0.024] },
        build: (builder, x) => builder.op('LpNormalization', [x], { axis: 1, p: 2 }),
      },
      {
        what: 'square at zero and below',
        ...{ x: [0, -1, 2], dims: [3], gradient: [0, -2, 4] },
        build: (builder, x) => builder.op('Pow', [x, builder.scalar(2)]),
      },
      {
        what: 'slice with steps and without axes',
        ...{ x: [1, 2, 3, 4], dims: [4], gradient: [0, 1, 1, 0] },
        build: (builder, x) => builder.op('Slice', [x, builder.ints([1]), builder.ints([3]), '', builder.ints([1])]),
      },
    ];
    for (const { what, x, dims, build, gradient } of POINTS) {
      it(what, async () => {
        const builder = new GraphBuilder();
        const y = build(builder, builder.input('x', dims));
        builder.output(builder.op('ReduceSum', [y], { keepdims: 0 }, 'loss'), []);
        const inputShapes = new Map([['x', dims]]);
        const backward = appendGradients(builder.build('point'), { loss: 'loss', wrt: ['x'], inputShapes });
        const results = await runGraph(backward.graph, { x: { data: Float32Array.from(x), dims } });
        results.get(backward.gradients.get('x')!)!.data.forEach((value, i) => {
          const expected = gradient[i]!;
          assert.ok(Math.abs(value - expected) <= 1e-6 * Math.max(1, Math.abs(expected)), `${i}: ${value}`);
        });
      });
    }
  });

  it('names windows of an average that reach beyond the input', () => {
    const builder = new GraphBuilder();
    const attributes = { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 };
    const pooled = builder.op('AveragePool', [builder.input('x', [1, 1, 3, 3])], attributes);
    builder.op('ReduceSum', [pooled], { keepdims: 0 }, 'loss');
    const request = { loss: 'loss', wrt: ['x'], inputShapes: new Map([['x', [1, 1, 3, 3]]]) };
    assert.throws(() => appendGradients(builder.build('ceil'), request), /AveragePool.* has windows beyond its input/);
  });

  it('names an operator without a rule and its node', () => {
    const builder = new GraphBuilder();
    builder.op('Equal', [builder.op('Sum', [builder.input('x', [1])], {}, 'y'), builder.scalar(0)], {}, 'loss');
    const request = { loss: 'loss', wrt: ['x'], inputShapes: new Map([['x', [1]]]) };
    assert.throws(() => appendGradients(builder.build('odd'), request), /node 'y' \(Sum\)/);
  });
});
