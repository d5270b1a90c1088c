/**
 * @file Is a training step the same as PyTorch's, and how long does it take beside it? Head alone and with the last three blocks of
 * MobileNetV2, K = 64, the default rates; ten steps of four tuples (1 + 1 + 10 images) that were mined from the training streets of
 * cambridge_west. PyTorch is a development tool: `pip install torch` into any Python and name it.
 *
 *   node dist/bench/training_step.js CHECKPOINT.pt DATA [--python /path/to/python]
 *
 * DATA holds the public sets.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { silentLogger } from '../src/Logger.ts';
import { createRandom } from '../src/math/random.ts';
import { silentProgress } from '../src/Progress.ts';
import { cacheFeatures } from '../src/training/cacheFeatures.ts';
import { describeRows, readFeatures } from '../src/training/describeRows.ts';
import { initializePooling } from '../src/training/initializeHead.ts';
import { loadBackbone } from '../src/training/loadBackbone.ts';
import { eachNeighbourhood, type TrainingImage } from '../src/training/neighbourhoods.ts';
import { SgdOptimizer } from '../src/training/SgdOptimizer.ts';
import { toTrainConfig } from '../src/training/trainConfig.ts';
import { type StepPart, type StepResult, TrainingNetwork } from '../src/training/TrainingNetwork.ts';
import { TupleMiner } from '../src/training/TupleMiner.ts';
import { readSet } from './publicSets.ts';

const [STEPS, THREADS] = [10, 2];
const { values: options, positionals } = parseArgs({
  options: { python: { type: 'string', default: 'python3' } },
  allowPositionals: true,
});
const [checkpoint, data] = positionals;
if (checkpoint === undefined || data === undefined) {
  throw new Error('usage: node dist/bench/training_step.js CHECKPOINT.pt DATA [--python PYTHON]');
}

const config = toTrainConfig(
  {
    name: 'training_step',
    backbone: { name: 'mobilenetv2', weights: checkpoint, weightsFrom: 'ImageNet', licence: 'MIT' },
    input: { kernel: 'nearest' },
    pooling: { kind: 'netvlad', clusters: 64 },
    initialisation: { images: 200, locationsPerImage: 50, iterations: 30 },
    training: { cachePrecision: 'float32' },
  },
  join(process.cwd(), 'training_step.yaml'),
);
const training = config.training!;
const context = { config, logger: silentLogger, progress: () => silentProgress, session: { threads: THREADS } };
const folder = mkdtempSync(join(tmpdir(), 'training-step-'));
process.on('exit', () => {
  rmSync(folder, { recursive: true });
});

async function readStreets(): Promise<{ images: TrainingImage[]; queries: number[]; database: number[] }> {
  const queries = await readSet(data!, 'cambridge_west', 'train_query');
  const database = await readSet(data!, 'cambridge_west', 'train_database');
  const images = [...queries, ...database].map((image) => ({ image, source: 0 }));
  return { images, queries: [...queries.keys()], database: database.map((_unused, at) => queries.length + at) };
}

const streets = await readStreets();
const backbone = await loadBackbone(config);
const pooling = await initializePooling(streets.images, backbone, context);

/** The first tuples of an epoch that are full, with the features of their images. */
async function mineParts(network: TrainingNetwork, count: number): Promise<StepPart[]> {
  const images = streets.images.map(({ image }) => image);
  const cache = await cacheFeatures({ network, images, variants: 1, folder, precision: 'float32' }, context);
  const descriptors = await describeRows({ network, cache, rows: [...images.keys()] });
  const neighbourhoods = new Map(eachNeighbourhood(streets.images, streets, training));
  const mining = { ...training, remembered: training.rememberedNegatives, variants: 1 };
  const miner = new TupleMiner({ neighbourhoods, database: streets.database }, mining);
  const random = createRandom(config.seed);
  const parts: StepPart[] = [];
  for (const query of miner.drawOrder(random)) {
    if (parts.length === count) break;
    const turn = miner.mine(query, { dimension: network.dimension, data: descriptors }, random);
    if (turn.kind !== 'tuple' || turn.tuple.negatives.length < training.negativesPerQuery) continue;
    const { positive, negatives } = turn.tuple;
    const triplets = negatives.map((_unused, i) => ({ query: 0, positive: 1, negative: 2 + i }));
    parts.push({ features: await readFeatures(cache, [query, positive, ...negatives]), triplets });
  }
  await cache.close();
  if (parts.length < count) throw new Error(`only ${parts.length} of ${count} tuples have enough violating negatives`);
  return parts;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** |ours - theirs| / |theirs| over a whole tensor. */
function relativeError(ours: Float32Array, theirs: Float32Array): number {
  const length = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return length(ours.map((value, i) => value - theirs[i]!)) / Math.max(length(theirs), 1e-12);
}

const fileOf = (name: string): string => join(folder, `${name}.f32`);
const readFloats = (name: string): Float32Array => new Float32Array(new Uint8Array(readFileSync(fileOf(name))).buffer);
function writeFloats(name: string, parts: readonly Float32Array[]): void {
  writeFileSync(
    fileOf(name),
    Buffer.concat(parts.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength))),
  );
}

