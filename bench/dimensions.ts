/**
 * @file What does a shorter descriptor cost? Recall@1 of an untrained K = 64 NetVLAD against its dimension, whitened fully and
 * by half, with statistics from one source and from several. Prints a Markdown table and writes a plot. Takes about five
 * minutes, most of them for the principal components.
 *
 *   node dist/bench/dimensions.js DATA CHECKPOINT.pt PLOT.svg
 *
 * DATA holds the public sets; centres and statistics come from the sets that are for training alone.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DescriptorModel } from '../src/inference/DescriptorModel.ts';
import { floatFeed, OnnxSession } from '../src/inference/OnnxSession.ts';
import { silentLogger } from '../src/Logger.ts';
import { computePca, toWhitening, type Pca } from '../src/math/pca.ts';
import { createRandom } from '../src/math/random.ts';
import { l2NormalizeRows } from '../src/math/vectors.ts';
import { createModel, GraphBuilder } from '../src/onnx/GraphBuilder.ts';
import { writeModel } from '../src/onnx/writeModel.ts';
import { silentProgress } from '../src/Progress.ts';
import { drawImages } from '../src/training/drawImages.ts';
import { initializePooling } from '../src/training/initializeHead.ts';
import { loadBackbone } from '../src/training/loadBackbone.ts';
import type { TrainingImage } from '../src/training/neighbourhoods.ts';
import { toTrainConfig } from '../src/training/trainConfig.ts';
import { withModel } from '../src/training/TrainingContext.ts';
import { rankDatabase } from '../src/training/validate.ts';
import { describeInOrder } from './support/describeInOrder.ts';
import { renderDimensions } from './support/plotDimensions.ts';
import { loadPublicQuestions, type PublicQuestion, readSet } from './support/publicSets.ts';
import { endWithUsage } from './support/usage.ts';

const [data, checkpoint, plot] = process.argv.slice(2);
if (data === undefined || checkpoint === undefined || plot === undefined) {
  endWithUsage('dimensions.js DATA CHECKPOINT.pt PLOT.svg');
}
const DIMENSIONS = [128, 256, 512, 1024, 2048];
const IMAGES = 2100; // at most so many directions, less one
const ONE = ['ie_tower_indoor'];
const MIXED = ['cambridge_west', 'ie_tower_indoor', 'pepper_office', 'mapillary_dashcam'];
const REPORTED = ['gardens_point night_right', 'corridor_fisheye', 'cambridge_west validation'];

async function readSources(names: readonly string[]): Promise<TrainingImage[]> {
  const images: TrainingImage[] = [];
  for (const [source, name] of names.entries()) {
    const role = name === 'cambridge_west' ? 'train_database' : undefined;
    images.push(...(await readSet(data!, name, role)).map((image) => ({ image, source })));
  }
  return images;
}

/** A question with its descriptors [n, dimension]. */
interface Described {
  readonly question: PublicQuestion;
  readonly queries: Float32Array;
  readonly database: Float32Array;
}

/** Rows through all directions of the pca, unscaled and not normalised: [n, directions]. */
async function rotate(rows: Float32Array, pca: Pca): Promise<Float32Array> {
  const { inputDimension, outputDimension, weights, bias } = toWhitening(pca, pca.values.length, 0);
  const builder = new GraphBuilder();
  const x = builder.input('x', ['n', inputDimension]);
  const w = builder.floats(Float32Array.from(weights), [outputDimension, inputDimension]);
  const b = builder.floats(Float32Array.from(bias), [outputDimension]);
  builder.op('Gemm', [x, w, b], { transB: 1 }, 'y');
  builder.output('y', ['n', outputDimension]);
  const session = await OnnxSession.open(writeModel(createModel(builder.build('rotation'))), 'rotation');
  const { y } = await session.run({ x: floatFeed([rows.length / inputDimension, inputDimension], rows) }, ['y']);
  await session.dispose();
  return y!.data as Float32Array;
}

/** The first `dimension` columns of [n, columns], each scaled by its variance to the power of -power, rows of unit length. */
function shorten(rows: Float32Array, columns: number, { pca, dimension, power }: Whitening): Float32Array {
  const scales = pca.values.subarray(0, dimension).map((value) => (Math.max(value, 0) + 1e-9) ** -power);
  const out = Float32Array.from({ length: (rows.length / columns) * dimension }, (_unused, at) => {
    const column = at % dimension;
    return rows[Math.floor(at / dimension) * columns + column]! * scales[column]!;
  });
  return l2NormalizeRows(out, dimension);
}

