/**
 * @file Is a training step the same as PyTorch's, and how long does it take beside it? Head alone and with the last three blocks of
 * MobileNetV2, K = 64, the default rates; ten batches of four tuples that were mined from the training streets of cambridge_west.
 * Gradients of every batch at the start, and the weights after a step on each. PyTorch is a development tool: `pip install torch`
 * into any Python and name it.
 *
 *   node dist/bench/training_step.js CHECKPOINT.pt DATA [--python /path/to/python] [--seed N]
 *
 * DATA holds the public sets. Another seed draws other tuples and another initial head.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { silentLogger } from '../src/Logger.ts';
import { median } from '../src/math/statistics.ts';
import { silentProgress } from '../src/Progress.ts';
import { initializePooling } from '../src/training/initializeHead.ts';
import { loadBackbone } from '../src/training/loadBackbone.ts';
import { copyWeights } from '../src/training/runTrainer.ts';
import { SgdOptimizer } from '../src/training/SgdOptimizer.ts';
import { toTrainConfig } from '../src/training/trainConfig.ts';
import { type StepResult, TrainingNetwork } from '../src/training/TrainingNetwork.ts';
import { type Batch, mineBatches, type Streets } from './support/minedBatches.ts';
import { readSet } from './support/publicSets.ts';
import { endWithUsage } from './support/usage.ts';

const [STEPS, THREADS] = [10, 2];
const { values: options, positionals } = parseArgs({
  options: { python: { type: 'string', default: 'python3' }, seed: { type: 'string', default: '1' } },
  allowPositionals: true,
});
const [checkpoint, data] = positionals;
if (checkpoint === undefined || data === undefined) {
  endWithUsage('training_step.js CHECKPOINT.pt DATA [--python PYTHON] [--seed N]');
}

const config = toTrainConfig(
  {
    name: 'training_step',
    seed: Number(options.seed),
    backbone: { name: 'mobilenetv2', weights: checkpoint, weightsFrom: 'ImageNet', licence: 'MIT' },
    input: { kernel: 'nearest' },
    pooling: { kind: 'netvlad', clusters: 64 },
    initialisation: { images: 200, locationsPerImage: 50, iterations: 30 },
    training: {},
  },
  join(process.cwd(), 'training_step.yaml'),
);
const training = config.training!;
const context = { config, logger: silentLogger, progress: () => silentProgress, session: { threads: THREADS } };
const folder = mkdtempSync(join(tmpdir(), 'training-step-'));
process.on('exit', () => {
  rmSync(folder, { recursive: true });
});

async function readStreets(): Promise<Streets> {
  const queries = await readSet(data!, 'cambridge_west', 'train_query');
  const database = await readSet(data!, 'cambridge_west', 'train_database');
  const images = [...queries, ...database].map((image) => ({ image, source: 0 }));
  return { images, queries: [...queries.keys()], database: database.map((_unused, at) => queries.length + at) };
}

const fileOf = (name: string): string => join(folder, `${name}.f32`);
const readFloats = (name: string): Float32Array => new Float32Array(new Uint8Array(readFileSync(fileOf(name))).buffer);

function writeFloats(name: string, parts: readonly Float32Array[]): void {
  const bytes = parts.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  writeFileSync(fileOf(name), Buffer.concat(bytes));
}

const rateOf = ({ backboneWeights }: TrainingNetwork, name: string): number =>
  backboneWeights.has(name) ? training.backboneRate : training.headRate;

/** One step on each batch; gives the milliseconds of each. */
async function takeSteps(network: TrainingNetwork, batches: readonly Batch[]): Promise<number[]> {
  const optimizer = new SgdOptimizer(training);
  const tensors = [...network.weights].map(([name, tensor]) => ({
    ...{ name, values: tensor.data, learningRate: rateOf(network, name) },
  }));
  const times: number[] = [];
  for (const { features, triplets } of batches) {
    const started = performance.now();
    const { gradients, violating } = await network.step(features, triplets);
    const divisor = Math.max(1, violating);
    optimizer.step(tensors, new Map([...gradients].map(([name, g]) => [name, g.map((v) => v / divisor)])), 1);
    times.push(performance.now() - started);
  }
  return times;
}

/** Of every batch; what ReLU6 gave goes into files for the peer. */
async function takeGradients(network: TrainingNetwork, batches: readonly Batch[]): Promise<Gradients[]> {
  const clipped = network.suffix.nodes.filter(({ opType }) => opType === 'Clip').map(({ outputs }) => outputs[0]!);
  const gradients: Gradients[] = [];
  for (const [number, { features, triplets }] of batches.entries()) {
    const { watched, ...result } = await network.step(features, triplets, clipped);
    clipped.forEach((name, layer) => {
      writeFloats(`clipped.${number}.${layer}`, [watched.get(name)!]);
    });
    gradients.push(result);
  }
  return gradients;
}

/** What the script prints, and the files that it writes. */
interface InPyTorch {
  readonly loss: number;
  readonly violating: number;
  readonly medianMs: number;
  readonly activations: number;
  /** Whose sides float64 took over: ours, and those of PyTorch's float32. */
  readonly ours: Corners;
  readonly single: Corners;
}

