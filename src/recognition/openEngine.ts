/** @file Opens model, map, index and verification as one engine; what the worker process runs. */
import { NetvladError } from '../errors.ts';
import { findDefaultModel, loadModel } from '../inference/loadModel.ts';
import type { OnnxDescriptorModel } from '../inference/OnnxDescriptorModel.ts';
import { renderMatchSheet, type RelativePoint, type SpotPair } from '../image/renderMatchSheet.ts';
import { MapVerifier } from '../map/MapVerifier.ts';
import type { Place } from '../map/Place.ts';
import type { VectorIndex } from '../retrieval/VectorIndex.ts';
import { quantizeGrid } from '../verification/LocalGrid.ts';
import { LocalRecognizer, type LastFrame } from './LocalRecognizer.ts';
import { OnlineMap } from './OnlineMap.ts';
import { openIndex } from './openIndex.ts';
import type { DebugMatch, EngineConfig, EngineFacts, FrameGeotag, RecognitionEngine } from './RecognitionEngine.ts';
import type { CameraFrame } from '../image/CameraFrame.ts';
import type { Recognition } from './PlaceRecognizer.ts';

interface EngineParts {
  readonly map: OnlineMap;
  readonly index: VectorIndex;
  /** Null = no verification: switched off, or nothing to verify with. */
  readonly verifier: MapVerifier | null;
  /** As `EngineConfig.throughput`. */
  readonly throughput: boolean;
}

class LocalEngine implements RecognitionEngine {
  readonly facts: EngineFacts;
  readonly #map: OnlineMap;
  readonly #index: VectorIndex;
  readonly #verifier: MapVerifier | null;
  readonly #recognizer: LocalRecognizer;
  readonly #mayMap: boolean;

  constructor(model: OnnxDescriptorModel, { map, index, verifier, throughput }: EngineParts) {
    this.#map = map;
    this.#index = index;
    this.#verifier = verifier;
    this.#mayMap = !throughput;
    // The features of a frame go into the map with it, whether or not they are needed to find its place.
    const keepLocal = verifier !== null || (this.#mayMap && map.map.hasLocalFeatures);
    this.#recognizer = new LocalRecognizer(model, index, { verifier, keepLocal, measureQuality: !throughput });
    this.facts = toFacts(model, map);
  }

  recognize(frame: CameraFrame, k: number, newestPlace?: number): Promise<Recognition> {
    return this.#recognizer.recognize(frame, k, newestPlace);
  }

  async addPlace(geotag: FrameGeotag): Promise<Place> {
    if (!this.#mayMap) throw new NetvladError('internal', 'An engine of a replay does not map.');
    const { last } = this.#recognizer;
    if (last?.stampNs !== geotag.stampNs) {
      throw new NetvladError('internal', `The frame ${geotag.name} is not the one that was recognized last.`);
    }
    const place = await this.#map.add(last, geotag);
    await this.#index.add([place.id], last.descriptors.global.slice(0, last.descriptors.dimension));
    return place;
  }

  saveMap(): Promise<number> {
    return Promise.resolve(this.#map.save());
  }

  async renderMatches(title: string, matches: readonly DebugMatch[]): Promise<Uint8Array | null> {
    const { last } = this.#recognizer;
    if (last === null) return null;
    const spots = await this.#findSpots(last, matches);
    const tiles = matches.map(({ place, caption }, i) => ({
      picture: this.#map.map.thumbnail(place),
      caption,
      spots: spots[i] ?? [],
    }));
    return renderMatchSheet(last.image, title, tiles);
  }

  /** Where a frame and each match agree, as far as they are verified. */
  async #findSpots({ descriptors }: LastFrame, matches: readonly DebugMatch[]): Promise<readonly SpotPair[][]> {
    const { local } = descriptors;
    if (this.#verifier === null || local === null) return [];
    const verified = await this.#verifier.explain(
      quantizeGrid(local),
      matches.map(({ place }) => place),
    );
    const spotOf = (location: number, columns: number, rows: number): RelativePoint => [
      ((location % columns) + 0.5) / columns,
      (Math.floor(location / columns) + 0.5) / rows,
    ];
    return verified.map((explained) => {
      if (explained === null) return [];
      const { inliers, candidateGrid } = explained;
      return inliers.map(({ query, candidate }) => ({
        query: spotOf(query, local.columns, local.rows),
        match: spotOf(candidate, candidateGrid.columns, candidateGrid.rows),
      }));
    });
  }

  async dispose(): Promise<void> {
    await this.#recognizer.dispose();
    await this.#verifier?.dispose();
    this.#map.close();
  }
}

function toFacts(model: OnnxDescriptorModel, { path, map }: OnlineMap): EngineFacts {
  const { manifest, provider, providerFallbackReason } = model;
  return {
    model: {
      name: manifest.name,
      sha256: manifest.onnx.sha256,
      dimension: manifest.descriptor.dimension,
      provider,
      providerProblem: providerFallbackReason,
    },
    map: {
      path,
      id: map.manifest.id,
      frame: map.manifest.frame,
      datum: map.manifest.datum,
      calibration: map.manifest.calibration,
      places: map.places,
      hasLocalFeatures: map.hasLocalFeatures,
    },
  };
}

/** A map that holds places without features is not verified; an empty one will get them with its places. */
async function openVerifier(model: OnnxDescriptorModel, online: OnlineMap, topK: number): Promise<MapVerifier | null> {
  const hasFeatures = online.map.hasLocalFeatures || online.size === 0;
  if (topK === 0 || model.manifest.onnx.local === undefined || !hasFeatures) return null;
  return MapVerifier.create((place) => online.map.features(place), { topK });
}

/** Throws a NetvladError that says which file or provider cannot be used, and what to do. */
export async function openEngine(config: EngineConfig): Promise<RecognitionEngine> {
  const { threads, throughput = false } = config;
  const model = await loadModel(config.model || findDefaultModel(), {
    providers: config.providers,
    ...(threads > 0 ? { threads } : {}),
    spinning: !throughput,
  });
  try {
    const map = await OnlineMap.open(config.map, model.manifest, { create: config.createMap });
    const index = await openIndex(map.map, config.index);
    const verifier = await openVerifier(model, map, config.verifyTopK);
    return new LocalEngine(model, { map, index, verifier, throughput });
  } catch (error) {
    await model.dispose();
    throw error;
  }
}
