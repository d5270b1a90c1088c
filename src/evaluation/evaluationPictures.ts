/** @file The pictures of an evaluation's report: queries from where they came from, places from the thumbnails of the map. */
import { isDatasetProblem, type GeotaggedImageSource } from '../datasets/GeotaggedImage.ts';
import { loadImage } from '../image/decodeFrame.ts';
import { encodeThumbnail } from '../image/encode.ts';
import { isFrameProblem } from '../image/FrameLimits.ts';
import type { RgbImage } from '../image/RgbImage.ts';
import { decodeContent } from '../datasets/decodeContent.ts';
import type { PlaceMap } from '../map/PlaceMap.ts';
import type { MapEvaluation } from './evaluateMap.ts';
import { chooseGallery } from './report/chooseGallery.ts';
import { GALLERY_SIZE, type ReportPictures } from './report/createReportDocument.ts';
import type { MatchExplainer } from './report/explainMatch.ts';

const PICTURE_SIDE = 320;

/** For evaluations of bare descriptors. */
export const NO_PICTURES: ReportPictures = {
  query: () => Promise.resolve(null),
  place: () => null,
  nearestTrue: () => null,
};

async function loadQuery(path: string): Promise<RgbImage | null> {
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

/** The images that a gallery shows, in one more pass over a recording, which keeps none of them. */
async function readAgain(source: GeotaggedImageSource, names: ReadonlySet<string>): Promise<Map<string, RgbImage>> {
  const found = new Map<string, RgbImage>();
  for await (const item of source) {
    if (isDatasetProblem(item) || !names.has(item.name)) continue;
    const image = await decodeContent(item);
    if (!isFrameProblem(image)) found.set(item.name, image);
    if (found.size === names.size) break;
  }
  return found;
}

export interface EvaluationPictureSources {
  readonly map: PlaceMap;
  /** The queries once more. */
  readonly source: GeotaggedImageSource;
  /** Says by what a match was recognized; null = matches were not verified. */
  readonly explain: MatchExplainer | null;
}

export function createEvaluationPictures(
  { truth, perQuery, retrieved }: MapEvaluation,
  { map, source, explain }: EvaluationPictureSources,
): ReportPictures {
  let recorded: Promise<Map<string, RgbImage>> | null = null;
  const load = async (index: number): Promise<RgbImage | null> => {
    const { path, facts } = retrieved[index]!;
    if (path !== null) return loadQuery(path);
    const { failures, successes } = chooseGallery(perQuery, GALLERY_SIZE);
    recorded ??= readAgain(source, new Set([...failures, ...successes].map((query) => retrieved[query]!.facts.image)));
    return (await recorded).get(facts.image) ?? null;
  };
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
