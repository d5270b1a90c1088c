/** @file What a map's own retrievals teach about it: probabilities, expected recall, distance distributions, position error. */
import { chiSquare2Quantile, mahalanobis2, planarBlock } from '../geo/covariance.ts';
import { quantile } from '../math/statistics.ts';
import { fitScaling, type LogitSample } from './fitLogit.ts';
import { computeSeenPlaces, weighMatches, type RankedMatch } from './frameHypotheses.ts';
import type { CandidateMatch } from './Localizer.ts';
import type { ChartPoint } from './ChartGrid.ts';
import type { MapGeometry } from './MapGeometry.ts';
import {
  defaultCalibration,
  genericLogit,
  type DistanceQuantiles,
  type LogitModel,
  type PlaceCalibration,
} from './PlaceCalibration.ts';
import { estimatePose } from './poseMoments.ts';
import { countOf } from '../countOf.ts';

/** One retrieval whose truth is known. */
export interface CalibrationQuery {
  /** Where the image was taken. */
  readonly truth: ChartPoint;
  /** Best first; views of the query itself left out (`isOwnView`). */
  readonly matches: readonly CandidateMatch[];
  /** The best matches among foreign places only (`isForeign`): what the query would see were its place not on the map. */
  readonly impostors: readonly CandidateMatch[];
  /**
   * Best first, with nothing but the stand of the query itself left out: as near to a place of the map as a live image may be.
   * Missing where `matches` are just that.
   */
  readonly nearMatches?: readonly CandidateMatch[];
}

/** Weight of an impostor beside a retrieval: the chance, beforehand, that the camera is off the map. */
export const IMPOSTOR_WEIGHT = 0.15;
/**
 * A live image is nearer to a place of the map than `matches`, and less like it than `nearMatches` of the same pass: of a
 * query's weight the latter have this share.
 */
export const NEAR_SHARE = 1 / 3;
/** Fewer retrievals with a true place teach nothing. */
export const LEAST_RETRIEVALS = 20;
const RECALL_AT = [1, 5, 10, 20];
const SURE = 0.999;

export function computeCalibration(
  geometry: MapGeometry,
  queries: readonly CalibrationQuery[],
  method: 'leave-one-out' | 'queries',
): PlaceCalibration {
  const generic = defaultCalibration(null);
  // A query with no other image of its place on the map says nothing about finding the place.
  const findable = queries.filter(({ truth }) => hasNeighbour(geometry, truth, method === 'leave-one-out' ? 2 : 1));
  const impostors = queries.filter((query) => query.impostors.length > 0);
  const right = findable.filter((query) => isRight(geometry, query, bestMatch(geometry, generic, query.matches)));
  const samples = { retrievals: findable.length, right: right.length, impostors: impostors.length };
  const distances = distanceQuantiles(geometry, findable, impostors);
  if (findable.length < LEAST_RETRIEVALS) {
    const shown = method === 'queries' ? 'the map' : 'another image of the map';
    const warning = `${countOf(findable.length, 'image')} of a place that ${shown} shows, ${LEAST_RETRIEVALS} are needed: cautious defaults are used.`;
    return { ...generic, ...distances, samples, warning };
  }
  const given = { findable, impostors, generic };
  const verifiedQueries = findable.filter(({ matches }) => matches.some(({ evidence }) => !Number.isNaN(evidence)));
  const isVerified = verifiedQueries.length >= LEAST_RETRIEVALS;
  return {
    format: 1,
    method,
    warning: isVerified ? null : 'Calibrated without spatial verification: with it the generic weights are used.',
    samples,
    verified: isVerified ? fitModel(geometry, generic.verified, given) : generic.verified,
    similarityOnly: fitModel(geometry, generic.similarityOnly, {
      findable: findable.map(withoutEvidence),
      impostors: impostors.map(withoutEvidence),
      generic,
    }),
    expectedRecall: expectedRecall(geometry, findable),
    ...distances,
    positionErrorSpacings: positionError(geometry, findable, generic),
  };
}

interface FitInput {
  readonly findable: readonly CalibrationQuery[];
  readonly impostors: readonly CalibrationQuery[];
  readonly generic: PlaceCalibration;
}

function fitModel(geometry: MapGeometry, model: LogitModel, { findable, impostors, generic }: FitInput): LogitModel {
  const sample = (
    matches: readonly CandidateMatch[],
    weight: number,
    query: CalibrationQuery | null,
  ): LogitSample[] => {
    const [best] = computeSeenPlaces(geometry, generic, matches);
    if (best === undefined) return [];
    const logit = genericLogit(model.weights, best.evidence);
    return [{ logit, weight, isRight: query !== null && isRight(geometry, query, best.matches[0]) }];
  };
  const samples = [
    ...findable.flatMap((query) =>
      query.nearMatches === undefined
        ? sample(query.matches, 1, query)
        : [...sample(query.matches, 1 - NEAR_SHARE, query), ...sample(query.nearMatches, NEAR_SHARE, query)],
    ),
    ...impostors.flatMap((query) => sample(query.impostors, IMPOSTOR_WEIGHT, null)),
  ];
  const maxProbability = Math.min(SURE, 1 - 1 / (findable.length + impostors.length + 2));
  return { ...model, scaling: fitScaling(samples), maxProbability };
}

