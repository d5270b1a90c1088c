/**
 * @file The weakly supervised training loop of the paper: mine tuples from the cached descriptors, step, validate after
 * every epoch, keep the best. Deterministic: the state of a checkpoint and the data give the rest of the run.
 */
import { createRandom } from '../math/random.ts';
import { describeInto, readFeatures } from './describeRows.ts';
import type { FeatureCache } from './FeatureCache.ts';
import { computeSchedule, type ScheduleOptions } from './schedule.ts';
import { SgdOptimizer, type TrainedTensor } from './SgdOptimizer.ts';
import type { CachedTuple, TupleMiner } from './TupleMiner.ts';
import type { TrainingNetwork, Triplet } from './TrainingNetwork.ts';
import { TrainingFailure } from './TrainingFailure.ts';

export interface TrainerOptions extends ScheduleOptions {
  readonly seed: number;
  readonly epochs: number;
  /** Tuples a step. */
  readonly batchTuples: number;
  /** Queries an epoch; all of them where null. */
  readonly queriesPerEpoch: number | null;
  readonly headRate: number;
  readonly backboneRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  /** Epochs without a better validation after which training ends. */
  readonly patience: number;
}

/** Everything that the rest of a run depends on, beside the data. */
export interface TrainerState {
  /** Epochs that are done. */
  readonly epoch: number;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly velocities: ReadonlyMap<string, Float32Array>;
  readonly remembered: ReadonlyMap<number, readonly number[]>;
  /** The epoch with the best validation recall@5, recall@1 where these are equal; -1 before the first. */
  readonly best: { readonly epoch: number; readonly recallAt5: number; readonly recallAt1: number };
}

/** One line of the log. */
export interface EpochReport {
  readonly epoch: number;
  /** Mean over the epoch's queries of the summed hinges, skipped ones counting zero: comparable between epochs. */
  readonly lossPerQuery: number;
  readonly queries: number;
  readonly active: number;
  /** Share of the steps' triplets that violated the margin with the weights of the step. */
  readonly violatingShare: number;
  readonly steps: number;
  readonly rateFactor: number;
  readonly recall: Readonly<Record<number, number>>;
  readonly seconds: number;
  readonly isBest: boolean;
}

/** Where an epoch stands after a query; shares and loss are of its queries so far. */
export interface EpochProgress {
  /** From 0. */
  readonly epoch: number;
  readonly query: number;
  readonly queries: number;
  readonly loss: number;
  readonly active: number;
  readonly violatingShare: number;
}

export interface TrainerHooks {
  readonly signal: AbortSignal;
  /** Wall clock for the report alone. */
  readonly nowMs: () => number;
  readonly onProgress: (state: EpochProgress) => void;
  /** Recall by N of the validation queries with the present weights. */
  readonly validate: () => Promise<Readonly<Record<number, number>>>;
  /** Called after every epoch; what it saves lets the run be resumed. */
  readonly onEpoch: (report: EpochReport, state: TrainerState) => Promise<void>;
}

interface EpochSums {
  loss: number;
  active: number;
  triplets: number;
  violating: number;
  steps: number;
}

const computeViolatingShare = ({ violating, triplets }: EpochSums): number =>
  triplets === 0 ? 0 : violating / triplets;

