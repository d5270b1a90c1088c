/**
 * @file One run from the initialised network to the best epoch's weights: cached features, checkpoints, log and curves in
 * the run folder, validation and test before and after.
 */
import path from 'node:path';
import type { ByN, Rankings } from '../evaluation/recall.ts';
import { writeFileAtomically } from '../writeFileAtomically.ts';
import { cacheFeatures } from './cacheFeatures.ts';
import { computeRunDigest, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { describeRows } from './describeRows.ts';
import type { FeatureCache } from './FeatureCache.ts';
import { renderRun, type RunPage } from './renderRun.ts';
import type { TrainingImage } from './neighbourhoods.ts';
import type { RunFolder } from './runFolder.ts';
import type { TrainConfig } from './trainConfig.ts';
import { trainedFrom } from './trainedFrom.ts';
import { averageWeights, type TrainedParts } from './trainedHead.ts';
import { type EpochProgress, type EpochReport, Trainer, type TrainerHooks, type TrainerState } from './Trainer.ts';
import type { TrainingContext } from './TrainingContext.ts';
import { TrainingNetwork } from './TrainingNetwork.ts';
import type { TrainingSet, Validation } from './trainingSet.ts';
import { TupleMiner } from './TupleMiner.ts';
import { computeHits, computeValidationChance, computeValidationRecall, type Hits, rankDatabase } from './validate.ts';
import { countOf } from '../countOf.ts';

export interface TrainRequest {
  readonly set: TrainingSet;
  /** Images beside the training database that centres and whitening are made from. */
  readonly statistics: readonly TrainingImage[];
  readonly run: RunFolder;
  readonly dataDescription: string;
  /** Folder of the feature caches. */
  readonly cacheFolder: string;
  /** Goes on from the run folder's last checkpoint. */
  readonly resume: boolean;
}

/** Recall before the first step, with the chosen weights, and by guessing. */
export interface RecallChange {
  readonly initial: ByN;
  readonly best: ByN;
  readonly chance: ByN;
  /** With the chosen weights; for intervals. */
  readonly hits: Hits;
}

export interface TrainerRun {
  /** Chosen by validation, averaged with the initial ones as the config says. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** Of this session. */
  readonly reports: readonly EpochReport[];
  /** Of all sessions. */
  readonly epochs: number;
  readonly validation: RecallChange;
  /** Of the test queries, which had no say in which weights are best; null where there are none. */
  readonly test: RecallChange | null;
  /** Of the network without whitening, which is what the recalls are of. */
  readonly dimension: number;
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

/** Searches for queries with a network's present weights, on the images as they are (variant 0). */
class Examiner {
  readonly #parts: { readonly network: TrainingNetwork; readonly cache: FeatureCache; readonly variants: number };

  constructor(parts: { network: TrainingNetwork; cache: FeatureCache; variants: number }) {
    this.#parts = parts;
  }

  async rank({ queries, database }: Validation): Promise<Rankings> {
    const { network, cache, variants } = this.#parts;
    const describe = (images: readonly number[]): Promise<Float32Array> =>
      describeRows({ network, cache, rows: images.map((image) => image * variants) });
    return rankDatabase(await describe(queries), await describe(database), network.dimension);
  }

  async recall(measured: Validation): Promise<ByN> {
    return computeValidationRecall(await this.rank(measured), measured);
  }

  /** @param initial recall before the first step */
  async compare(measured: Validation, initial: ByN): Promise<RecallChange> {
    const rankings = await this.rank(measured);
    return {
      initial,
      best: computeValidationRecall(rankings, measured),
      chance: computeValidationChance(measured),
      hits: computeHits(rankings, measured),
    };
  }
}

/** Writes training.html from the log, so that a resumed run shows its earlier epochs too. */
async function writeRunPage({ run, dataDescription, set }: TrainRequest, { config }: TrainingContext): Promise<void> {
  const events = await run.readLog();
  const start = events.find(({ event }) => event === 'start') as unknown as { recall: ByN; chance: ByN };
  const test = events.findLast(({ event }) => event === 'test') as unknown as RunPage['test'] | undefined;
  const page = renderRun({
    config,
    dataDescription,
    validationQueries: set.validation.queries.length,
    initial: start.recall,
    chance: start.chance,
    test: test ?? null,
    reports: events.filter(({ event }) => event === 'epoch') as unknown as EpochReport[],
  });
  await writeFileAtomically(path.join(run.path, 'training.html'), page);
}

function describeEpoch(report: EpochReport): string {
  const recall = Object.entries(report.recall).map(([n, value]) => `@${n} ${(100 * value).toFixed(1)}`);
  return (
    `epoch ${report.epoch}: loss ${report.lossPerQuery.toFixed(4)} a query, ${report.active} of ${countOf(report.queries, 'query', 'queries')} active, ` +
    `${(100 * report.violatingShare).toFixed(0)} % violating, recall ${recall.join(' ')}${report.isBest ? ' (best)' : ''}, ${report.seconds.toFixed(0)} s`
  );
}

/** What stands behind rate and time left: of the epoch so far, and the last validation. */
function describeProgress({ epoch, loss, active, violatingShare }: EpochProgress, last?: EpochReport): string {
  const recall = last === undefined ? '' : `  recall@5 ${(100 * (last.recall[5] ?? NaN)).toFixed(1)}`;
  const shares = `active ${(100 * active).toFixed(0)} %  violating ${(100 * violatingShare).toFixed(0)} %`;
  return `epoch ${epoch + 1}  loss ${loss.toFixed(4)}  ${shares}${recall}`;
}

/** What training knows of an image beside its pixels; its place in the list is the row that a checkpoint remembers. */
function factsOf({ image, source }: TrainingImage): readonly unknown[] {
  const { name, role, place, local, sequence, frame, condition } = image;
  return [source, name, role, place, local, sequence, frame, condition];
}

function createHooks(
  request: TrainRequest,
  context: TrainingContext,
  facts: { digest: string; firstEpoch: number; validate: () => Promise<ByN>; reports: EpochReport[] },
): TrainerHooks {
  const progress = context.progress('training');
  const { epochs } = context.config.training!;
  const { run } = request;
  return {
    signal: context.signal ?? new AbortController().signal,
    nowMs: () => performance.now(),
    onProgress: (state) => {
      const { epoch, query, queries } = state;
      const done = (epoch - facts.firstEpoch) * queries + query;
      progress.update(done, (epochs - facts.firstEpoch) * queries, describeProgress(state, facts.reports.at(-1)));
    },
    validate: facts.validate,
    onEpoch: async (report, state) => {
      facts.reports.push(report);
      // In this order: a last checkpoint that calls this epoch the best one must find its weights.
      if (report.isBest) await writeCheckpoint(run.checkpoint('best'), state, facts.digest);
      await writeCheckpoint(run.checkpoint('last'), state, facts.digest);
      await run.log({ event: 'epoch', ...report });
      await writeRunPage(request, context);
      context.logger.info(describeEpoch(report));
      if (report.active === 0) {
        context.logger.warn('No query had a violating negative in this epoch: there is nothing left to learn.');
      }
    },
  };
}

/** The state to go on from; undefined at a run's beginning, which is where one is that was interrupted before it. */
async function readResumed(request: TrainRequest, digest: string): Promise<TrainerState | undefined> {
  if (!request.resume) return undefined;
  return (await request.run.hasCheckpoint('last')) ? readCheckpoint(request.run.checkpoint('last'), digest) : undefined;
}

export const copyWeights = (network: TrainingNetwork): ReadonlyMap<string, Float32Array> =>
  new Map([...network.weights].map(([name, { data }]) => [name, data.slice()]));

/** Trains from the request's last checkpoint to the end, or to the interruption. */
async function train(
  request: TrainRequest,
  parts: { network: TrainingNetwork; cache: FeatureCache; examiner: Examiner },
  context: TrainingContext & { readonly digest: string; readonly reports: EpochReport[] },
): Promise<TrainerState> {
  const { set, run } = request;
  const training = context.config.training!;
  const { variants } = training.augmentation;
  const resumed = await readResumed(request, context.digest);
  if (request.resume) await run.writeConfig(context.config); // with more epochs, or another one before the first checkpoint
  const miner = new TupleMiner(
    set,
    { ...training, remembered: training.rememberedNegatives, variants },
    resumed?.remembered,
  );
  const validate = (): Promise<ByN> => parts.examiner.recall(set.validation);
  const hooks = createHooks(request, context, { ...context, firstEpoch: resumed?.epoch ?? 0, validate });
  const options = { ...training, seed: context.config.seed };
  const trainer = new Trainer({ network: parts.network, cache: parts.cache, miner }, options, hooks, resumed);
  if (parts.network.weights.size === 0) return trainer.state();
  if (resumed !== undefined) await run.log({ event: 'resume', epoch: resumed.epoch });
  const last = await trainer.run();
  if (context.signal?.aborted === true) await run.log({ event: 'interrupted', epoch: last.epoch });
  return last;
}

/** The best epoch's weights; the initial ones where no epoch was better. */
async function chooseWeights(
  last: TrainerState,
  initial: { readonly weights: ReadonlyMap<string, Float32Array>; readonly recall: ByN },
  { run, digest }: { readonly run: RunFolder; readonly digest: string },
): Promise<ReadonlyMap<string, Float32Array>> {
  const isBetter = last.best.epoch >= 0 && last.best.recallAt5 >= (initial.recall[5] ?? 0);
  return isBetter ? (await readCheckpoint(run.checkpoint('best'), digest)).weights : initial.weights;
}

/** Trains the network of `start` on the request's images. Throws NetvladError for data and checkpoints that cannot be used. */
export async function runTrainer(
  request: TrainRequest,
  start: TrainedParts,
  context: TrainingContext,
): Promise<TrainerRun> {
  const { config } = context;
  const training = config.training!;
  const { set, run } = request;
  const { variants } = training.augmentation;
  const images = set.images.map(({ image }) => image);
  const network = createNetwork(start, config, context);
  const { cacheFolder: folder } = request;
  const cache = await cacheFeatures({ network, images, variants, folder, precision: training.cachePrecision }, context);
  try {
    const digest = computeRunDigest({
      config: { ...config, training: { ...training, epochs: 0 } },
      images: set.images.map(factsOf),
    });
    const examiner = new Examiner({ network, cache, variants });
    const initial = { weights: copyWeights(network), recall: await examiner.recall(set.validation) };
    const initialTest = set.test === null ? null : await examiner.recall(set.test);
    await logStart(request, initial.recall);
    const reports: EpochReport[] = [];
    const last = await train(request, { network, cache, examiner }, { ...context, digest, reports });
    const chosen = await chooseWeights(last, initial, { run, digest });
    const weights = averageWeights(chosen, initial.weights, training.trainedShare);
    for (const [name, values] of weights) network.weights.get(name)!.data.set(values);
    const test = set.test === null ? null : await examiner.compare(set.test, initialTest!);
    if (test !== null && context.signal?.aborted !== true) await noteTest(request, test, context);
    const validation = await examiner.compare(set.validation, initial.recall);
    return { weights, reports, epochs: last.epoch, validation, test, dimension: network.dimension };
  } finally {
    await cache.close();
    await network.dispose();
  }
}

/** The test recall goes to log and page when the run has ended. */
async function noteTest(request: TrainRequest, test: RecallChange, context: TrainingContext): Promise<void> {
  const { initial, best, chance } = test;
  await request.run.log({ event: 'test', initial, best, chance });
  await writeRunPage(request, context);
}

/** The log's first line, once: a resumed run has it already. */
async function logStart({ set, run }: TrainRequest, recall: ByN): Promise<void> {
  if ((await run.readLog()).some(({ event }) => event === 'start')) return;
  await run.log({
    event: 'start',
    queries: set.queries.length,
    database: set.database.length,
    validation: set.validation.queries.length,
    test: set.test?.queries.length ?? 0,
    recall,
    chance: computeValidationChance(set.validation),
  });
}
