/** @file Maps and observations made by hand, for tests of the localizer. */
import { planarPose } from '../../src/geo/poseAlgebra.ts';
import type { CandidateMatch, Observation } from '../../src/localization/Localizer.ts';
import type { MapPlace } from '../../src/localization/MapPlace.ts';

export function placeAt(id: number, x: number, y: number, yawRad = 0): MapPlace {
  return {
    id,
    image: `image${id}.jpg`,
    stampNs: null,
    sequence: null,
    frame: null,
    geo: null,
    pose: planarPose(x, y, yawRad),
    positionSigmaM: null,
  };
}

/** Places 1..n, `spacingM` apart on the x axis, looking along it. */
export function street(n: number, spacingM = 5): MapPlace[] {
  return Array.from({ length: n }, (_, index) => placeAt(index + 1, index * spacingM, 0));
}

/** Places 1..n without positions, in the order of their ids. */
export function topologicalStreet(n: number, sequence = 'drive'): MapPlace[] {
  return street(n).map((place) => ({ ...place, pose: null, sequence }));
}

/** What a camera at place `at` of a street retrieves: its place clearly, its neighbours less, and `impostors` weakly. */
export function clearView(at: number, impostors: readonly number[] = [1, 2, 3]): CandidateMatch[] {
  const near = [0, -1, 1].map((offset) => ({
    place: at + offset,
    similarity: 0.8 - 0.1 * Math.abs(offset),
    evidence: 120 - 30 * Math.abs(offset),
  }));
  const far = impostors.map((place, rank) => ({ place, similarity: 0.3 - 0.01 * rank, evidence: 10 - rank }));
  return [...near, ...far.filter(({ place }) => Math.abs(place - at) > 5)];
}

/** What a camera off the map retrieves: unlike places of about equal rank, others in every frame. */
export function foreignView(places: readonly number[], frame: number): CandidateMatch[] {
  return places.map((_, rank) => ({
    place: places[(rank + 3 * frame) % places.length]!,
    similarity: 0.25 - 0.005 * rank,
    evidence: 10 - 0.2 * rank,
  }));
}

/** Frame number `frame` of a 2 Hz camera. */
export function observe(frame: number, matches: readonly CandidateMatch[]): Observation {
  return { stampNs: BigInt(frame) * 500_000_000n, matches, odometry: null, fix: null };
}
