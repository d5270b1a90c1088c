/** @file The lifecycle node `localizer`: what happens at each transition, who serves what, and what the diagnostics read. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describeError, NetvladError } from '../errors.ts';
import { assertWritable } from '../map/mapFile.ts';
import type { WorkerState } from '../recognition/WorkerRecognizer.ts';
import { ActiveRun } from './ActiveRun.ts';
import { reportInput, reportLocalization, reportMap, reportModel } from './diagnosticTasks.ts';
import { DiagnosticUpdater, type TaskReport } from './DiagnosticUpdater.ts';
import type { InputSettings } from './inputHealth.ts';
import { Lifecycle, type LifecycleWork } from './Lifecycle.ts';
import { createTransitionEvents, serveLifecycle } from './lifecycleServices.ts';
import { LocalizationSession } from './LocalizationSession.ts';
import type { RecallDiagnosticsMessage } from './messages.ts';
import { serveControls, type LocalizerControls } from './localizerControls.ts';
import { NodeTime } from './NodeTime.ts';
import { serveParameters } from './parameterServices.ts';
import type { ParameterStore } from './ParameterStore.ts';
import { LOCALIZER_PARAMETERS } from './localizerParameters.ts';
import { isDoneSoon } from './patience.ts';
import { DEFAULT_QOS, type Destroyable, type Publisher, type RosNode } from './RosNode.ts';
import { toRecallMessage } from './toMessages.ts';
import { countOf } from '../countOf.ts';

/** How often the event loop is asked whether it is late. */
const LOOP_RESOLUTION_MS = 5;

/** Model and map on their way. */
interface Loading {
  readonly sinceMs: number;
  readonly abort: AbortController;
  /** Resolves when they are there, and listened with if the node is active by then. */
  readonly done: Promise<void>;
}

