/** @file The pictures of a replay's report: thumbnails of the map, and of the few images of the recording that are shown. */
import { isBagProblem, type BagSource } from '../../bags/BagSource.ts';
import { parseCameraFrame } from '../../bags/parseMessages.ts';
import type { Place } from '../../map/Place.ts';
import type { PlaceMap } from '../../map/PlaceMap.ts';
import { decodeFrame } from '../../image/decodeFrame.ts';
import { encodeThumbnail } from '../../image/encode.ts';
import { isFrameProblem } from '../../image/FrameLimits.ts';
import type { ReportPictures } from '../report/createReportDocument.ts';
import type { MatchExplainer } from '../report/explainMatch.ts';
import type { GalleryMatch } from '../report/ReportDocument.ts';
import type { ReplayCriterion } from './judgeReplay.ts';
import type { ProcessedFrame } from './ReplayFrame.ts';

const PICTURE_SIDE = 320;

export interface PictureSources {
  readonly bag: BagSource;
  readonly imageTopic: string;
  readonly map: PlaceMap;
  /** In the order of the report's queries. */
  readonly frames: readonly ProcessedFrame[];
  readonly criterion: ReplayCriterion;
  /** Null = matches were not verified. */
  readonly explain: MatchExplainer | null;
}

/** Reads the wanted frames in one more pass over the camera's topic. */
export async function readReplayPictures(sources: PictureSources, wanted: readonly number[]): Promise<ReportPictures> {
  const { bag, imageTopic, map, frames, criterion, explain } = sources;
  const queryOfImage = new Map(wanted.map((query) => [frames[query]!.index, query]));
  const pictures = new Map<number, Uint8Array>();
  const inliers = new Map<number, GalleryMatch['inliers']>();
  let index = 0;
  for await (const item of bag.messages([imageTopic])) {
    if (isBagProblem(item)) continue;
    const query = queryOfImage.get(index++);
    if (query === undefined) continue;
    const image = await decodeFrame(parseCameraFrame(item));
    if (isFrameProblem(image)) continue;
    pictures.set(query, await encodeThumbnail(image, PICTURE_SIDE));
    const best = frames[query]!.matches[0];
    if (explain !== null && best !== undefined) inliers.set(query, await explain(image, best.place));
    if (pictures.size === queryOfImage.size) break;
  }
  return {
    query: (query) => Promise.resolve(pictures.get(query) ?? null),
    place: (id) => map.thumbnail(id),
    inliers: (query) => Promise.resolve(inliers.get(query) ?? null),
    nearestTrue: (query) => findNearestTrue(frames[query]!, map.places, criterion),
  };
}

/** The right place that is nearest to the truth; null where there is none. */
function findNearestTrue(
  { truth, index }: ProcessedFrame,
  places: readonly Place[],
  criterion: ReplayCriterion,
): ReturnType<ReportPictures['nearestTrue']> {
  const apart = (place: Place): number => {
    if (criterion.kind === 'frames') return place.frame === null ? Infinity : Math.abs(place.frame - index);
    if (place.pose === null || truth === null) return Infinity;
    return Math.hypot(place.pose.x - truth.x, place.pose.y - truth.y);
  };
  const limit = criterion.kind === 'frames' ? criterion.frames : criterion.radiusM;
  let best: { place: Place; distance: number } | null = null;
  for (const place of places) {
    const distance = apart(place);
    if (distance <= limit && (best === null || distance < best.distance)) best = { place, distance };
  }
  if (best === null) return null;
  const { place, distance } = best;
  return { place: place.id, image: place.image, distanceM: criterion.kind === 'radius' ? distance : null };
}
