/** @file A map's own retrievals, and those of queries with truth, as samples of its calibration. */
import type { GeotaggedImageSource } from '../datasets/GeotaggedImage.ts';
import { NetvladError } from '../errors.ts';
import type { DescriptorModel, Descriptors } from '../inference/DescriptorModel.ts';
import { computeCalibration, LEAST_RETRIEVALS, type CalibrationQuery } from '../localization/computeCalibration.ts';
import { isForeign, isOwnStand, isOwnView, spreadRows } from '../localization/leaveOneOut.ts';
import type { CandidateMatch } from '../localization/Localizer.ts';
import { resolveLocalizerOptions, type LocalizerOptions } from '../localization/localizerOptions.ts';
import { LoopClosureDetector } from '../localization/LoopClosureDetector.ts';
import type { Revisit } from '../localization/layOutCharts.ts';
import { createMapGeometry, pointOf, type MapGeometry } from '../localization/MapGeometry.ts';
import type { PlaceCalibration } from '../localization/PlaceCalibration.ts';
import { silentProgress, type Progress } from '../Progress.ts';
import { ExactIndex } from '../retrieval/ExactIndex.ts';
import type { PlaceFilter, VectorIndex } from '../retrieval/VectorIndex.ts';
import { quantizeGrid, type LocalGrid } from '../verification/LocalGrid.ts';
import { describeImages } from './describeImages.ts';
import { assertMapFile, assertWritable } from './mapFile.ts';
import { MapVerifier } from './MapVerifier.ts';
import { MapWriter } from './MapWriter.ts';
import { PlaceMap } from './PlaceMap.ts';
import { PlaceSurveyor } from './PlaceSurveyor.ts';

