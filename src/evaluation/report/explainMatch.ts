/** @file Which parts of a query a match was recognized by: the verified correspondences, for the report's pictures. */
import type { RgbImage } from '../../image/RgbImage.ts';
import type { DescriptorModel } from '../../inference/DescriptorModel.ts';
import type { MapVerifier } from '../../map/MapVerifier.ts';
import type { PlaceMap } from '../../map/PlaceMap.ts';
import { quantizeGrid, type LocalGrid } from '../../verification/LocalGrid.ts';
import type { GalleryMatch } from './ReportDocument.ts';

export type MatchExplainer = (query: RgbImage, place: number) => Promise<GalleryMatch['inliers']>;

/** Centre of a cell as fractions of the image's width and height. */
function toFractions(location: number, { rows, columns }: LocalGrid): readonly [number, number] {
  return [((location % columns) + 0.5) / columns, (Math.floor(location / columns) + 0.5) / rows];
}

/** The explainer gives null where model or map hold no local features. */
export function createMatchExplainer(model: DescriptorModel, map: PlaceMap, verifier: MapVerifier): MatchExplainer {
  return async (query, place) => {
    const { local } = await model.describe([query], { local: true });
    const stored = map.localFeatures(place);
    if (local === null || stored === null) return null;
    const grid = quantizeGrid(local);
    const [consensus] = await verifier.explain(grid, [place]);
    return (consensus?.inliers ?? []).map((pair) => [
      ...toFractions(pair.query, grid),
      ...toFractions(pair.candidate, stored),
    ]);
  };
}
