/** @file One frame's matches, clustered into places, each with a calibrated probability; nothing is remembered here. */
import { wrapAngle } from '../geo/angles.ts';
import { clamp, mean } from '../math/statistics.ts';
import type { CandidateMatch } from './Localizer.ts';
import type { MapGeometry } from './MapGeometry.ts';
import {
  logEvidence,
  matchStrength,
  placeProbability,
  type PlaceCalibration,
  type PlaceEvidence,
} from './PlaceCalibration.ts';

/** What clustering needs of a map; the online map of a drive has no more. */
export type PlaceLayout = Pick<MapGeometry, 'rowOf' | 'idOf' | 'distance' | 'placeRadius'>;

/** A match on a row of the map, ranked. */
export interface FrameMatch {
  readonly row: number;
  readonly similarity: number;
  /** NaN = not verified. */
  readonly evidence: number;
  /** Comparable within the frame, in units of the logit. */
  readonly strength: number;
  /** Share within its place, 1 for the strongest. */
  readonly weight: number;
}

/** All matches of one place, whatever their heading; strongest first. */
export interface FramePlace {
  readonly matches: readonly FrameMatch[];
  readonly similarity: number;
  readonly evidence: number;
  /** With those of the other places and `noneProbability` they sum to 1. */
  readonly probability: number;
}

export interface FrameHypotheses {
  /** Most probable first. */
  readonly places: readonly FramePlace[];
  readonly noneProbability: number;
}

/** A place as one frame sees it, before it has a probability. */
export interface SeenPlace {
  /** Strongest first. */
  readonly matches: readonly RankedMatch[];
  readonly evidence: PlaceEvidence;
}

/**
 * The places of a frame, the one with the strongest match first. Matches on unknown places or with a similarity that is
 * no number are left out; of several on one place the best is kept.
 */
export function computeSeenPlaces(
  geometry: PlaceLayout,
  calibration: PlaceCalibration,
  candidates: readonly CandidateMatch[],
): readonly SeenPlace[] {
  const clusters = clusterInSpace(geometry, rankMatches(geometry, calibration, candidates));
  return clusters.map((matches) => ({ matches, evidence: evidenceOf(matches, clusters) }));
}

export function computeFrameHypotheses(
  geometry: PlaceLayout,
  calibration: PlaceCalibration,
  candidates: readonly CandidateMatch[],
): FrameHypotheses {
  const [first, ...rest] = computeSeenPlaces(geometry, calibration, candidates);
  if (first === undefined) return { places: [], noneProbability: 1 };
  const probability = placeProbability(calibration, first.evidence);
  // What the best place leaves is shared by odds between the other places and none of them.
  const odds = rest.map(({ evidence }) => {
    const other = Math.min(placeProbability(calibration, evidence), probability);
    return other / (1 - other);
  });
  const total = 1 + odds.reduce((sum, value) => sum + value, 0);
  const places = [
    toPlace(first, probability),
    ...rest.map((place, index) => toPlace(place, ((1 - probability) * odds[index]!) / total)),
  ];
  return { places: places.sort(byProbability), noneProbability: (1 - probability) / total };
}

/** Splits the matches of one place by heading; places without headings stay whole. Strongest first. */
export function splitByHeading(
  geometry: MapGeometry,
  rows: readonly number[],
  toleranceRad: number,
): readonly (readonly number[])[] {
  const groups: { readonly yaw: number; readonly rows: number[] }[] = [];
  for (const row of rows) {
    const yaw = geometry.yaw[row]!;
    const fits = groups.find((group) => !(Math.abs(wrapAngle(group.yaw - yaw)) > toleranceRad));
    if (fits === undefined) groups.push({ yaw, rows: [row] });
    else fits.rows.push(row);
  }
  return groups.map((group) => group.rows);
}

/** A match before its share within its place is known. */
export type RankedMatch = Omit<FrameMatch, 'weight'>;

function rankMatches(
  geometry: PlaceLayout,
  calibration: PlaceCalibration,
  candidates: readonly CandidateMatch[],
): RankedMatch[] {
  const best = new Map<number, RankedMatch>();
  for (const candidate of candidates) {
    const row = geometry.rowOf(candidate.place);
    if (row === undefined || !Number.isFinite(candidate.similarity)) continue;
    const similarity = clamp(candidate.similarity, -1, 1);
    const evidence = Number.isFinite(candidate.evidence) ? Math.max(0, candidate.evidence) : Number.NaN;
    const match = { row, similarity, evidence, strength: matchStrength(calibration, similarity, evidence) };
    const known = best.get(row);
    if (known === undefined || isStronger(match, known)) best.set(row, match);
  }
  const byRank = (a: RankedMatch, b: RankedMatch): number =>
    isStronger(a, b) ? -1 : isStronger(b, a) ? 1 : geometry.idOf(a.row) - geometry.idOf(b.row);
  return [...best.values()].sort(byRank);
}

/** Verified matches come before those that were not verified: verification takes the best K by similarity. */
function isStronger(a: RankedMatch, b: RankedMatch): boolean {
  const [verifiedA, verifiedB] = [!Number.isNaN(a.evidence), !Number.isNaN(b.evidence)];
  return verifiedA === verifiedB ? a.strength > b.strength : verifiedA;
}

/** Greedy: the strongest match seeds a place and takes all within the place radius. */
function clusterInSpace(geometry: PlaceLayout, matches: readonly RankedMatch[]): RankedMatch[][] {
  const clusters: RankedMatch[][] = [];
  for (const match of matches) {
    const home = clusters.find(([seed]) => geometry.distance(seed!.row, match.row) <= geometry.placeRadius);
    if (home === undefined) clusters.push([match]);
    else home.push(match);
  }
  return clusters;
}

/** A place beside the best match at any other place. */
function evidenceOf(cluster: readonly RankedMatch[], clusters: readonly (readonly RankedMatch[])[]): PlaceEvidence {
  const others = clusters.filter((other) => other !== cluster).flat();
  return {
    similarity: maxOf(cluster, 'similarity'),
    otherSimilarity: maxOf(others, 'similarity'),
    evidence: maxOf(cluster, 'evidence'),
    otherEvidence: maxOf(others, 'evidence'),
    otherLogEvidence: mean(others.map(({ evidence }) => logEvidence(evidence)).filter((value) => !Number.isNaN(value))),
  };
}

/** NaN when no match has the number. */
function maxOf(matches: readonly RankedMatch[], key: 'similarity' | 'evidence'): number {
  const values = matches.map((match) => match[key]).filter((value) => !Number.isNaN(value));
  return values.length === 0 ? Number.NaN : Math.max(...values);
}

function toPlace(seen: SeenPlace, probability: number): FramePlace {
  const { similarity, evidence } = seen.evidence;
  return { matches: weighMatches(seen.matches), similarity, evidence, probability };
}

/** Shares of one place's matches, by how much weaker they are than the strongest. */
export function weighMatches(matches: readonly RankedMatch[]): readonly FrameMatch[] {
  const top = matches[0]!.strength;
  return matches.map((match) => ({ ...match, weight: Math.exp(Math.min(0, match.strength - top)) }));
}

function byProbability(a: FramePlace, b: FramePlace): number {
  return b.probability - a.probability;
}