export class LocalizerNode implements LifecycleWork, LocalizerControls {
  readonly lifecycle: Lifecycle;
  readonly #node: RosNode;
  readonly #store: ParameterStore;
  readonly #time: NodeTime;
  readonly #diagnostics: DiagnosticUpdater;
  readonly #recall: Publisher<RecallDiagnosticsMessage> & Destroyable;
  #loading: Loading | null = null;
  #session: LocalizationSession | null = null;
  /** The last session, while it closes its files. */
  #closing: Promise<void> = Promise.resolve();
  #active = false;
  #run: ActiveRun | null = null;
  #worker: WorkerState = { kind: 'closed' };
  #death: { readonly reason: string; readonly atMs: number } | null = null;
  #enabled = true;
  readonly #loopDelay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  /** Transitions run one after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(node: RosNode, store: ParameterStore) {
    this.#node = node;
    this.#store = store;
    this.#time = new NodeTime(node, (fromNs, toNs) => {
      const seconds = (Number(fromNs - toNs) / 1e9).toFixed(1);
      node.logger.info(`Time jumped back by ${seconds} s: the sequence starts anew.`);
      this.#run?.reset();
    });
    this.#time.simulated = store.get('use_sim_time');
    this.lifecycle = new Lifecycle(this, createTransitionEvents(node));
    serveLifecycle(node, this.lifecycle, (wanted) => this.change(wanted));
    serveParameters(node, store);
    serveControls(node, this);
    this.#recall = node.createPublisher('netvlad_localizer/msg/RecallDiagnostics', '~/recall', DEFAULT_QOS);
    this.#diagnostics = this.#createDiagnostics();
    this.#loopDelay.enable();
    store.onChange((name) => {
      this.#applyChange(name);
    });
  }

  /** Runs a transition after those under way; false and a log line when it cannot be done. */
  async change(wanted: { readonly id?: number; readonly label?: string }): Promise<boolean> {
    const result = await this.#enqueue(() => this.lifecycle.change(wanted));
    if (!result.success) this.#logFailure(result.reason);
    return result.success;
  }

  async configure(): Promise<void> {
    const loading = this.#load();
    if (await isDoneSoon(loading.done)) return;
    this.#node.logger.info('Model and map are still loading; that goes on behind the answer, see the status model.');
    loading.done.catch((error: unknown) => {
      if (this.#loading === loading) void this.#giveUp(describeError(error)); // not cleaned up meanwhile
    });
  }

  async activate(): Promise<void> {
    this.#active = true;
    this.#listenWhenReady();
    if (this.#loading === null || (await isDoneSoon(this.#loading.done))) return;
    this.#node.logger.info('Active, and listening as soon as model and map are loaded.');
  }

  /** A frame that the worker does not give back in time is left to it. */
  async deactivate(): Promise<void> {
    this.#active = false;
    const run = this.#run;
    this.#run = null;
    if (run !== null) await isDoneSoon(run.stop());
  }

  async cleanup(): Promise<void> {
    await this.release();
  }

  async release(): Promise<void> {
    await this.deactivate();
    const [loading, session] = [this.#loading, this.#session];
    this.#loading = null;
    this.#session = null;
    loading?.abort.abort();
    this.#closing = this.#close(session, loading);
    if (await isDoneSoon(this.#closing)) return;
    this.#node.logger.info('The map is still being sealed; that goes on behind the answer.');
  }

  /** Leaves the graph with the map as it should be. */
  async shutdown(): Promise<void> {
    await this.release();
    await this.#closing;
    this.#diagnostics.destroy();
    this.#loopDelay.disable();
    this.#time.destroy();
    this.#node.shutdown();
  }

  /** Transitions run one after the other, outside the executor's callback: they may destroy entities. */
  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return work();
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** A transition under way may have failed by the same reason: then it has been told. */
  async #giveUp(reason: string): Promise<void> {
    if (await this.#enqueue(() => this.lifecycle.fail(reason))) this.#logFailure(reason);
  }

  #logFailure(reason: string): void {
    this.#node.logger.error(`The node is ${this.lifecycle.state}: ${reason}`);
  }

  #load(): Loading {
    const abort = new AbortController();
    const loading = { sinceMs: performance.now(), abort, done: this.#open(abort.signal) };
    this.#loading = loading;
    return loading;
  }

  async #open(signal: AbortSignal): Promise<void> {
    const sinceMs = performance.now();
    await this.#closing; // the map file has one writer
    const session = await LocalizationSession.open(this.#node, this.#store.values, {
      signal,
      onWorkerState: (state) => {
        this.#onWorkerState(state);
      },
    });
    if (signal.aborted) {
      await session.close();
      return;
    }
    this.#session = session;
    this.#loading = null;
    const { model, map } = session.facts;
    const seconds = ((performance.now() - sinceMs) / 1000).toFixed(1);
    this.#node.logger.info(
      `Map ${map.path} with ${countOf(map.places.length, 'place')}, model ${model.name} on ${model.provider}, in ${seconds} s.`,
    );
    this.#listenWhenReady();
  }

  async #close(session: LocalizationSession | null, loading: Loading | null): Promise<void> {
    await this.#closing;
    await loading?.done.catch(() => undefined);
    try {
      await session?.close();
    } catch (error) {
      this.#node.logger.error(describeError(error));
    }
    // Nothing is due now, and what is left behind would lie about for minutes. Node.js has it with --expose-gc, as we start it.
    globalThis.gc?.();
  }

  #listenWhenReady(): void {
    if (!this.#active || this.#run !== null || this.#session === null) return;
    this.#loopDelay.reset();
    this.#run = new ActiveRun({ node: this.#node, store: this.#store, session: this.#session, time: this.#time });
    this.#run.enabled = this.#enabled;
    this.#node.logger.info(`Listening to ${this.#run.image.topic}.`);
  }

  #onWorkerState(state: WorkerState): void {
    this.#worker = state;
    if (state.kind === 'ready' && state.restarts > 0) this.#session?.adoptPlaces();
    if (state.kind === 'closed') this.#death = null;
    if (state.kind !== 'restarting') return;
    this.#death = { reason: state.reason, atMs: performance.now() };
    this.#node.logger.error(`The recognition worker died (${state.reason}); restart ${state.restarts}.`);
  }

  /** Forgets the sequence and the measured recall. */
  reset(): string {
    this.#run?.reset();
    this.#session?.recall.reset();
    return 'The sequence starts anew.';
  }

  setEnabled(on: boolean): string {
    this.#enabled = on;
    if (this.#run !== null) this.#run.enabled = on;
    return on ? 'Frames are processed.' : 'Frames are ignored.';
  }

  /** Throws a NetvladError while it is not active, and when the map takes no places. */
  setMapping(on: boolean): string {
    if (this.#run === null || this.#session === null) {
      throw new NetvladError('usage', `The node is ${this.lifecycle.state}, not active.`);
    }
    if (on) assertWritable(this.#session.facts.map.path);
    this.#run.mapping = on;
    return on ? 'Mapping: keyframes are added to the map.' : 'Mapping has ended; call ~/save_map.';
  }

  /** Throws a NetvladError while no map is open, and when the disk takes no more. */
  async saveMap(): Promise<string> {
    const session = this.#session;
    if (session === null) throw new NetvladError('usage', `The node is ${this.lifecycle.state}: no map is open.`);
    const places = await session.engine.saveMap();
    session.admitAll();
    return `${session.facts.map.path} holds ${countOf(places, 'place')} and is sealed.`;
  }

  #applyChange(name: string): void {
    const store = this.#store;
    if (name in LOCALIZER_PARAMETERS) this.#session?.applySettings(store.values);
    else if (name === 'use_sim_time') this.#time.simulated = store.get('use_sim_time');
    else if (name === 'log_level') this.#node.setLogLevel(store.get('log_level') as 'info');
    else if (name.startsWith('diagnostic_updater.')) this.#setUpDiagnostics(this.#diagnostics);
    if (store.definition(name)?.change === 'structural' && this.#session !== null) {
      this.#node.logger.info(`${name} is set and takes effect at the next configure (deactivate and cleanup first).`);
    }
  }

  #createDiagnostics(): DiagnosticUpdater {
    const updater = new DiagnosticUpdater(this.#node, [
      { name: 'input', report: () => this.#reportInput() },
      { name: 'model', report: () => this.#reportModel() },
      { name: 'map', report: () => this.#reportMap() },
      {
        name: 'localization',
        report: () => {
          // As often as the statuses, and in step with them.
          this.#publishRecall();
          this.#session?.outputs.publishTrajectory();
          return this.#reportLocalization();
        },
      },
    ]);
    this.#setUpDiagnostics(updater);
    return updater;
  }

  #reportInput(): TaskReport {
    if (this.#run === null) return reportInput(null);
    const settings: InputSettings = {
      expectedRateHz: this.#store.get('expected_rate'),
      stampToleranceS: this.#store.get('stamp_tolerance'),
      simulatedTime: this.#store.get('use_sim_time'),
      clockNs: this.#time.nowNs,
    };
    const { image, pipeline } = this.#run;
    return reportInput({ input: image.readFacts(settings), pipeline: pipeline.statistics });
  }

  #reportModel(): TaskReport {
    const secondsSince = (startMs: number): number => (performance.now() - startMs) / 1000;
    return reportModel({
      facts: this.#session?.facts ?? null,
      worker: this.#worker,
      death: this.#death && { reason: this.#death.reason, agoS: secondsSince(this.#death.atMs) },
      pipeline: this.#run?.pipeline.statistics ?? null,
      loadingS: this.#loading && secondsSince(this.#loading.sinceMs),
      error: this.lifecycle.lastError,
    });
  }

  #reportMap(): TaskReport {
    return reportMap({
      facts: this.#session?.facts ?? null,
      size: this.#session?.places.length ?? 0,
      mapping: this.#run?.mappingStatistics ?? null,
      calibrationWarning: this.#session?.calibration?.warning ?? null,
    });
  }

  #reportLocalization(): TaskReport {
    return reportLocalization({
      state: this.lifecycle.state,
      enabled: this.#enabled,
      pipeline: this.#run?.pipeline.statistics ?? null,
      findings: this.#run?.findings ?? [],
      loopDelayMs: Math.max(0, this.#loopDelay.percentile(99) / 1e6 - LOOP_RESOLUTION_MS),
    });
  }

  #setUpDiagnostics(updater: DiagnosticUpdater): void {
    updater.useFullName = this.#store.get('diagnostic_updater.use_fqn');
    updater.periodS = this.#store.get('diagnostic_updater.period');
  }

  #publishRecall(): void {
    if (this.#session === null || this.#run === null) return;
    const { recall, calibration, context } = this.#session;
    const message = toRecallMessage(recall.read(), context, {
      stampNs: this.#run.pipeline.statistics.lastDecision?.stampNs ?? 0n,
      radiusM: this.#store.get('ground_truth_radius'),
      expected: calibration?.expectedRecall ?? {},
    });
    this.#recall.publish(message);
  }
}