/** Not finite if one of the values is not. */
function sum(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

export class Trainer {
  readonly #network: TrainingNetwork;
  readonly #cache: FeatureCache;
  readonly #miner: TupleMiner;
  readonly #options: TrainerOptions;
  readonly #hooks: TrainerHooks;
  readonly #optimizer: SgdOptimizer;
  readonly #tensors: readonly TrainedTensor[];
  #epoch: number;
  #best: TrainerState['best'];

  /** @param resumed a checkpoint's state; the miner must have been made with its `remembered` */
  constructor(
    parts: { readonly network: TrainingNetwork; readonly cache: FeatureCache; readonly miner: TupleMiner },
    options: TrainerOptions,
    hooks: TrainerHooks,
    resumed?: TrainerState,
  ) {
    this.#network = parts.network;
    this.#cache = parts.cache;
    this.#miner = parts.miner;
    this.#options = options;
    this.#hooks = hooks;
    this.#optimizer = new SgdOptimizer(options, resumed?.velocities);
    this.#epoch = resumed?.epoch ?? 0;
    this.#best = resumed?.best ?? { epoch: -1, recallAt5: -1, recallAt1: -1 };
    for (const [name, values] of resumed?.weights ?? []) this.#network.weights.get(name)?.data.set(values);
    this.#tensors = [...this.#network.weights].map(([name, { data }]) => ({
      name,
      values: data,
      learningRate: this.#network.backboneWeights.has(name) ? options.backboneRate : options.headRate,
    }));
  }

  /** Trains until the epochs are done, patience ends or the signal aborts; gives the state of the last whole epoch. */
  async run(): Promise<TrainerState> {
    let state = this.state();
    while (this.#epoch < this.#options.epochs && this.#epoch - this.#best.epoch <= this.#options.patience) {
      const started = this.#hooks.nowMs();
      const { rateFactor, refreshEveryQueries } = computeSchedule(this.#epoch, this.#options);
      const { sums, queries } = await this.#trainEpoch(rateFactor, refreshEveryQueries);
      if (this.#hooks.signal.aborted) break;
      const recall = await this.#hooks.validate();
      const { 5: recallAt5 = 0, 1: recallAt1 = 0 } = recall;
      const isBest =
        recallAt5 > this.#best.recallAt5 || (recallAt5 === this.#best.recallAt5 && recallAt1 > this.#best.recallAt1);
      if (isBest) this.#best = { epoch: this.#epoch, recallAt5, recallAt1 };
      this.#epoch++;
      state = this.state();
      await this.#hooks.onEpoch(
        {
          epoch: this.#epoch,
          lossPerQuery: sums.loss / queries,
          queries,
          active: sums.active,
          violatingShare: computeViolatingShare(sums),
          steps: sums.steps,
          rateFactor,
          recall,
          seconds: (this.#hooks.nowMs() - started) / 1000,
          isBest,
        },
        state,
      );
    }
    return state;
  }

  /** A copy of all that changes. */
  state(): TrainerState {
    return {
      epoch: this.#epoch,
      weights: new Map([...this.#network.weights].map(([name, { data }]) => [name, data.slice()])),
      velocities: new Map([...this.#optimizer.velocities].map(([name, values]) => [name, values.slice()])),
      remembered: new Map(this.#miner.remembered),
      best: this.#best,
    };
  }

  async #trainEpoch(rateFactor: number, refreshEveryQueries: number): Promise<{ sums: EpochSums; queries: number }> {
    const random = createRandom(this.#options.seed).fork(`epoch ${this.#epoch}`);
    const order = this.#miner.drawOrder(random).slice(0, this.#options.queriesPerEpoch ?? undefined);
    const sums: EpochSums = { loss: 0, active: 0, triplets: 0, violating: 0, steps: 0 };
    let descriptors = new Float32Array(0);
    let waiting: CachedTuple[] = [];
    for (const [turn, query] of order.entries()) {
      if (this.#hooks.signal.aborted) break;
      if (turn % refreshEveryQueries === 0) {
        descriptors = await this.#describeMined(order.slice(turn, turn + refreshEveryQueries));
      }
      const mined = this.#miner.mine(query, { dimension: this.#network.dimension, data: descriptors }, random);
      if (mined.kind === 'tuple') waiting.push(mined.tuple);
      if (waiting.length === this.#options.batchTuples || (turn === order.length - 1 && waiting.length > 0)) {
        await this.#step(waiting, rateFactor, sums);
        waiting = [];
      }
      this.#hooks.onProgress({
        ...{ epoch: this.#epoch, query: turn + 1, queries: order.length },
        ...{
          loss: sums.loss / (turn + 1),
          active: sums.active / (turn + 1),
          violatingShare: computeViolatingShare(sums),
        },
      });
    }
    return { sums, queries: order.length };
  }

  /** Descriptors [cache rows, dimension]; rows that mining for `queries` does not look at stay zero. */
  async #describeMined(queries: readonly number[]): Promise<Float32Array<ArrayBuffer>> {
    const table = new Float32Array(this.#cache.rows * this.#network.dimension);
    const rows = this.#miner.rowsFor(queries);
    await describeInto(table, { network: this.#network, cache: this.#cache, rows }, (i) => rows[i]!);
    return table;
  }

  async #step(tuples: readonly CachedTuple[], rateFactor: number, sums: EpochSums): Promise<void> {
    const rows = [...new Set(tuples.flatMap((tuple) => [tuple.query, tuple.positive, ...tuple.negatives]))];
    const at = new Map(rows.map((row, i) => [row, i]));
    const triplets: Triplet[] = tuples.flatMap(({ query, positive, negatives }) =>
      negatives.map((negative) => ({
        query: at.get(query)!,
        positive: at.get(positive)!,
        negative: at.get(negative)!,
      })),
    );
    const result = await this.#network.step(await readFeatures(this.#cache, rows), triplets);
    const facts = { epoch: this.#epoch + 1, step: sums.steps + 1, rows };
    if (!Number.isFinite(result.loss)) throw new TrainingFailure('loss', facts);
    sums.loss += result.loss;
    sums.active += tuples.length;
    sums.triplets += triplets.length;
    sums.violating += result.violating;
    sums.steps += 1;
    if (result.violating === 0) return; // the authors: a batch without violation makes no update at all
    const scaled = new Map(
      [...result.gradients].map(([name, values]) => [name, values.map((v) => v / result.violating)]),
    );
    this.#optimizer.step(this.#tensors, scaled, rateFactor);
    if (!this.#tensors.every(({ values }) => Number.isFinite(sum(values)))) throw new TrainingFailure('weight', facts);
  }
}
