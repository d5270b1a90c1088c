/** @file A mapped drive searched for its own loop closures, as mapping does, and judged by where it really went. */
import { wrapAngle } from '../../src/geo/angles.ts';
import { composePoses, planarPose, relativePose, yawOf } from '../../src/geo/poseAlgebra.ts';
import type { Pose } from '../../src/geo/Pose.ts';
import type { LoopClosure } from '../../src/localization/LoopClosure.ts';
import { LoopClosureDetector } from '../../src/localization/LoopClosureDetector.ts';
import type { Place } from '../../src/map/Place.ts';
import type { PlaceMap } from '../../src/map/PlaceMap.ts';
import { searchMap } from './describedSets.ts';

const NS_PER_KEYFRAME = 1_000_000_000n;
/** Left out of the search, as in mapping. */
const LATEST = 10;

/** Every place of the map is a keyframe, one a second, in the order of the ids. `odometry`: one pose a keyframe. */
export async function detectLoops(map: PlaceMap, odometry: readonly Pose[] | null): Promise<LoopClosure[]> {
  const frames = await searchMap(map, map, { filter: (place, query) => place < query.id - LATEST });
  const detector = new LoopClosureDetector();
  return frames.flatMap(({ query, matches }, index) => {
    const stampNs = BigInt(index) * NS_PER_KEYFRAME;
    return detector.process({ place: query.id, stampNs, odometry: odometry?.[index] ?? null, matches }) ?? [];
  });
}

/** The poses as wheels would tell them: 2 % too far, and a heading that drifts by 1.7 degrees in 100 m. */
export function driftingOdometry(poses: readonly Pose[]): Pose[] {
  const odometry: Pose[] = [];
  poses.forEach((pose, index) => {
    if (index === 0) {
      odometry.push(planarPose(0, 0, 0));
      return;
    }
    const step = relativePose(poses[index - 1]!, pose);
    const lengthM = Math.hypot(step.x, step.y);
    const seen = planarPose(1.02 * step.x, 1.02 * step.y, yawOf(step) + 3e-4 * lengthM);
    odometry.push(composePoses(odometry.at(-1)!, seen));
  });
  return odometry;
}

export interface LoopTruth {
  /** A keyframe within it of an old one, in about the same heading, is a revisit. */
  readonly sameM: number;
  /** An accepted closure between places farther apart is false. */
  readonly falseM: number;
}

export interface LoopJudgement {
  readonly revisits: number;
  readonly revisitsClosed: number;
  /** First and last keyframe of every stretch of revisits. */
  readonly regions: readonly (readonly [number, number])[];
  readonly regionsFound: number;
  readonly accepted: number;
  readonly falseOnes: readonly string[];
}

const SAME_HEADING_RAD = Math.PI / 4;
/** Keyframes nearer in order are the same passage, not a revisit. */
const SAME_PASSAGE = 20;
const WITHIN_REGION = 5;

/** All places have poses. */
export function judgeLoops(
  places: readonly Place[],
  closures: readonly LoopClosure[],
  truth: LoopTruth,
): LoopJudgement {
  const rowOf = new Map(places.map(({ id }, row) => [id, row]));
  const apartM = (a: Place, b: Place): number => Math.hypot(a.pose!.x - b.pose!.x, a.pose!.y - b.pose!.y);
  const isRevisit = (row: number): boolean =>
    places
      .slice(0, Math.max(0, row - SAME_PASSAGE))
      .some(
        (old) =>
          apartM(old, places[row]!) <= truth.sameM &&
          Math.abs(wrapAngle(yawOf(old.pose!) - yawOf(places[row]!.pose!))) <= SAME_HEADING_RAD,
      );
  const revisits = places.flatMap((_, row) => (isRevisit(row) ? [row] : []));
  const regions: [number, number][] = [];
  for (const row of revisits) {
    const last = regions.at(-1);
    if (last !== undefined && row - last[1] <= WITHIN_REGION) last[1] = row;
    else regions.push([row, row]);
  }
  const accepted = closures.filter((closure) => closure.accepted);
  const closed = new Set(accepted.map(({ fromPlace }) => rowOf.get(fromPlace)!));
  const isFalse = ({ fromPlace, toPlace }: LoopClosure): boolean =>
    apartM(places[rowOf.get(fromPlace)!]!, places[rowOf.get(toPlace)!]!) > truth.falseM;
  return {
    revisits: revisits.length,
    revisitsClosed: revisits.filter((row) => closed.has(row)).length,
    regions,
    regionsFound: regions.filter(([from, to]) => [...closed].some((row) => row >= from && row <= to)).length,
    accepted: accepted.length,
    falseOnes: accepted.filter(isFalse).map(({ fromPlace, toPlace }) => `${fromPlace} with ${toPlace}`),
  };
}
