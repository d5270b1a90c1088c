/** @file The pictures of an evaluation's report: queries from their files, places from the thumbnails of the map. */
import { loadImage } from '../image/decodeFrame.ts';
import { encodeThumbnail } from '../image/encode.ts';
import { isFrameProblem } from '../image/FrameLimits.ts';
import type { PlaceMap } from '../map/PlaceMap.ts';
import type { MapEvaluation } from './evaluateMap.ts';
import type { ReportPictures } from './report/createReportDocument.ts';

const PICTURE_SIDE = 320;

/** For evaluations of bare descriptors. */
export const NO_PICTURES: ReportPictures = {
  query: () => Promise.resolve(null),
  place: () => null,
  nearestTrue: () => null,
};

async function loadPicture(path: string | null): Promise<Uint8Array | null> {
  if (path === null) return null;
  const image = await loadImage(path);
  return isFrameProblem(image) ? null : encodeThumbnail(image, PICTURE_SIDE);
}

type NearestTrue = ReturnType<ReportPictures['nearestTrue']>;

/** By position where both have one; otherwise the first of the right ones. */
function findNearestTrue({ truth, perQuery }: MapEvaluation, map: PlaceMap, query: number): NearestTrue {
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

export function createEvaluationPictures(evaluation: MapEvaluation, map: PlaceMap): ReportPictures {
  return {
    query: (index) => loadPicture(evaluation.retrieved[index]!.path),
    place: (id) => map.thumbnail(id),
    nearestTrue: (index) => findNearestTrue(evaluation, map, index),
  };
}
