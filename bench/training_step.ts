/**
 * @file How long does a training step take beside PyTorch's, and are its gradients the same? Head alone and the last three
 * blocks of MobileNetV2, four tuples of 1 + 1 + 10 images. PyTorch is a development tool: `pip install torch` into any
 * Python and name it.
 *
 *   node dist/bench/training_step.js CHECKPOINT.pt [--python /path/to/python]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom } from '../src/math/random.ts';
import { initializeParameters } from '../src/netvlad/initializeParameters.ts';
import { createMobileNetV2 } from '../src/onnx/backbones/mobileNetV2.ts';
import { elementCount, OPSET } from '../src/onnx/graph.ts';
import { readCheckpoint } from '../src/onnx/pytorch/readCheckpoint.ts';
import { SgdOptimizer } from '../src/training/SgdOptimizer.ts';
import { TrainingNetwork, type Triplet } from '../src/training/TrainingNetwork.ts';

const [TUPLES, NEGATIVES, CLUSTERS, STEPS, MARGIN, RATE, WEIGHT_DECAY, THREADS] = [4, 10, 64, 10, 0.1, 0.01, 1e-3, 2];
const { values: options, positionals } = parseArgs({
  options: { python: { type: 'string', default: 'python3' } },
  allowPositionals: true,
});
const random = createRandom(1);

function unitRows(rows: number, dimension: number): Float64Array {
  const values = Float64Array.from({ length: rows * dimension }, () => random.normal());
  for (let start = 0; start < values.length; start += dimension) {
    const row = values.subarray(start, start + dimension);
    const length = Math.hypot(...row);
    row.forEach((value, d) => (row[d] = value / length));
  }
  return values;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** |ours - theirs| / |theirs| over a whole tensor. */
function relativeError(ours: Float32Array, theirs: Float32Array): number {
  const length = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return length(ours.map((value, i) => value - theirs[i]!)) / Math.max(length(theirs), 1e-12);
}

async function compare(title: string, trainedFrom: string, blocks: readonly number[]): Promise<void> {
  const { parameters } = initializeParameters(
    'v1',
    { centres: unitRows(CLUSTERS, 96), dimension: 96 },
    unitRows(2000, 96),
  );
  const network = new TrainingNetwork({
    backbone: createMobileNetV2(readCheckpoint(new Uint8Array(readFileSync(positionals[0]!)))),
    opset: OPSET,
    pooling: { kind: 'netvlad', parameters },
    trainedFrom,
    trainHead: true,
    image: { width: 320, height: 240 },
    margin: MARGIN,
    session: { threads: THREADS },
  });
  const perTuple = 2 + NEGATIVES;
  const count = TUPLES * perTuple;
  const features = Float32Array.from({ length: count * elementCount(network.featureDims) }, () => random.normal());
  const triplets: Triplet[] = Array.from({ length: TUPLES * NEGATIVES }, (_unused, i) => {
    const first = Math.floor(i / NEGATIVES) * perTuple;
    return { query: first, positive: first + 1, negative: first + 2 + (i % NEGATIVES) };
  });
  const folder = mkdtempSync(join(tmpdir(), 'training-step-'));
  try {
    const write = (name: string, values: Float32Array): void => {
      writeFileSync(join(folder, `${name}.f32`), new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    };
    const read = (name: string): Float32Array =>
      new Float32Array(new Uint8Array(readFileSync(join(folder, `${name}.f32`))).buffer);
    write('features', features);
    for (const [name, { data }] of network.weights) write(name, data);
    const meta = {
      features: [count, ...network.featureDims],
      weights: Object.fromEntries([...network.weights].map(([name, { dims }]) => [name, dims])),
      triplets: triplets.map(({ query, positive, negative }) => [query, positive, negative]),
      ...{ blocks, margin: MARGIN, rate: RATE, weightDecay: WEIGHT_DECAY, steps: STEPS, threads: THREADS },
    };
    writeFileSync(join(folder, 'step.json'), JSON.stringify(meta));

    const optimizer = new SgdOptimizer({ momentum: 0.9, weightDecay: WEIGHT_DECAY });
    const tensors = [...network.weights].map(([name, { data }]) => ({ name, values: data, learningRate: RATE }));
    const times: number[] = [];
    let first: Awaited<ReturnType<TrainingNetwork['step']>> | undefined;
    for (let step = 0; step < STEPS; step++) {
      const started = performance.now();
      const result = await network.step(features, triplets);
      const divisor = Math.max(1, result.violating);
      optimizer.step(tensors, new Map([...result.gradients].map(([name, g]) => [name, g.map((v) => v / divisor)])), 1);
      times.push(performance.now() - started);
      first ??= result;
    }
    const script = join(import.meta.dirname, '../../bench/training_step.py');
    const lines = execFileSync(options.python, [script, folder], { encoding: 'utf8' }).trim().split('\n');
    const torch = Object.assign({}, ...lines.map((line) => JSON.parse(line) as object)) as Record<string, number>;
    const names = [...network.weights.keys()];
    const worst = (errorOf: (name: string) => number): string => Math.max(...names.map(errorOf)).toExponential(1);
    const gradientOf = (name: string): Float32Array => first!.gradients.get(name)!;
    const single = worst((name) => relativeError(gradientOf(name), read(`${name}.torch-gradient`)));
    const double = worst((name) => relativeError(gradientOf(name), read(`${name}.torch-gradient64`)));
    const theirs = worst((name) => relativeError(read(`${name}.torch-gradient`), read(`${name}.torch-gradient64`)));
    const weights = worst((name) => relativeError(network.weights.get(name)!.data, read(`${name}.torch-weights`)));
    const ours = median(times.slice(2));
    console.log(`${title}: ${count} images, ${network.weights.size} trained tensors`);
    console.log(
      `  loss ${first!.loss.toFixed(5)} / ${torch.loss!.toFixed(5)}, violating ${first!.violating} / ${torch.violating!}`,
    );
    console.log(
      `  gradients, worst tensor's relative difference: to PyTorch ${single}, to its float64 ${double} (its own float32: ${theirs})`,
    );
    console.log(`  weights after ${STEPS} steps, worst tensor: ${weights}`);
    console.log(
      `  step, median: ours ${ours.toFixed(1)} ms, PyTorch ${torch.medianMs!.toFixed(1)} ms, ratio ${(ours / torch.medianMs!).toFixed(2)}`,
    );
  } finally {
    rmSync(folder, { recursive: true });
    await network.dispose();
  }
}

await compare('Head alone', 'features.13', []);
await compare('Head and the last three blocks', 'features.10', [11, 12, 13]);
