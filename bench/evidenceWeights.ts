/**
 * @file Which weights of similarity and evidence do places teach that no test shows? Prints the generic weights of
 * src/localization/PlaceCalibration.ts, and how often each set's best match was right.
 *
 * Run: node dist/bench/evidenceWeights.js MAP[,QUERIES...] ... with maps that `netvlad map build` made: cambridge_west by role
 * train_database, with train_query as queries; ie_tower_indoor; two simulated towns by day (role database), each with dusk and
 * night (role query) as queries. The commands are in docs/localization.md.
 *
 * Every image of a map is searched in it as its calibration does. Queries with positions add what another light does to
 * the features. Videos (place = the video) are searched in themselves and on other floors (condition): other videos of one floor
 * may show the same place, or not, and nobody knows. Each set has an intercept of its own, as each map will fit its own,
 * and all sets weigh the same.
 */
import { createDatum, toEnu } from '../src/geo/LocalDatum.ts';
import { IMPOSTOR_WEIGHT, NEAR_SHARE } from '../src/localization/computeCalibration.ts';
import type { ChartPoint } from '../src/localization/ChartGrid.ts';
import { computeSeenPlaces } from '../src/localization/frameHypotheses.ts';
import { isForeign, isOwnStand, isOwnView, spreadRows } from '../src/localization/leaveOneOut.ts';
import type { CandidateMatch } from '../src/localization/Localizer.ts';
import { DEFAULT_LOCALIZER_OPTIONS } from '../src/localization/localizerOptions.ts';
import { createMapGeometry, pointOf, type MapGeometry } from '../src/localization/MapGeometry.ts';
import { defaultCalibration, toFeatures } from '../src/localization/PlaceCalibration.ts';
import { MapVerifier } from '../src/map/MapVerifier.ts';
import type { Place } from '../src/map/Place.ts';
import { PlaceMap } from '../src/map/PlaceMap.ts';
import { sigmoid } from '../src/math/statistics.ts';
import { ExactIndex } from '../src/retrieval/ExactIndex.ts';
import { endWithUsage } from './support/usage.ts';

const SAMPLES = 300;
const TOP_K = 20;
/** Weight of all samples of one set together. */
const SET_WEIGHT = 300;
const RIDGE = 1;
const INTERCEPT_RIDGE = 0.05;

interface Sample {
  /** The best place's features: log evidence over the mean and over the best elsewhere, similarity gap, similarity. */
  readonly features: readonly number[];
  readonly isRight: boolean;
  readonly weight: number;
}

interface Samples {
  readonly verified: Sample[];
  readonly similarityOnly: Sample[];
}

interface Weights {
  /** One a set. */
  readonly intercepts: readonly number[];
  readonly weights: readonly number[];
}

/** Ridge logistic regression by Newton's method, with an intercept for each set. */
function fitLogistic(sets: readonly (readonly Sample[])[], columns: readonly number[]): Weights {
  const n = sets.length + columns.length;
  const rows = sets.flatMap((samples, set) => {
    const total = samples.reduce((sum, { weight }) => sum + weight, 0);
    return samples.map(({ features, isRight, weight }) => ({
      x: [...sets.map((_, other) => (other === set ? 1 : 0)), ...columns.map((column) => features[column]!)],
      y: isRight ? 1 : 0,
      weight: (weight * SET_WEIGHT) / total,
    }));
  });
  const ridge = (i: number): number => (i < sets.length ? INTERCEPT_RIDGE : RIDGE);
  let beta = new Array<number>(n).fill(0);
  for (let round = 0; round < 50; round++) {
    const gradient = beta.map((value, i) => -ridge(i) * value);
    const hessian = beta.map((_, i) => beta.map((__, j) => (i === j ? ridge(i) : 0)));
    for (const { x, y, weight } of rows) {
      const p = sigmoid(x.reduce((sum, value, i) => sum + value * beta[i]!, 0));
      for (let i = 0; i < n; i++) {
        gradient[i]! += weight * (y - p) * x[i]!;
        for (let j = 0; j < n; j++) hessian[i]![j]! += weight * p * (1 - p) * x[i]! * x[j]!;
      }
    }
    const step = solve(hessian, gradient);
    beta = beta.map((value, i) => value + step[i]!);
  }
  return { intercepts: beta.slice(0, sets.length), weights: beta.slice(sets.length) };
}

/** Gauss-Jordan; the matrix is positive definite and small. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  for (let pivot = 0; pivot < rows.length; pivot++) {
    const scale = rows[pivot]![pivot]!;
    rows[pivot] = rows[pivot]!.map((value) => value / scale);
    rows.forEach((row, i) => {
      if (i !== pivot) rows[i] = row.map((value, k) => value - row[pivot]! * rows[pivot]![k]!);
    });
  }
  return rows.map((row) => row.at(-1)!);
}

/** Which places of a map a query may be searched among. */
type Filter = (row: number) => boolean;

/** Searches a map for images, and keeps what the best place of each answer looked like. */
class Collector {
  readonly samples: Samples = { verified: [], similarityOnly: [] };
  readonly map: PlaceMap;
  readonly geometry: MapGeometry;
  readonly #index: ExactIndex;
  readonly #verifier: MapVerifier;

