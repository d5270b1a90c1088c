/**
 * @file Which weights of similarity and evidence do places teach that no test shows? Prints the generic weights of
 * src/localization/PlaceCalibration.ts, and how often each set's best match was right.
 *
 * Run: node dist/bench/evidenceWeights.js street.vprmap pepper.vprmap ie.vprmap, with maps that `netvlad map build` made of
 * cambridge_west (--role train_database), pepper_office and ie_tower_indoor. Images with positions are searched with their
 * own panorama left out; videos (place = the video) search their even frames for the odd ones and the reverse. Impostors: places
 * more than three radii away; for videos those of other conditions (floors), where there are several.
 */
import { computeSeenPlaces } from '../src/localization/frameHypotheses.ts';
import { isForeign, isOwnView, spreadRows } from '../src/localization/leaveOneOut.ts';
import type { CandidateMatch } from '../src/localization/Localizer.ts';
import { DEFAULT_LOCALIZER_OPTIONS } from '../src/localization/localizerOptions.ts';
import { createMapGeometry, pointOf, type MapGeometry } from '../src/localization/MapGeometry.ts';
import { defaultCalibration, toFeatures } from '../src/localization/PlaceCalibration.ts';
import { MapVerifier } from '../src/map/MapVerifier.ts';
import { PlaceMap } from '../src/map/PlaceMap.ts';
import { sigmoid } from '../src/math/statistics.ts';
import { ExactIndex } from '../src/retrieval/ExactIndex.ts';

const SAMPLES = 250;
const TOP_K = 20;
const IMPOSTOR_WEIGHT = 0.15;
const RIDGE = 1;

interface Sample {
  /** The best place's features: log evidence, log evidence ratio, similarity gap, similarity. */
  readonly features: readonly number[];
  readonly isRight: boolean;
  readonly weight: number;
}

interface Samples {
  readonly verified: Sample[];
  readonly similarityOnly: Sample[];
}

/** Ridge logistic regression by Newton's method; the intercept comes first and is not shrunk. */
function fitLogistic(samples: readonly Sample[], columns: readonly number[]): number[] {
  const rows = samples.map(({ features }) => [1, ...columns.map((column) => features[column]!)]);
  const n = columns.length + 1;
  let beta = new Array<number>(n).fill(0);
  for (let round = 0; round < 50; round++) {
    const ridge = (i: number): number => (i === 0 ? 1e-6 : RIDGE);
    const gradient = beta.map((value, i) => -ridge(i) * value);
    const hessian = beta.map((_, i) => beta.map((__, j) => (i === j ? ridge(i) : 0)));
    rows.forEach((row, index) => {
      const { isRight, weight } = samples[index]!;
      const p = sigmoid(row.reduce((sum, value, i) => sum + value * beta[i]!, 0));
      for (let i = 0; i < n; i++) {
        gradient[i]! += weight * ((isRight ? 1 : 0) - p) * row[i]!;
        for (let j = 0; j < n; j++) hessian[i]![j]! += weight * p * (1 - p) * row[i]! * row[j]!;
      }
    });
    const step = solve(hessian, gradient);
    beta = beta.map((value, i) => value + step[i]!);
  }
  return beta;
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

async function collect(path: string): Promise<Samples> {
  const map = PlaceMap.open(path);
  const index = new ExactIndex(map.dimension);
  await index.add(
    map.places.map(({ id }) => id),
    map.descriptors,
  );
  const verifier = await MapVerifier.open(map, TOP_K);
  if (verifier === null) throw new Error(`${path} has no local features.`);
  const { places } = map;
  const byVideo = map.hasPositions ? places : places.map((place) => ({ ...place, sequence: place.label }));
  const geometry = createMapGeometry(byVideo, DEFAULT_LOCALIZER_OPTIONS);
  const conditions = new Set(places.map(({ condition }) => condition));
  const mayRetrieve = (query: number, row: number): boolean =>
    map.hasPositions ? !isOwnView(geometry, query, row) : (query - row) % 2 !== 0;
  const isImpostor = (query: number, row: number): boolean =>
    map.hasPositions
      ? isForeign(geometry, pointOf(geometry, query), row)
      : conditions.size > 1 && places[query]!.condition !== places[row]!.condition;
  const samples: Samples = { verified: [], similarityOnly: [] };
  for (const query of spreadRows(geometry, SAMPLES)) {
    const descriptor = map.descriptors.slice(query * map.dimension, (query + 1) * map.dimension);
    const local = map.localFeatures(places[query]!.id)!;
    for (const [accept, weight] of [
      [mayRetrieve, 1],
      [isImpostor, IMPOSTOR_WEIGHT],
    ] as const) {
      const found = await index.search(descriptor, TOP_K, (place) => accept(query, map.rowOf(place)));
      const matches = await verifier.verifyGrid(local, found);
      addSample(samples, geometry, { query, matches, weight });
    }
  }
  await verifier.dispose();
  map.close();
  return samples;
}

function addSample(
  samples: Samples,
  geometry: MapGeometry,
  given: { readonly query: number; readonly matches: readonly CandidateMatch[]; readonly weight: number },
): void {
  const { query, matches, weight } = given;
  const stripped = matches.map((match) => ({ ...match, evidence: Number.NaN }));
  for (const [kind, candidates] of [
    ['verified', matches],
    ['similarityOnly', stripped],
  ] as const) {
    const [best] = computeSeenPlaces(geometry, defaultCalibration(null), candidates);
    if (best === undefined) continue;
    const isRight = weight === 1 && geometry.distance(best.matches[0]!.row, query) <= geometry.placeRadius;
    samples[kind].push({ features: toFeatures(best.evidence), isRight, weight });
  }
}

const sets: Samples[] = [];
for (const path of process.argv.slice(2)) {
  const set = await collect(path);
  sets.push(set);
  const retrievals = set.verified.filter(({ weight }) => weight === 1);
  const right = retrievals.filter(({ isRight }) => isRight).length;
  console.log(`${path}: ${right} of ${retrievals.length} right, ${set.verified.length - retrievals.length} impostors`);
}
const show = (weights: readonly number[]): string => weights.map((weight) => weight.toFixed(2)).join('  ');
const verified = fitLogistic(
  sets.flatMap((set) => set.verified),
  [0, 1, 2],
);
const similarityOnly = fitLogistic(
  sets.flatMap((set) => set.similarityOnly),
  [2, 3],
);
console.log(`verified         intercept, log evidence, log ratio, similarity gap:  ${show(verified)}`);
console.log(`similarity only  intercept, similarity gap, similarity:              ${show(similarityOnly)}`);
