/**
 * @file The whole way to a trained model: initial head, features of the frozen layers, tuples and steps, the best epoch's
 * weights, whitening, export. Everything that a person wants to see of it is in the run folder.
 */
import path from 'node:path';
import type { ByN } from '../evaluation/recall.ts';
import { NetvladError } from '../errors.ts';
import { createRandom } from '../math/random.ts';
import { TOOL_VERSION } from '../version.ts';
import { cacheFeatures } from './cacheFeatures.ts';
import { computeRunDigest, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { drawImages } from './drawImages.ts';
import { type ExportedModel, exportModel } from './exportModel.ts';
import type { FeatureCache } from './FeatureCache.ts';
import { initializePooling } from './initializeHead.ts';
import { initializeWhitening } from './initializeWhitening.ts';
import type { TrainingContext } from './TrainingContext.ts';
import { fingerprintImages, readPixels } from './initializeModel.ts';
import { type Backbone, loadBackbone } from './loadBackbone.ts';
import { renderRun } from './renderRun.ts';
import type { RunFolder } from './runFolder.ts';
import type { TrainConfig, TrainingConfig } from './trainConfig.ts';
import { applyWeights, averageWeights, type TrainedParts } from './trainedHead.ts';
import { type EpochReport, Trainer, type TrainerHooks, type TrainerState } from './Trainer.ts';
import { TrainingNetwork } from './TrainingNetwork.ts';
import type { TrainingSet } from './trainingSet.ts';
import { TupleMiner } from './TupleMiner.ts';
import { writeFileAtomically } from '../writeFileAtomically.ts';
import { computeValidationChance, computeValidationRecall, rankDatabase } from './validate.ts';

const PARITY_IMAGES = 8;

export interface TrainRequest {
  readonly set: TrainingSet;
  readonly run: RunFolder;
  readonly dataDescription: string;
  /** Folder of the feature caches. */
  readonly cacheFolder: string;
  /** Goes on from the run folder's last checkpoint. */
  readonly resume: boolean;
}

export interface TrainedModel {
  /** Null when the run was interrupted: its checkpoints are in the run folder. */
  readonly exported: ExportedModel | null;
  readonly reports: readonly EpochReport[];
  /** Validation recall before the first step, of the best epoch, and by guessing. */
  readonly recall: { readonly initial: ByN; readonly best: ByN; readonly chance: ByN };
  /** Of the network without whitening, which is what the recalls are of. */
  readonly dimension: number;
  /** For each validation query: was the first (fifth) answer right with the best weights? For intervals. */
  readonly hits: { readonly at1: readonly boolean[]; readonly at5: readonly boolean[] };
}

/** Outputs of the blocks of our architectures, in order; anybody's network has other names. */
const BLOCK_OUTPUT = /^(features\.\d+|layer\d+\.\d+)$/;

/** Tensor after which the backbone is trained; the map when it is frozen, null when all of it is trained. */
function trainedFrom({ graph, map }: Backbone, { layers }: TrainingConfig): string | null {
  if (layers === 'all') return null;
  if (layers === 'none' || layers === 'head') return map;
  if (typeof layers === 'object') return layers.after;
  const blocks = graph.nodes.flatMap((node) => node.outputs).filter((name) => BLOCK_OUTPUT.test(name));
  if (blocks.length === 0) {
    throw new NetvladError('bad-input', `training.layers: ${layers}: this backbone does not name its blocks.`, {
      hint: 'Name the tensor after which it is trained: layers: { after: NAME }.',
    });
  }
  return blocks.at(-1 - layers) ?? null;
}

function createNetwork(parts: TrainedParts, config: TrainConfig, context: TrainingContext): TrainingNetwork {
  const training = config.training!;
  return new TrainingNetwork({
    backbone: parts.backbone.graph,
    opset: parts.backbone.opset,
    pooling: parts.pooling,
    trainedFrom: trainedFrom(parts.backbone, training),
    trainHead: training.layers !== 'none',
    image: config.input,
    margin: training.margin,
    ...(context.session === undefined ? {} : { session: context.session }),
  });
}

/** Measures the validation images with the network's present weights. */
async function rankValidation(
  trainer: Trainer,
  set: TrainingSet,
  options: { variants: number; dimension: number },
): Promise<ReturnType<typeof rankDatabase>> {
  const { queries, database } = set.validation;
  const describe = (rows: readonly number[]): Promise<Float32Array> =>
    trainer.describe(rows.map((row) => row * options.variants));
  return rankDatabase(await describe(queries), await describe(database), options.dimension);
}

/** Writes training.html from the log, so that a resumed run shows its earlier epochs too. */
async function writeRunPage({ run, dataDescription, set }: TrainRequest, { config }: TrainingContext): Promise<void> {
  const events = await run.readLog();
  const start = events.find(({ event }) => event === 'start') as unknown as { recall: ByN; chance: ByN };
  const page = renderRun({
    config,
    dataDescription,
    validationQueries: set.validation.queries.length,
    initial: start.recall,
    chance: start.chance,
    reports: events.filter(({ event }) => event === 'epoch') as unknown as EpochReport[],
  });
  await writeFileAtomically(path.join(run.path, 'training.html'), page);
}

function createHooks(
  request: TrainRequest,
  context: TrainingContext,
  facts: { digest: string; validate: () => Promise<ByN>; reports: EpochReport[] },
): TrainerHooks {
  const progress = context.progress('training');
  const { run } = request;
  return {
    signal: context.signal ?? new AbortController().signal,
    nowMs: () => performance.now(),
    onProgress: ({ epoch, query, queries, loss, active }) => {
      progress.update(
        query,
        queries,
        `epoch ${epoch + 1}  loss ${loss.toFixed(4)}  active ${(100 * active).toFixed(0)} %`,
      );
    },
    validate: facts.validate,
    onEpoch: async (report, state) => {
      facts.reports.push(report);
      await writeCheckpoint(run.checkpoint('last'), state, facts.digest);
      if (report.isBest) await writeCheckpoint(run.checkpoint('best'), state, facts.digest);
      await run.log({ event: 'epoch', ...report });
      await writeRunPage(request, context);
      const recall = Object.entries(report.recall).map(([n, value]) => `@${n} ${(100 * value).toFixed(1)}`);
      context.logger.info(
        `epoch ${report.epoch}: loss ${report.lossPerQuery.toFixed(4)} a query, ${report.active} of ${report.queries} queries active, ` +
          `${(100 * report.violatingShare).toFixed(0)} % violating, recall ${recall.join(' ')}${report.isBest ? ' (best)' : ''}, ${report.seconds.toFixed(0)} s`,
      );
    },
  };
}

/** Trains to the end (or to the interruption) and gives the best epoch's weights; null weights: nothing was trained. */
async function runTrainer(
  request: TrainRequest,
  parts: TrainedParts,
  context: TrainingContext,
): Promise<{
  best: ReadonlyMap<string, Float32Array>;
  network: TrainingNetwork;
  cache: FeatureCache;
  outcome: Omit<TrainedModel, 'exported'>;
}> {
  const { config } = context;
  const training = config.training!;
  const { set, run } = request;
  const variants = training.augmentation.variants;
  const network = createNetwork(parts, config, context);
  const images = set.images.map(({ image }) => image);
  const cache = await cacheFeatures({ network, images, variants, folder: request.cacheFolder }, context);
  const digest = computeRunDigest({
    config: { ...config, training: { ...training, epochs: 0 } },
    images: fingerprintImages(images),
  });
  const resumed: TrainerState | undefined = request.resume
    ? await readCheckpoint(run.checkpoint('last'), digest)
    : undefined;
  const miner = new TupleMiner(
    set,
    { ...training, remembered: training.rememberedNegatives, variants },
    resumed?.remembered,
  );
  const reports: EpochReport[] = [];
  const rank = (): ReturnType<typeof rankValidation> =>
    rankValidation(trainer, set, { variants, dimension: network.dimension });
  const validate = async (): Promise<ByN> => computeValidationRecall(await rank(), set.validation);
  const hooks = createHooks(request, context, { digest, validate, reports });
  const trainer = new Trainer({ network, cache, miner }, { ...training, seed: config.seed }, hooks, resumed);
  const initial = new Map([...network.weights].map(([name, { data }]) => [name, data.slice()]));
  const before = await validate();
  const chance = computeValidationChance(set.validation);
  await run.log({
    event: 'start',
    queries: set.queries.length,
    database: set.database.length,
    validation: set.validation.queries.length,
    recall: before,
    chance,
  });
  const last = network.weights.size === 0 ? trainer.state() : await trainer.run();
  const trained =
    last.best.epoch < 0 || last.best.recallAt5 < (before[5] ?? 0)
      ? null
      : await readCheckpoint(run.checkpoint('best'), digest);
  const best = averageWeights(trained?.weights ?? initial, initial, training.trainedShare);
  for (const [name, values] of best) network.weights.get(name)!.data.set(values);
  const rankings = await rank();
  const hit = (n: number): boolean[] =>
    rankings.map((rows, q) => rows.slice(0, n).some((row) => set.validation.truth[q]!.has(row)));
  const recall = { initial: before, best: computeValidationRecall(rankings, set.validation), chance };
  return {
    best,
    network,
    cache,
    outcome: { reports, recall, dimension: network.dimension, hits: { at1: hit(1), at5: hit(5) } },
  };
}

/** Trains, whitens and exports. Throws NetvladError for data, config and checkpoints that cannot be used. */
export async function trainModel(request: TrainRequest, context: TrainingContext): Promise<TrainedModel> {
  const { config } = context;
  const { set } = request;
  const databaseImages = set.database.map((row) => set.images[row]!.image);
  const backbone = await loadBackbone(config);
  const start: TrainedParts = { backbone, pooling: await initializePooling(databaseImages, backbone, context) };
  const { best, network, cache, outcome } = await runTrainer(request, start, context);
  await cache.close();
  await network.dispose();
  if (context.signal?.aborted === true) return { exported: null, ...outcome };
  const trained = applyWeights(start, best);
  const whitening = await initializeWhitening(databaseImages, trained, context);
  const parityImages = await readPixels(
    drawImages(databaseImages, PARITY_IMAGES, createRandom(config.seed).fork('parity')),
  );
  const exported = await exportModel(
    trained.backbone,
    { pooling: trained.pooling, whitening },
    {
      config,
      folder: request.run.model,
      parityImages,
      training: {
        data: {
          source: request.dataDescription,
          images: set.images.length,
          namesSha256: fingerprintImages(set.images.map(({ image }) => image)),
        },
        run: {
          tool: `netvlad_localizer ${TOOL_VERSION}`,
          folder: path.basename(request.run.path),
          seed: config.seed,
          epochs: outcome.reports.length,
          training: config.training,
          whitening: config.whitening,
        },
        recall: {
          validation: outcome.recall.best,
          initial: outcome.recall.initial,
          chance: outcome.recall.chance,
          queries: set.validation.queries.length,
        },
      },
      ...(context.session === undefined ? {} : { session: context.session }),
    },
  );
  return { exported, ...outcome };
}