/** Similarity falls so fast with distance that near matches would make far ones look foreign: they are left out. */
function withoutEvidence({ truth, matches, impostors }: CalibrationQuery): CalibrationQuery {
  const strip = (candidates: readonly CandidateMatch[]): CandidateMatch[] =>
    candidates.map((match) => ({ ...match, evidence: Number.NaN }));
  return { truth, matches: strip(matches), impostors: strip(impostors) };
}

function bestMatch(
  geometry: MapGeometry,
  generic: PlaceCalibration,
  matches: readonly CandidateMatch[],
): RankedMatch | undefined {
  return computeSeenPlaces(geometry, generic, matches)[0]?.matches[0];
}

function isRight(geometry: MapGeometry, query: CalibrationQuery, match: RankedMatch | undefined): boolean {
  return match !== undefined && distanceTo(geometry, query.truth, match.row) <= geometry.placeRadius;
}

function distanceTo(geometry: MapGeometry, truth: ChartPoint, row: number): number {
  if (geometry.chart[row] !== truth.chart) return Number.POSITIVE_INFINITY;
  return Math.hypot(geometry.x[row]! - truth.x, geometry.y[row]! - truth.y);
}

/** True when at least `needed` positions of the map lie within the place radius (the query's own is one of them in leave-one-out). */
function hasNeighbour(geometry: MapGeometry, truth: ChartPoint, needed: number): boolean {
  const positions = new Set<string>();
  geometry.forEachWithin(truth, geometry.placeRadius, (row) => {
    positions.add(`${geometry.x[row]!.toFixed(1)},${geometry.y[row]!.toFixed(1)}`);
    return positions.size < needed;
  });
  return positions.size >= needed;
}

function expectedRecall(geometry: MapGeometry, queries: readonly CalibrationQuery[]): Record<string, number> {
  const ranks = queries.map((query) => {
    const byRank = query.matches.map(({ place }) => geometry.rowOf(place));
    return byRank.findIndex(
      (row) => row !== undefined && distanceTo(geometry, query.truth, row) <= geometry.placeRadius,
    );
  });
  const found = (n: number): number => ranks.filter((rank) => rank >= 0 && rank < n).length / ranks.length;
  return Object.fromEntries(RECALL_AT.map((n) => [String(n), found(n)]));
}

function distanceQuantiles(
  geometry: MapGeometry,
  findable: readonly CalibrationQuery[],
  impostors: readonly CalibrationQuery[],
): Pick<PlaceCalibration, 'samePlaceDistance' | 'otherPlaceDistance'> {
  const same = findable.flatMap((query) => {
    const own = query.matches.filter(({ place }) => {
      const row = geometry.rowOf(place);
      return row !== undefined && distanceTo(geometry, query.truth, row) <= geometry.placeRadius;
    });
    return own.length === 0 ? [] : [toDistance(own)];
  });
  const other = impostors.map((query) => toDistance(query.impostors));
  return { samePlaceDistance: toQuantiles(same), otherPlaceDistance: toQuantiles(other) };
}

/** L2 distance of the most similar match. */
function toDistance(matches: readonly CandidateMatch[]): number {
  const similarity = Math.max(...matches.map((match) => match.similarity));
  return Math.sqrt(Math.max(0, 2 - 2 * similarity));
}

function toQuantiles(distances: readonly number[]): DistanceQuantiles | null {
  if (distances.length === 0) return null;
  const at = (probability: number): number => quantile(distances, probability);
  return { count: distances.length, p05: at(0.05), p50: at(0.5), p95: at(0.95) };
}

/**
 * The smallest one-sigma error, in spacings, whose 95 % ellipse holds the truth of 95 % of the right answers; at least that of a
 * camera anywhere between two places, which leave-one-out, always at a place, cannot show.
 */
function positionError(geometry: MapGeometry, queries: readonly CalibrationQuery[], generic: PlaceCalibration): number {
  const limit = chiSquare2Quantile(0.95);
  const answers = queries.flatMap((query) => {
    const [best] = computeSeenPlaces(geometry, generic, query.nearMatches ?? query.matches);
    return isRight(geometry, query, best?.matches[0])
      ? [{ truth: query.truth, rows: weighMatches(best!.matches) }]
      : [];
  });
  const covers = (errorM: number): boolean => {
    const inside = answers.filter(({ rows, truth }) => {
      const estimate = estimatePose(geometry, rows, errorM);
      if (estimate === null) return true; // a topological map has no metres to be wrong by
      const [dx, dy] = [estimate.pose.x - truth.x, estimate.pose.y - truth.y];
      return mahalanobis2(planarBlock(estimate.covariance), dx, dy) <= limit;
    });
    return inside.length >= 0.95 * answers.length;
  };
  const found = ERROR_STEPS.find((spacings) => covers(spacings * geometry.spacing));
  return found ?? ERROR_STEPS.at(-1)!;
}

/**
 * Standard deviation, in spacings, of a camera that is anywhere between two places (1 / sqrt(12) = 0.29), and a little beside
 * the lane as well. At 0.3 the ellipse held 96 % of the live frames located in two simulated towns.
 */
const LEAST_ERROR = 0.3;
const ERROR_STEPS = Array.from({ length: 20 }, (_, index) => LEAST_ERROR * 1.2 ** index);
