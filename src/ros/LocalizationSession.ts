/** @file What exists from configure to cleanup: the engine in its worker, the localizer over its map, the outputs. */
import { createDatum, type LocalDatum } from '../geo/LocalDatum.ts';
import { createLocalizer } from '../localization/createLocalizer.ts';
import type { Decision, Localizer, Observation } from '../localization/Localizer.ts';
import type { PlaceCalibration } from '../localization/PlaceCalibration.ts';
import type { Place } from '../map/Place.ts';
import type { EngineConfig, EngineFacts } from '../recognition/RecognitionEngine.ts';
import { WorkerRecognizer, type WorkerState } from '../recognition/WorkerRecognizer.ts';
import { Outputs } from './Outputs.ts';
import { toLocalizerOptions, type ParameterValues } from './parameters.ts';
import { RecallMonitor } from './RecallMonitor.ts';
import type { RosNode } from './RosNode.ts';
import type { MessageContext } from './toMessages.ts';

export function toEngineConfig(values: ParameterValues): EngineConfig {
  return {
    model: values.model,
    map: values.map,
    providers: values.providers as EngineConfig['providers'],
    threads: values.inference_threads,
    index: values.index as EngineConfig['index'],
    verifyTopK: values.verify_top_k,
    createMap: values['mapping.enabled'],
  };
}

/** What the map carries; null when it was never calibrated, or by a version with another format. */
function toCalibration(stored: unknown): PlaceCalibration | null {
  const calibration = stored as PlaceCalibration | null;
  return calibration?.format === 1 ? calibration : null;
}

export class LocalizationSession {
  readonly engine: WorkerRecognizer;
  readonly outputs: Outputs;
  readonly recall: RecallMonitor;
  readonly context: MessageContext;
  readonly calibration: PlaceCalibration | null;
  readonly #places: Place[];
  #localizer: Localizer;

  private constructor(node: RosNode, engine: WorkerRecognizer, values: ParameterValues) {
    const { map, model } = engine.facts;
    this.engine = engine;
    this.#places = [...map.places];
    this.calibration = toCalibration(map.calibration);
    this.context = {
      frame: values.map_frame || map.frame,
      mapId: map.id,
      modelId: model.sha256,
      datum: map.datum === null ? null : createDatum(map.datum),
    };
    this.outputs = new Outputs(node, this.context);
    this.recall = new RecallMonitor(map.places);
    this.#localizer = this.#createLocalizer(values);
  }

  /** Rejects with what is wrong with model, map, provider or settings; nothing is left open then. */
  static async open(
    node: RosNode,
    values: ParameterValues,
    onWorkerState: (state: WorkerState) => void,
  ): Promise<LocalizationSession> {
    const engine = await WorkerRecognizer.open(toEngineConfig(values), { onState: onWorkerState });
    try {
      return new LocalizationSession(node, engine, values);
    } catch (error) {
      await engine.dispose();
      throw error;
    }
  }

  get facts(): EngineFacts {
    return this.engine.facts;
  }

  get datum(): LocalDatum | null {
    return this.context.datum;
  }

  /** Places of the map, those added since included. */
  get places(): readonly Place[] {
    return this.#places;
  }

  /** The localizer of the moment: it changes with the settings and with the map. */
  get localizer(): Localizer {
    return {
      process: (observation: Observation): Decision => this.#localizer.process(observation),
      reset: () => {
        this.#localizer.reset();
      },
    };
  }

  /** A place that was added to the map. The localizer knows it from the next rebuild on. */
  addPlace(place: Place): void {
    this.#places.push(place);
    this.recall.addPlace(place);
  }

  /** With new settings, or over a grown map; the sequence starts anew. */
  rebuildLocalizer(values: ParameterValues): void {
    this.#localizer = this.#createLocalizer(values);
  }

  async close(): Promise<void> {
    this.outputs.destroy();
    await this.engine.dispose();
  }

  #createLocalizer(values: ParameterValues): Localizer {
    const datum = this.context.datum?.geo ?? null;
    const options = toLocalizerOptions(values);
    return createLocalizer({ places: [...this.#places], datum, calibration: this.calibration, options });
  }
}