  private constructor(map: PlaceMap, index: ExactIndex, verifier: MapVerifier) {
    const { places } = map;
    const byVideo = map.hasPositions ? places : places.map((place) => ({ ...place, sequence: place.label }));
    this.map = map;
    this.geometry = createMapGeometry(byVideo, DEFAULT_LOCALIZER_OPTIONS);
    this.#index = index;
    this.#verifier = verifier;
  }

  static async open(path: string): Promise<Collector> {
    const map = PlaceMap.open(path);
    const index = new ExactIndex(map.dimension);
    await index.add(
      map.places.map(({ id }) => id),
      map.descriptors,
    );
    const verifier = await MapVerifier.open(map, TOP_K);
    if (verifier === null) throw new Error(`${path} has no local features.`);
    return new Collector(map, index, verifier);
  }

  /** `truth` null = an impostor. */
  async add(
    image: { readonly of: PlaceMap; readonly row: number },
    given: { readonly truth: ChartPoint | null; readonly weight: number; readonly filter: Filter },
  ): Promise<void> {
    const { of, row } = image;
    const descriptor = of.descriptors.slice(row * of.dimension, (row + 1) * of.dimension);
    const found = await this.#index.search(descriptor, TOP_K, (place) => given.filter(this.map.rowOf(place)));
    const matches = await this.#verifier.verifyGrid(of.localFeatures(of.places[row]!.id)!, found);
    const stripped = matches.map((match) => ({ ...match, evidence: Number.NaN }));
    this.#keep(this.samples.verified, matches, given);
    this.#keep(this.samples.similarityOnly, stripped, given);
  }

  #keep(
    samples: Sample[],
    candidates: readonly CandidateMatch[],
    { truth, weight }: { readonly truth: ChartPoint | null; readonly weight: number },
  ): void {
    const [best] = computeSeenPlaces(this.geometry, defaultCalibration(null), candidates);
    if (best === undefined || weight === 0) return;
    const { chart, x, y } = pointOf(this.geometry, best.matches[0]!.row);
    const isRight =
      truth !== null && chart === truth.chart && Math.hypot(x - truth.x, y - truth.y) <= this.geometry.placeRadius;
    samples.push({ features: toFeatures(best.evidence), isRight, weight });
  }

  async dispose(): Promise<void> {
    await this.#verifier.dispose();
    this.map.close();
  }
}

/** As the calibration of the map searches its own images. */
async function collectOwn(collector: Collector): Promise<void> {
  const { map, geometry } = collector;
  const otherFloor = (a: Place, b: Place): boolean => a.condition !== b.condition;
  for (const row of spreadRows(geometry, SAMPLES)) {
    const truth = pointOf(geometry, row);
    const isKnown = (other: number): boolean =>
      map.hasPositions || geometry.chart[other] === truth.chart || otherFloor(map.places[row]!, map.places[other]!);
    const isImpostor = (other: number): boolean =>
      map.hasPositions ? isForeign(geometry, truth, other) : otherFloor(map.places[row]!, map.places[other]!);
    const image = { of: map, row };
    const far: Filter = (other) => isKnown(other) && !isOwnView(geometry, row, other);
    const near: Filter = (other) => isKnown(other) && !isOwnStand(geometry, row, other);
    await collector.add(image, { truth, weight: 1 - NEAR_SHARE, filter: far });
    await collector.add(image, { truth, weight: NEAR_SHARE, filter: near });
    await collector.add(image, { truth: null, weight: IMPOSTOR_WEIGHT, filter: isImpostor });
  }
}

async function collectQueries(collector: Collector, path: string): Promise<void> {
  const queries = PlaceMap.open(path);
  const datum = createDatum(collector.map.manifest.datum!);
  for (let row = 0; row < queries.size; row++) {
    const { x, y } = toEnu(datum, queries.places[row]!.geo!);
    await collector.add({ of: queries, row }, { truth: { chart: 0, x, y }, weight: 1, filter: () => true });
  }
  queries.close();
}

const sets: Samples[] = [];
const given = process.argv.slice(2);
if (given.length === 0) endWithUsage('evidenceWeights.js MAP[,QUERIES...] ...');
for (const argument of given) {
  const [path, ...queries] = argument.split(',');
  const collector = await Collector.open(path!);
  await collectOwn(collector);
  for (const each of queries) await collectQueries(collector, each);
  const right = collector.samples.verified.filter(({ isRight }) => isRight).length;
  console.log(`${argument}: ${right} of ${collector.samples.verified.length} samples right`);
  sets.push(collector.samples);
  await collector.dispose();
}
const show = (values: readonly number[]): string => values.map((value) => value.toFixed(2)).join('  ');
for (const [name, samples, columns] of [
  ['verified: over mean, over best, gap', sets.map(({ verified }) => verified), [0, 1, 2]],
  ['similarity only: gap, similarity', sets.map(({ similarityOnly }) => similarityOnly), [2, 3]],
] as const) {
  const { intercepts, weights } = fitLogistic(samples, columns);
  console.log(`${name}  ${show(weights)}   intercepts of the sets  ${show(intercepts)}`);
}