interface Whitening {
  readonly pca: Pca;
  readonly dimension: number;
  readonly power: number;
}

function computeRecallAt1({ question, queries, database }: Described, dimension: number): number {
  const rankings = rankDatabase(queries, database, dimension);
  const hits = question.queries.filter((query, at) => question.isTrue(query, question.database[rankings[at]![0]!]!));
  return hits.length / question.queries.length;
}

const config = toTrainConfig(
  {
    name: 'dimensions',
    backbone: { name: 'mobilenetv2', weights: checkpoint, weightsFrom: 'ImageNet', licence: 'MIT' },
    input: { kernel: 'linear' },
    pooling: { kind: 'netvlad', clusters: 64 },
  },
  join(process.cwd(), 'dimensions.yaml'),
);
const context = { config, logger: silentLogger, progress: () => silentProgress };
const questions = (await loadPublicQuestions(data)).filter(({ name }) => REPORTED.includes(name));
const mixed = await readSources(MIXED);
const backbone = await loadBackbone(config);
const pooling = await initializePooling(mixed, backbone, context);

async function describeAll(
  model: DescriptorModel,
): Promise<{ sets: Described[]; one: Float32Array; several: Float32Array }> {
  const draw = async (images: readonly TrainingImage[]): Promise<Float32Array> => {
    const drawn = drawImages(images, IMAGES, createRandom(1)).map(({ image }) => image);
    return describeInOrder(drawn, model);
  };
  const sets: Described[] = [];
  for (const question of questions) {
    const queries = await describeInOrder(question.queries, model);
    sets.push({ question, queries, database: await describeInOrder(question.database, model) });
  }
  return { sets, one: await draw(await readSources(ONE)), several: await draw(mixed) };
}

const { sets, one, several } = await withModel({ backbone, head: { pooling, whitening: null } }, context, describeAll);
const full = 64 * backbone.channels;
const percent = (share: number): string => (100 * share).toFixed(1);
const untouched = sets.map((set) => computeRecallAt1(set, full));

interface Curve {
  /** Source of the statistics and kind of whitening, with a comma between. */
  readonly name: string;
  /** For every set, recall@1 at every dimension and at all of the directions. */
  readonly recalls: readonly (readonly number[])[];
}

/** Recall@1 of every set at every dimension, whitened by half and fully. */
async function measure(name: string, pca: Pca): Promise<Curve[]> {
  const columns = pca.values.length;
  const rotated: Described[] = [];
  for (const { question, queries, database } of sets) {
    rotated.push({ question, queries: await rotate(queries, pca), database: await rotate(database, pca) });
  }
  const recallAt = (set: Described, dimension: number, power: number): number => {
    const [queries, database] = [set.queries, set.database].map((rows) =>
      shorten(rows, columns, { pca, dimension, power }),
    );
    return computeRecallAt1({ ...set, queries: queries!, database: database! }, dimension);
  };
  return [
    { name: `${name}, half whitening`, power: 0.25 },
    { name: `${name}, full whitening`, power: 0.5 },
  ].map((variant) => ({
    name: variant.name,
    recalls: rotated.map((set) => [...DIMENSIONS, columns].map((dimension) => recallAt(set, dimension, variant.power))),
  }));
}

const curves = [
  ...(await measure('one source', computePca(one, full))),
  ...(await measure('four sources', computePca(several, full))),
];

console.log(
  `Recall@1 in %; ${IMAGES} images in the statistics: all directions are ${IMAGES - 1}. K = 64, untrained; as it comes it has ${full} dimensions.\n`,
);
console.log(`| set | statistics | ${DIMENSIONS.join(' | ')} | all | as it comes |`);
console.log(`|---|---|${'---|'.repeat(DIMENSIONS.length + 2)}`);
for (const [at, { question }] of sets.entries()) {
  for (const { name, recalls } of curves) {
    console.log(
      `| ${question.name}, ${question.rule} | ${name} | ${recalls[at]!.map(percent).join(' | ')} | ${percent(untouched[at]!)} |`,
    );
  }
}

const panels = sets.map(({ question }, at) => ({
  title: question.name,
  untouched: untouched[at]!,
  curves: curves.map(({ name, recalls }) => ({ name, recalls: recalls[at]! })),
}));
writeFileSync(plot, renderDimensions(panels, [...DIMENSIONS.map(String), 'all']));
