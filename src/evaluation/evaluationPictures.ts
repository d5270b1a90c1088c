/** @file The pictures of an evaluation's report: queries from their files, places from the thumbnails of the map. */
import { loadImage } from '../image/decodeFrame.ts';
import { encodeThumbnail } from '../image/encode.ts';
import { isFrameProblem } from '../image/FrameLimits.ts';
import type { RgbImage } from '../image/RgbImage.ts';
import type { PlaceMap } from '../map/PlaceMap.ts';
import type { MapEvaluation } from './evaluateMap.ts';
import type { ReportPictures } from './report/createReportDocument.ts';
import type { MatchExplainer } from './report/explainMatch.ts';

const PICTURE_SIDE = 320;

/** For evaluations of bare descriptors. */
export const NO_PICTURES: ReportPictures = {
  query: () => Promise.resolve(null),
  place: () => null,
  nearestTrue: () => null,
};

async function loadQuery(path: string | null): Promise<RgbImage | null> {
  if (path === null) return null;
  const image = await loadImage(path);
  return isFrameProblem(image) ? null : image;
}

type NearestTrue = ReturnType<ReportPictures['nearestTrue']>;

/** By position where both have one; otherwise the first of the right ones. */
function findNearestTrue(
  { truth, perQuery }: Pick<MapEvaluation, 'truth' | 'perQuery'>,
  map: PlaceMap,
  query: number,
): NearestTrue {
  const { x, y } = perQuery[query]!;
  let nearest: NearestTrue = null;
  for (const row of truth[query]!) {
    const { id, image, pose } = map.places[row]!;
    const distanceM = pose === null || x === null || y === null ? null : Math.hypot(pose.x - x, pose.y - y);
    if (nearest === null || (distanceM ?? Infinity) < (nearest.distanceM ?? Infinity))
      nearest = { place: id, image, distanceM };
  }
  return nearest;
}

/** `explain` says by what a match was recognized; null = matches were not verified. */
export function createEvaluationPictures(
  { truth, perQuery, retrieved }: MapEvaluation,
  map: PlaceMap,
  explain: MatchExplainer | null,
): ReportPictures {
  const load = (index: number): Promise<RgbImage | null> => loadQuery(retrieved[index]!.path);
  return {
    query: async (index) => {
      const image = await load(index);
      return image === null ? null : encodeThumbnail(image, PICTURE_SIDE);
    },
    place: (id) => map.thumbnail(id),
    inliers: async (index) => {
      const best = perQuery[index]!.matches[0];
      if (explain === null || best === undefined) return null;
      const image = await load(index);
      return image === null ? null : explain(image, best.place);
    },
    nearestTrue: (index) => findNearestTrue({ truth, perQuery }, map, index),
  };
}
