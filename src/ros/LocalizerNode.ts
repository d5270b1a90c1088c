/** @file The lifecycle node `localizer`: what happens at each transition, who serves what, and what the diagnostics read. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { toRosTime } from '../bags/rosTime.ts';
import { describeError, NetvladError } from '../errors.ts';
import type { WorkerState } from '../recognition/WorkerRecognizer.ts';
import { ActiveRun } from './ActiveRun.ts';
import { reportInput, reportLocalization, reportMap, reportModel } from './diagnosticTasks.ts';
import { DiagnosticUpdater } from './DiagnosticUpdater.ts';
import type { InputSettings } from './inputHealth.ts';
import { Lifecycle, type LifecycleWork } from './Lifecycle.ts';
import { createTransitionEvents, serveLifecycle } from './lifecycleServices.ts';
import { LocalizationSession } from './LocalizationSession.ts';
import type { RecallDiagnosticsMessage } from './messages.ts';
import { NodeTime } from './NodeTime.ts';
import { serveParameters } from './parameterServices.ts';
import type { ParameterStore } from './ParameterStore.ts';
import { LOCALIZER_PARAMETERS } from './parameters.ts';
import { DEFAULT_QOS, type Destroyable, type Publisher, type RosNode } from './RosNode.ts';

/** nav2's lifecycle manager gives a transition five seconds; longer loading goes on behind the answer. */
const CONFIGURE_ANSWER_MS = 4000;

/** How often the event loop is asked whether it is late. */
const LOOP_RESOLUTION_MS = 5;