/** Of all batches: activations on another side of a corner of ReLU6 than in float64. */
interface Corners {
  readonly changed: number;
  /** How far from the corner they are in float64, at most. */
  readonly furthest: number;
  /** How far activations are from float64's, at most. */
  readonly reach: number;
}

/** The same in PyTorch, in a process of its own. */
function runPyTorch(network: TrainingNetwork, batches: readonly Batch[], blocks: readonly number[]): InPyTorch {
  const weights = [...network.weights].map(([name, { dims }]) => [name, { dims, rate: rateOf(network, name) }]);
  const { margin, weightDecay, momentum } = training;
  const meta = {
    features: network.featureDims,
    images: batches.map(({ images }) => images),
    weights: Object.fromEntries(weights) as object,
    ...{ blocks, margin, weightDecay, momentum, threads: THREADS },
  };
  writeFileSync(join(folder, 'step.json'), JSON.stringify(meta));
  const script = join(import.meta.dirname, '../../bench/training_step.py');
  return JSON.parse(execFileSync(options.python, [script, folder], { encoding: 'utf8' })) as InPyTorch;
}

type Gradients = Omit<StepResult, 'watched'>;

/** |a - b| / |b| of the tensor in which it is largest. */
function worstTensor(
  names: Iterable<string>,
  a: (name: string) => Float32Array,
  b: (name: string) => Float32Array,
): number {
  const length = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  const errors = [...names].map((name) => {
    const other = b(name);
    return length(a(name).map((value, i) => value - other[i]!)) / Math.max(length(other), 1e-12);
  });
  return Math.max(...errors);
}

/** Relative differences of the gradients of every batch: median and largest over the batches. */
function describeGradients(names: readonly string[], ours: readonly Gradients[], torch: InPyTorch): string[] {
  const our = (batch: number) => (name: string) => ours[batch]!.gradients.get(name)!;
  const torchs = (kind: string) => (batch: number) => (name: string) => readFloats(`${name}.${kind}.${batch}`);
  const summarize = (a: typeof our, b: typeof our): string => {
    const errors = ours.map((_unused, batch) => worstTensor(names, a(batch), b(batch)));
    return `${median(errors).toExponential(1)} (${Math.max(...errors).toExponential(1)})`;
  };
  const pairs = [
    { title: 'ours', gradients: our, sides: 'double_as_ours', corners: torch.ours },
    { title: "PyTorch's in float32", gradients: torchs('single'), sides: 'double_as_single', corners: torch.single },
  ];
  return pairs.flatMap(({ title, gradients, sides, corners: { changed, furthest, reach } }) => [
    `${title}: ${summarize(gradients, torchs('double'))}, with its sides of corners ${summarize(gradients, torchs(sides))}`,
    ...(torch.activations === 0
      ? []
      : [
          `  ${changed} of ${(torch.activations / 1e6).toFixed(0)} million activations on another side than in float64, up to ` +
            `${furthest.toExponential(1)} from a corner; activations differ by up to ${reach.toExponential(1)}`,
        ]),
  ]);
}

async function compare(title: string, trainedFrom: string, blocks: readonly number[]): Promise<void> {
  const network = new TrainingNetwork({
    ...{ backbone: backbone.graph, opset: backbone.opset, pooling, trainedFrom, trainHead: true },
    ...{ image: config.input, margin: training.margin, session: context.session },
  });
  try {
    const batches = await mineBatches(network, { streets, count: STEPS, folder }, context);
    const names = [...network.weights.keys()];
    writeFloats(
      'features',
      batches.map(({ features }) => features),
    );
    for (const [name, tensor] of network.weights) writeFloats(name, [tensor.data]);
    // Timed before the gradients, whose gigabyte of activations the system is still writing when they are done.
    const start = copyWeights(network);
    const ours = median(await takeSteps(network, batches));
    const after = copyWeights(network);
    for (const [name, values] of start) network.weights.get(name)!.data.set(values);
    const atStart = await takeGradients(network, batches);
    const torch = runPyTorch(network, batches, blocks);
    const weightsError = worstTensor(
      names,
      (name) => after.get(name)!,
      (name) => readFloats(`${name}.after`),
    );

    const { loss, violating } = atStart[0]!;
    console.log(
      `${title}: ${names.length} trained tensors, ${batches[0]!.images.join(' + ')} images in the first batch`,
    );
    console.log(
      `  its loss ${loss.toFixed(5)} / ${torch.loss.toFixed(5)}, violating ${violating} / ${torch.violating}`,
    );
    console.log(
      `  gradients to PyTorch's in float64, |a - b| / |b| of the worst tensor, median (worst) of ${STEPS} batches:`,
    );
    for (const line of describeGradients(names, atStart, torch)) console.log(`    ${line}`);
    console.log(`  weights after ${STEPS} steps, worst tensor: ${weightsError.toExponential(1)}`);
    console.log(
      `  step, median: ours ${ours.toFixed(1)} ms, PyTorch ${torch.medianMs.toFixed(1)} ms, ratio ${(ours / torch.medianMs).toFixed(2)}`,
    );
  } finally {
    await network.dispose();
  }
}

const streets = await readStreets();
const backbone = await loadBackbone(config);
const pooling = await initializePooling(streets.images, backbone, context);
await compare('Head alone', 'features.13', []);
await compare('Head and the last three blocks', 'features.10', [11, 12, 13]);
