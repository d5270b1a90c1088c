/** @file A map's own retrievals, and those of queries with truth, as samples of its calibration. */
import { computeCalibration, type CalibrationQuery } from '../localization/computeCalibration.ts';
import { isForeign, isOwnView, spreadRows } from '../localization/leaveOneOut.ts';
import type { CandidateMatch } from '../localization/Localizer.ts';
import { resolveLocalizerOptions, type LocalizerOptions } from '../localization/localizerOptions.ts';
import { createMapGeometry, pointOf, type MapGeometry } from '../localization/MapGeometry.ts';
import type { PlaceCalibration } from '../localization/PlaceCalibration.ts';
import { silentProgress, type Progress } from '../Progress.ts';
import { ExactIndex } from '../retrieval/ExactIndex.ts';
import type { VectorIndex } from '../retrieval/VectorIndex.ts';
import type { StoredLocalFeatures } from './Place.ts';
import { MapWriter } from './MapWriter.ts';
import { PlaceMap } from './PlaceMap.ts';

/** Geometric evidence that two images show one place, as spatial verification measures it. */
export type EvidenceMeasure = (query: StoredLocalFeatures, candidate: StoredLocalFeatures) => number;

export interface MapCalibrationOptions {
  /** Images of the map that are retrieved against the rest; spread evenly. */
  readonly samples?: number;
  /** Candidates a retrieval, as the localizer will get them. */
  readonly topK?: number;
  /** Candidates that are verified, as `verify_top_k` of the node. */
  readonly verifyTopK?: number;
  /** Null: without spatial verification. */
  readonly evidence?: EvidenceMeasure | null;
  /** Settings that decide what one place is: its radius. */
  readonly localizer?: Partial<LocalizerOptions>;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export const DEFAULT_CALIBRATION_SAMPLES = 300;
const DEFAULT_TOP_K = 20;

/** Leave-one-out retrieval over the map (docs/localization.md). The index must hold all places of the map. */
export async function computeMapCalibration(
  map: PlaceMap,
  index: VectorIndex,
  options: MapCalibrationOptions = {},
): Promise<PlaceCalibration> {
  const { samples = DEFAULT_CALIBRATION_SAMPLES, progress = silentProgress } = options;
  const geometry = createMapGeometry(map.places, resolveLocalizerOptions(options.localizer));
  const rows = spreadRows(geometry, samples);
  const retrieval = new LeaveOneOut(map, index, { geometry, ...options });
  const queries: CalibrationQuery[] = [];
  for (const row of rows) {
    options.signal?.throwIfAborted();
    queries.push(await retrieval.query(row));
    progress.update(queries.length, rows.length, 'calibrating');
  }
  progress.finish('');
  return computeCalibration(geometry, queries, 'leave-one-out');
}

/** The same for a map file, with an exact search of its own; the file is only read. */
export async function computeFileCalibration(
  path: string,
  options: MapCalibrationOptions = {},
): Promise<PlaceCalibration> {
  const map = PlaceMap.open(path);
  try {
    const index = new ExactIndex(map.dimension);
    await index.add(
      map.places.map(({ id }) => id),
      map.descriptors,
    );
    return await computeMapCalibration(map, index, options);
  } finally {
    map.close();
  }
}

/** Calibrates a map file by its own images and stores the result in its manifest. */
export async function calibrateMap(path: string, options: MapCalibrationOptions = {}): Promise<PlaceCalibration> {
  const calibration = await computeFileCalibration(path, options);
  storeCalibration(path, calibration);
  return calibration;
}

export function storeCalibration(path: string, calibration: PlaceCalibration): void {
  const writer = MapWriter.open(path);
  try {
    writer.updateManifest({ calibration });
  } finally {
    writer.close();
  }
}

/** Searches the map with its own descriptors, what would prove nothing left out, and verifies the best candidates. */
class LeaveOneOut {
  readonly #map: PlaceMap;
  readonly #index: VectorIndex;
  readonly #options: MapCalibrationOptions & { readonly geometry: MapGeometry };
  readonly #local = new LocalFeatureCache();

  constructor(map: PlaceMap, index: VectorIndex, options: MapCalibrationOptions & { readonly geometry: MapGeometry }) {
    this.#map = map;
    this.#index = index;
    this.#options = options;
  }

  async query(row: number): Promise<CalibrationQuery> {
    const { geometry } = this.#options;
    const accept = (reject: (rowA: number, rowB: number) => boolean) => (place: number) =>
      !reject(row, this.#map.rowOf(place));
    return {
      truth: pointOf(geometry, row),
      matches: await this.#search(
        row,
        accept((a, b) => isOwnView(geometry, a, b)),
      ),
      impostors: await this.#search(
        row,
        accept((a, b) => !isForeign(geometry, a, b)),
      ),
    };
  }

  async #search(row: number, filter: (place: number) => boolean): Promise<CandidateMatch[]> {
    const { topK = DEFAULT_TOP_K, verifyTopK = topK, evidence = null } = this.#options;
    const { dimension, descriptors } = this.#map;
    const descriptor = descriptors.subarray(row * dimension, (row + 1) * dimension);
    const matches = await this.#index.search(descriptor, topK, filter);
    const own = evidence === null ? null : this.#local.read(this.#map, this.#map.places[row]!.id);
    return matches.map((match, rank) => {
      const other = own === null || rank >= verifyTopK ? null : this.#local.read(this.#map, match.place);
      const measured = own === null || other === null || evidence === null ? Number.NaN : evidence(own, other);
      return { ...match, evidence: measured };
    });
  }
}

/** Neighbouring samples retrieve the same places: their features are read once. Holds 29 KB a place. */
class LocalFeatureCache {
  readonly #limit = 512;
  readonly #features = new Map<number, StoredLocalFeatures | null>();

  read(map: PlaceMap, place: number): StoredLocalFeatures | null {
    const known = this.#features.get(place);
    if (known !== undefined) return known;
    if (this.#features.size >= this.#limit) this.#features.clear();
    const read = map.localFeatures(place);
    this.#features.set(place, read);
    return read;
  }
}
