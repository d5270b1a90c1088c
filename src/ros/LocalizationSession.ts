/** @file What exists from configure to cleanup: the engine in its worker, the localizer over its map, the outputs. */
import { createDatum, type LocalDatum } from '../geo/LocalDatum.ts';
import { createLocalizer } from '../localization/createLocalizer.ts';
import type { Localizer } from '../localization/Localizer.ts';
import type { PlaceCalibration } from '../localization/PlaceCalibration.ts';
import type { Place } from '../map/Place.ts';
import type { EngineConfig, EngineFacts } from '../recognition/RecognitionEngine.ts';
import { WorkerRecognizer, type WorkerState } from '../recognition/WorkerRecognizer.ts';
import { GrowingLocalizer } from './GrowingLocalizer.ts';
import { Outputs } from './Outputs.ts';
import { toLocalizerOptions } from './localizerParameters.ts';
import type { ParameterValues } from './parameters.ts';
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

/** The localizer is made anew when places of at least this share of its map wait: that costs more in a larger map. */
const REBUILD_SHARE = 0.02;

export interface SessionOptions {
  readonly onWorkerState: (state: WorkerState) => void;
  /** Gives up opening. */
  readonly signal: AbortSignal;
}

export class LocalizationSession {
  readonly engine: WorkerRecognizer;
  readonly outputs: Outputs;
  readonly recall: RecallMonitor;
  readonly calibration: PlaceCalibration | null;
  readonly localizer: Localizer;
  readonly #localizer: GrowingLocalizer<ParameterValues>;
  /** Every place of the map, by ascending id. */
  readonly #places: Place[];
  /** The first so many may be localized in; the others are too fresh. */
  #admitted: number;
  /** Those that the localizer knows. */
  #known: number;
  #values: ParameterValues;
  #context: MessageContext;

  private constructor(node: RosNode, engine: WorkerRecognizer, values: ParameterValues) {
    const { map, model } = engine.facts;
    this.engine = engine;
    this.#places = [...map.places];
    this.#admitted = this.#known = this.#places.length;
    this.#values = values;
    this.calibration = toCalibration(map.calibration);
    this.#context = {
      frame: values.map_frame || map.frame,
      mapId: map.id,
      modelId: model.sha256,
      datum: map.datum === null ? null : createDatum(map.datum),
    };
    this.outputs = new Outputs(node, () => this.#context);
    this.recall = new RecallMonitor(map.places);
    this.localizer = this.#localizer = new GrowingLocalizer((setup) => this.#createLocalizer(setup), values);
  }

  /** Rejects with what is wrong with model, map, provider or settings; nothing is left open then. */
  static async open(
    node: RosNode,
    values: ParameterValues,
    { onWorkerState, signal }: SessionOptions,
  ): Promise<LocalizationSession> {
    const engine = await WorkerRecognizer.open(toEngineConfig(values), { onState: onWorkerState, signal });
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

  get context(): MessageContext {
    return this.#context;
  }

  get datum(): LocalDatum | null {
    return this.#context.datum;
  }

  /** Places of the map, those added since included. */
  get places(): readonly Place[] {
    return this.#places;
  }

  /** A place that was added to the map; too fresh to be localized in. The first geotag of an empty map is its datum. */
  addPlace(place: Place): void {
    this.#places.push(place);
    if (this.datum === null && place.geo !== null) this.#context = { ...this.#context, datum: createDatum(place.geo) };
  }

  /** The oldest `count` fresh places may be localized in; the localizer takes them in a few at a time. */
  admit(count: number): void {
    for (const place of this.#places.slice(this.#admitted, this.#admitted + count)) this.recall.addPlace(place);
    this.#admitted = Math.min(this.#admitted + count, this.#places.length);
    if (this.#admitted - this.#known > REBUILD_SHARE * this.#known) this.#rebuild();
  }

  /** All places, as at the end of a drive. */
  admitAll(): void {
    this.admit(this.#places.length - this.#admitted);
    if (this.#known < this.#admitted) this.#rebuild();
  }

  /** A worker that died may have stored a place without living to tell: the new one has read the map again. */
  adoptPlaces(): void {
    const newest = this.#places.at(-1)?.id ?? 0;
    for (const place of this.facts.map.places) if (place.id > newest) this.addPlace(place);
  }

  /** New settings of the localizer; it goes on where it is. */
  applySettings(values: ParameterValues): void {
    this.#values = values;
    this.#rebuild();
  }

  async close(): Promise<void> {
    this.outputs.destroy();
    await this.engine.dispose();
  }

  #rebuild(): void {
    this.#known = this.#admitted;
    this.#localizer.change(this.#values);
  }

  #createLocalizer(values: ParameterValues): Localizer {
    const datum = this.datum?.geo ?? null;
    const options = toLocalizerOptions(values);
    const places = this.#places.slice(0, this.#known);
    return createLocalizer({ places, datum, calibration: this.calibration, options });
  }
}