export class LocalizerNode implements LifecycleWork {
  readonly lifecycle: Lifecycle;
  readonly #node: RosNode;
  readonly #store: ParameterStore;
  readonly #time: NodeTime;
  readonly #diagnostics: DiagnosticUpdater;
  readonly #recall: Publisher<RecallDiagnosticsMessage> & Destroyable;
  #loading: { readonly session: Promise<LocalizationSession>; readonly sinceMs: number } | null = null;
  #session: LocalizationSession | null = null;
  #run: ActiveRun | null = null;
  #worker: WorkerState = { kind: 'closed' };
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
    this.#serve();
    this.#recall = node.createPublisher('netvlad_localizer/msg/RecallDiagnostics', '~/recall', DEFAULT_QOS);
    this.#diagnostics = this.#createDiagnostics();
    this.#loopDelay.enable();
    store.onChange((name) => {
      this.#applyChange(name);
    });
  }

  /** Runs a transition after those under way; false and a log line when it cannot be done. */
  async change(wanted: { readonly id?: number; readonly label?: string }): Promise<boolean> {
    const turn = this.#queue.then(async () => {
      await new Promise((resolve) => setImmediate(resolve)); // leaves the executor's callback: it may destroy entities
      return this.lifecycle.change(wanted);
    });
    this.#queue = turn;
    const result = await turn;
    if (!result.success) this.#node.logger.error(result.reason);
    return result.success;
  }

  async configure(): Promise<void> {
    const sinceMs = performance.now();
    const session = LocalizationSession.open(this.#node, this.#store.values, (state) => {
      this.#onWorkerState(state);
    });
    this.#loading = { session, sinceMs };
    const opened = session.then((open) => {
      this.#session = open;
      this.#loading = null;
      const { model, map } = open.facts;
      const seconds = ((performance.now() - sinceMs) / 1000).toFixed(1);
      this.#node.logger.info(
        `Map ${map.path} with ${map.places.length} places, model ${model.name} on ${model.provider}, in ${seconds} s.`,
      );
    });
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => {
        resolve('late');
      }, CONFIGURE_ANSWER_MS);
    });
    try {
      if ((await Promise.race([opened, patience])) !== 'late') return;
    } finally {
      clearTimeout(timer);
    }
    this.#node.logger.info('Model and map are still loading; configure answers now, activate waits for them.');
    opened.catch((error: unknown) => {
      this.#loading = null;
      this.#node.logger.error(describeError(error));
      void this.lifecycle.fail(describeError(error));
    });
  }

  async activate(): Promise<void> {
    const session = this.#session ?? (await this.#loading?.session);
    if (session === undefined) throw new NetvladError('internal', 'Activated without model and map.');
    this.#loopDelay.reset();
    this.#run = new ActiveRun({ node: this.#node, store: this.#store, session, time: this.#time });
    this.#run.enabled = this.#enabled;
    this.#node.logger.info(`Listening to ${this.#run.image.topic}.`);
  }

  async deactivate(): Promise<void> {
    await this.#run?.stop();
    this.#run = null;
  }

  async cleanup(): Promise<void> {
    await this.release();
  }

  async release(): Promise<void> {
    await this.deactivate();
    const session = this.#session ?? (await this.#loading?.session.catch(() => null)) ?? null;
    this.#session = null;
    this.#loading = null;
    await session?.close();
  }

  /** Leaves the graph with the map as it should be. */
  async shutdown(): Promise<void> {
    await this.release();
    this.#diagnostics.destroy();
    this.#loopDelay.disable();
    this.#time.destroy();
    this.#node.shutdown();
  }

  #onWorkerState(state: WorkerState): void {
    this.#worker = state;
    if (state.kind !== 'restarting') return;
    this.#node.logger.error(`The recognition worker died (${state.reason}); restart ${state.restarts}.`);
  }

  #serve(): void {
    const answer = (success: boolean, message: string): { success: boolean; message: string } => ({ success, message });
    this.#node.serve('std_srvs/srv/Trigger', '~/reset', () => {
      this.#run?.reset();
      this.#session?.recall.reset();
      return answer(true, 'The sequence starts anew.');
    });
    this.#node.serve('std_srvs/srv/SetBool', '~/set_enabled', ({ data }) => {
      this.#enabled = data;
      if (this.#run !== null) this.#run.enabled = data;
      return answer(true, data ? 'Frames are processed.' : 'Frames are ignored.');
    });
    this.#node.serve('std_srvs/srv/SetBool', '~/set_mapping', ({ data }) => {
      if (this.#run === null) return answer(false, `The node is ${this.lifecycle.state}, not active.`);
      this.#run.mapping = data;
      return answer(true, data ? 'Mapping: keyframes are added to the map.' : 'Mapping has ended; call ~/save_map.');
    });
    this.#node.serve('std_srvs/srv/Trigger', '~/save_map', async () => {
      const session = this.#session;
      if (session === null) return answer(false, `The node is ${this.lifecycle.state}: no map is open.`);
      try {
        const places = await session.engine.saveMap();
        session.rebuildLocalizer(this.#store.values);
        return answer(true, `${session.facts.map.path} holds ${places} places and is sealed.`);
      } catch (error) {
        return answer(false, describeError(error));
      }
    });
  }

  #applyChange(name: string): void {
    const store = this.#store;
    if (name in LOCALIZER_PARAMETERS) this.#session?.rebuildLocalizer(store.values);
    else if (name === 'use_sim_time') this.#time.simulated = store.get('use_sim_time');
    else if (name === 'log_level') this.#node.setLogLevel(store.get('log_level') as 'info');
    else if (name.startsWith('diagnostic_updater.')) this.#setUpDiagnostics(this.#diagnostics);
    if (store.definition(name)?.change === 'structural' && this.#session !== null) {
      this.#node.logger.info(`${name} is set and takes effect at the next configure (deactivate and cleanup first).`);
    }
  }

  #createDiagnostics(): DiagnosticUpdater {
    const store = this.#store;
    const inputSettings = (): InputSettings => ({
      expectedRateHz: store.get('expected_rate'),
      stampToleranceS: store.get('stamp_tolerance'),
      simulatedTime: store.get('use_sim_time'),
      clockNs: this.#time.nowNs,
    });
    const updater = new DiagnosticUpdater(this.#node, [
      {
        name: 'input',
        report: () =>
          reportInput(
            this.#run && { input: this.#run.image.readFacts(inputSettings()), pipeline: this.#run.pipeline.statistics },
          ),
      },
      {
        name: 'model',
        report: () =>
          reportModel({
            facts: this.#session?.facts ?? null,
            worker: this.#worker,
            pipeline: this.#run?.pipeline.statistics ?? null,
            loadingS: this.#loading === null ? null : (performance.now() - this.#loading.sinceMs) / 1000,
            error: this.lifecycle.lastError,
          }),
      },
      {
        name: 'map',
        report: () =>
          reportMap({
            facts: this.#session?.facts ?? null,
            size: this.#session?.places.length ?? 0,
            mapping: this.#run?.mappingStatistics ?? null,
            calibrationWarning: this.#session?.calibration?.warning ?? null,
          }),
      },
      {
        name: 'localization',
        report: () => {
          this.#publishRecall();
          return reportLocalization({
            state: this.lifecycle.state,
            enabled: this.#enabled,
            pipeline: this.#run?.pipeline.statistics ?? null,
            findings: this.#run?.findings ?? [],
            loopDelayMs: Math.max(0, this.#loopDelay.percentile(99) / 1e6 - LOOP_RESOLUTION_MS),
          });
        },
      },
    ]);
    this.#setUpDiagnostics(updater);
    return updater;
  }

  #setUpDiagnostics(updater: DiagnosticUpdater): void {
    updater.useFullName = this.#store.get('diagnostic_updater.use_fqn');
    updater.periodS = this.#store.get('diagnostic_updater.period');
  }

  #publishRecall(): void {
    if (this.#session === null || this.#run === null) return;
    const measured = this.#session.recall.read();
    const expected = this.#session.calibration?.expectedRecall ?? {};
    this.#recall.publish({
      header: {
        stamp: toRosTime(this.#run.pipeline.statistics.lastDecision?.stampNs ?? 0n),
        frame_id: this.#session.context.frame,
      },
      queries: measured.queries,
      queries_with_truth: measured.queriesWithTruth,
      radius: this.#store.get('ground_truth_radius'),
      n: measured.n,
      recall: measured.recall,
      expected_recall: measured.n.flatMap((n) => expected[n] ?? []),
      accepted_precision: measured.acceptedPrecision,
      median_position_error: measured.medianPositionErrorM,
      calibration_error: measured.calibrationError,
    });
  }
}