export interface MapCalibrationOptions {
  /** Images of the map that are retrieved against the rest; spread evenly. */
  readonly samples?: number;
  /** Candidates a retrieval, as the localizer will get them. */
  readonly topK?: number;
  /** Candidates that are verified, as `verify_top_k` of the node; 0 = none. A map without local features has none either. */
  readonly verifyTopK?: number;
  /** Settings that decide what one place is: its radius. */
  readonly localizer?: Partial<LocalizerOptions>;
  /** Queries described in one inference. */
  readonly batch?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export const DEFAULT_CALIBRATION_SAMPLES = 300;
const DEFAULT_TOP_K = 20;

/** What places are found and verified with. The index must hold all places of the map. */
export interface SearchTools {
  readonly index: VectorIndex;
  /** Null = without spatial verification. */
  readonly verifier: MapVerifier | null;
}

/** Leave-one-out retrieval over the map (docs/localization.md). */
export async function computeMapCalibration(
  map: PlaceMap,
  tools: SearchTools,
  options: MapCalibrationOptions = {},
): Promise<PlaceCalibration> {
  const { samples = DEFAULT_CALIBRATION_SAMPLES, progress = silentProgress } = options;
  const search = new CandidateSearch(map, tools, options);
  const settings = resolveLocalizerOptions(options.localizer);
  const revisits = await findRevisits(map, search, { geometry: createMapGeometry(map.places, settings), ...options });
  const geometry = createMapGeometry(map.places, settings, revisits);
  const rows = spreadRows(geometry, samples);
  const queries: CalibrationQuery[] = [];
  for (const row of rows) {
    options.signal?.throwIfAborted();
    const image = search.ownImage(row);
    queries.push({
      truth: pointOf(geometry, row),
      matches: await search.find(image, (place) => !isOwnView(geometry, row, map.rowOf(place))),
      nearMatches: await search.find(image, (place) => !isOwnStand(geometry, row, map.rowOf(place))),
      impostors: await search.find(image, (place) => isForeign(geometry, pointOf(geometry, row), map.rowOf(place))),
    });
    progress.update(queries.length, rows.length);
  }
  progress.finish('');
  const calibration = computeCalibration(geometry, queries, 'leave-one-out');
  return revisits.length === 0 ? calibration : { ...calibration, revisits };
}

/**
 * Where a sequence without positions passes the places of its beginning again: its loop closures, as mapping finds them.
 * Without verification none is certain enough.
 */
async function findRevisits(
  map: PlaceMap,
  search: CandidateSearch,
  { geometry, signal, progress = silentProgress }: MapCalibrationOptions & { readonly geometry: MapGeometry },
): Promise<Revisit[]> {
  if (geometry.kind !== 'topological' || !search.verifies) return [];
  const order = [...map.places.keys()].sort((a, b) => geometry.moment[a]! - geometry.moment[b]! || a - b);
  const revisits: Revisit[] = [];
  let done = 0;
  for (const chart of new Set(geometry.chart)) {
    const detector = new LoopClosureDetector({ minTimeS: 0, minTravelM: 0 });
    for (const row of order.filter((each) => geometry.chart[each] === chart)) {
      signal?.throwIfAborted();
      const now = { stampNs: 0n, odometry: null };
      const matches = await search.find(search.ownImage(row), (place) => detector.isOld(place, now));
      const closure = detector.process({ place: map.places[row]!.id, ...now, matches });
      if (closure?.accepted) revisits.push([closure.fromPlace, closure.toPlace]);
      progress.update(++done, map.size, 'looking for laps');
    }
  }
  return revisits;
}

/** The same from queries whose positions are known; those without a position in the map frame are left out. */
export async function computeQueryCalibration(
  map: PlaceMap,
  tools: SearchTools,
  given: MapCalibrationOptions & CalibrationQueries,
): Promise<PlaceCalibration> {
  const { source, model, progress = silentProgress } = given;
  const geometry = createMapGeometry(map.places, resolveLocalizerOptions(given.localizer));
  if (geometry.kind === 'topological') {
    throw new NetvladError(
      'map',
      `Map ${map.path} has no positions, so queries cannot be compared with it by position.`,
      {
        hint: 'Calibrate it by its own images: leave out --queries.',
      },
    );
  }
  const surveyor = PlaceSurveyor.continuing(map);
  const search = new CandidateSearch(map, tools, given);
  const queries: CalibrationQuery[] = [];
  for await (const { images, descriptors } of describeImages(source, model, {
    ...given,
    local: tools.verifier !== null,
  })) {
    for (const [row, { image }] of images.entries()) {
      const surveyed = surveyor.survey(image);
      if ('problem' in surveyed || surveyed.pose === null) continue;
      const truth = { chart: 0, x: surveyed.pose.x, y: surveyed.pose.y };
      const described = toSearchImage(descriptors, row);
      queries.push({
        truth,
        matches: await search.find(described, () => true),
        impostors: await search.find(described, (place) => isForeign(geometry, truth, map.rowOf(place))),
      });
    }
    progress.update(queries.length, source.count);
  }
  progress.finish('');
  return computeCalibration(geometry, queries, 'queries');
}

/** Images with known positions, and the model that made the map. */
export interface CalibrationQueries {
  readonly source: GeotaggedImageSource;
  readonly model: DescriptorModel;
}

/** The calibration of a map file by its own images, or by queries, with an exact search of its own; the file is only read. */
export async function computeFileCalibration(
  path: string,
  options: MapCalibrationOptions = {},
  queries: CalibrationQueries | null = null,
): Promise<PlaceCalibration> {
  const map = PlaceMap.open(path);
  let verifier: MapVerifier | null = null;
  try {
    if (queries !== null) map.assertModel(queries.model.manifest);
    const index = new ExactIndex(map.dimension);
    await index.add(
      map.places.map(({ id }) => id),
      map.descriptors,
    );
    verifier = await MapVerifier.open(map, options.verifyTopK ?? options.topK ?? DEFAULT_TOP_K);
    if (queries === null) return await computeMapCalibration(map, { index, verifier }, options);
    return await computeQueryCalibration(map, { index, verifier }, { ...options, ...queries });
  } finally {
    await verifier?.dispose();
    map.close();
  }
}

/**
 * Calibrates a map file, by its own images or by queries, and stores the result in its manifest. Throws
 * NetvladError('bad-input') when too few images tell anything and the map has learned before: it keeps what it knows.
 */
export async function calibrateMap(
  path: string,
  options: MapCalibrationOptions = {},
  queries: CalibrationQueries | null = null,
): Promise<PlaceCalibration> {
  assertMapFile(path);
  assertWritable(path); // before the work
  const calibration = await computeFileCalibration(path, options, queries);
  if (calibration.method === 'default') assertNothingToLose(path, calibration);
  storeCalibration(path, calibration);
  return calibration;
}

function assertNothingToLose(path: string, { samples }: PlaceCalibration): void {
  const map = PlaceMap.open(path);
  try {
    const known = map.calibration?.method ?? 'default';
    if (known === 'default') return;
    const seen = `${samples.retrievals} of the images see a place that the map shows`;
    throw new NetvladError('bad-input', `Too few images to learn from for ${path}: ${seen}.`, {
      hint: `The map keeps its calibration (${known}). Give at least ${LEAST_RETRIEVALS} images near its places.`,
    });
  } finally {
    map.close();
  }
}

function storeCalibration(path: string, calibration: PlaceCalibration): void {
  const writer = MapWriter.open(path);
  try {
    writer.updateManifest({ calibration });
  } finally {
    writer.close();
  }
}

/** What of an image is searched with. */
interface SearchImage {
  /** [D] unit L2. */
  readonly descriptor: Float32Array;
  readonly local: LocalGrid | null;
}

function toSearchImage({ global, dimension, local }: Descriptors, row: number): SearchImage {
  return {
    descriptor: global.slice(row * dimension, (row + 1) * dimension),
    local: local === null ? null : quantizeGrid(local, row),
  };
}

/** Searches the index and verifies the best candidates as the recognizer does. */
class CandidateSearch {
  readonly #map: PlaceMap;
  readonly #tools: SearchTools;
  readonly #topK: number;

  constructor(map: PlaceMap, tools: SearchTools, { topK = DEFAULT_TOP_K }: MapCalibrationOptions) {
    this.#map = map;
    this.#tools = tools;
    this.#topK = topK;
  }

  get verifies(): boolean {
    return this.#tools.verifier !== null;
  }

  /** An image of the map as a query. */
  ownImage(row: number): SearchImage {
    const { dimension, descriptors, places } = this.#map;
    return {
      descriptor: descriptors.subarray(row * dimension, (row + 1) * dimension),
      local: this.#tools.verifier === null ? null : this.#map.localFeatures(places[row]!.id),
    };
  }

  async find({ descriptor, local }: SearchImage, filter: PlaceFilter): Promise<readonly CandidateMatch[]> {
    const { index, verifier } = this.#tools;
    const matches = await index.search(descriptor, this.#topK, filter);
    if (verifier === null || local === null) return matches.map((match) => ({ ...match, evidence: Number.NaN }));
    return verifier.verifyGrid(local, matches);
  }
}