/** Ten steps of ours; milliseconds of each and the first step's result. */
async function takeSteps(
  network: TrainingNetwork,
  parts: readonly StepPart[],
): Promise<{ times: number[]; first: StepResult }> {
  const optimizer = new SgdOptimizer(training);
  const tensors = [...network.weights].map(([name, { data: values }]) => ({
    name,
    values,
    learningRate: rateOf(network, name),
  }));
  const times: number[] = [];
  const results: StepResult[] = [];
  for (let step = 0; step < STEPS; step++) {
    const started = performance.now();
    const result = await network.step(parts.slice(step * training.batchTuples, (step + 1) * training.batchTuples));
    const divisor = Math.max(1, result.violating);
    optimizer.step(tensors, new Map([...result.gradients].map(([name, g]) => [name, g.map((v) => v / divisor)])), 1);
    times.push(performance.now() - started);
    results.push(result);
  }
  return { times, first: results[0]! };
}

const rateOf = ({ backboneWeights }: TrainingNetwork, name: string): number =>
  backboneWeights.has(name) ? training.backboneRate : training.headRate;

/** The same ten steps in PyTorch, in a process of its own. */
function takeStepsInPyTorch(network: TrainingNetwork, blocks: readonly number[]): Record<string, number> {
  const weights = [...network.weights].map(([name, { dims }]) => [name, { dims, rate: rateOf(network, name) }]);
  const meta = {
    features: [STEPS, training.batchTuples, 2 + training.negativesPerQuery, ...network.featureDims],
    weights: Object.fromEntries(weights) as object,
    ...{
      blocks,
      threads: THREADS,
      margin: training.margin,
      weightDecay: training.weightDecay,
      momentum: training.momentum,
    },
  };
  writeFileSync(join(folder, 'step.json'), JSON.stringify(meta));
  const script = join(import.meta.dirname, '../../bench/training_step.py');
  const lines = execFileSync(options.python, [script, folder], { encoding: 'utf8' }).trim().split('\n');
  return Object.assign({}, ...lines.map((line) => JSON.parse(line) as object)) as Record<string, number>;
}

async function compare(title: string, trainedFrom: string, blocks: readonly number[]): Promise<void> {
  const network = new TrainingNetwork({
    ...{ backbone: backbone.graph, opset: backbone.opset, pooling, trainedFrom, trainHead: true },
    ...{ image: config.input, margin: training.margin, session: context.session },
  });
  try {
    const parts = await mineParts(network, STEPS * training.batchTuples);
    writeFloats(
      'features',
      parts.map(({ features }) => features),
    );
    for (const [name, { data: values }] of network.weights) writeFloats(name, [values]);
    const { times, first } = await takeSteps(network, parts);
    const torch = takeStepsInPyTorch(network, blocks);

    const worst = (errorOf: (name: string) => number): string => {
      const errors = [...network.weights.keys()].map((name) => ({ name, error: errorOf(name) }));
      const { name, error } = errors.reduce((a, b) => (b.error > a.error ? b : a));
      return `${error.toExponential(1)} (${name})`;
    };
    const gradientOf = (name: string): Float32Array => first.gradients.get(name)!;
    const torchOf = (name: string, what: string): Float32Array => readFloats(`${name}.torch-${what}`);
    const weightsOf = (name: string): Float32Array => network.weights.get(name)!.data;
    const ours = median(times.slice(2));
    console.log(
      `${title}: ${training.batchTuples} tuples of ${2 + training.negativesPerQuery} images, ${network.weights.size} trained tensors`,
    );
    console.log(
      `  loss ${first.loss.toFixed(6)} / ${torch.loss!.toFixed(6)}, violating ${first.violating} / ${torch.violating!}`,
    );
    console.log('  worst relative difference of a tensor, |a - b| / |b|:');
    console.log(
      `    gradients: to PyTorch ${worst((name) => relativeError(gradientOf(name), torchOf(name, 'gradient')))}`,
    );
    console.log(
      `      to its float64 ${worst((name) => relativeError(gradientOf(name), torchOf(name, 'gradient64')))}`,
    );
    console.log(
      `      PyTorch's float32 to its float64 ${worst((name) => relativeError(torchOf(name, 'gradient'), torchOf(name, 'gradient64')))}`,
    );
    console.log(
      `    weights after ${STEPS} steps: to PyTorch ${worst((name) => relativeError(weightsOf(name), torchOf(name, 'weights')))}`,
    );
    console.log(
      `  step, median: ours ${ours.toFixed(1)} ms, PyTorch ${torch.medianMs!.toFixed(1)} ms, ratio ${(ours / torch.medianMs!).toFixed(2)}`,
    );
  } finally {
    await network.dispose();
  }
}

await compare('Head alone', 'features.13', []);
await compare('Head and the last three blocks', 'features.10', [11, 12, 13]);
