/** @file The one stream that every image source yields, whatever its format. */
import type { GeoPoint } from '../geo/Pose.ts';
import type { CameraFrame } from '../image/CameraFrame.ts';

/** Where the pixels are: a file to be read when needed, or a record that a recording already gave. */
export type ImageContent =
  { readonly kind: 'file'; readonly path: string } | { readonly kind: 'frame'; readonly frame: CameraFrame };

/** One image with all that its source knows of it; null means the source does not say. */
export interface GeotaggedImage {
  /** Unique within the source and stable between runs: a path relative to the source, or topic@stamp. */
  readonly name: string;
  readonly content: ImageContent;
  /** `database`, `query`, `train`, ... */
  readonly role: string | null;
  /** Identity of the place, for sources without positions. */
  readonly place: string | null;
  readonly geo: GeoPoint | null;
  /** Local metres, ENU, as the source gives them. z is 0 when unknown. */
  readonly local: { readonly x: number; readonly y: number; readonly z: number } | null;
  /** ENU yaw of the viewing direction: 0 = +x (east), counter-clockwise, radians. Compass headings are converted at the edge. */
  readonly yawRad: number | null;
  /** Full orientation [qx, qy, qz, qw] of the camera's body axes (x forward) in ENU where a recording knows it. */
  readonly orientation: readonly [number, number, number, number] | null;
  /** One-sigma horizontal uncertainty of the position in metres. */
  readonly positionSigmaM: number | null;
  /** Images of one panorama or one moment share it. */
  readonly stampNs: bigint | null;
  /** Name of the traverse, drive or video. */
  readonly sequence: string | null;
  /** Order within the sequence. */
  readonly frame: number | null;
  /** `day`, `night`, `rain`, ... */
  readonly condition: string | null;
}

/** A record that could not be used. Problems are items of the stream, not its end. */
export interface DatasetProblem {
  readonly problem: string;
  /** File and record (row, message) that it concerns. */
  readonly where: string;
  /** Images that are lost by it, where it is not one: a position that cannot be read costs none. */
  readonly images?: number;
}

/** How many images the problems of a source cost. */
export function countLostImages(problems: readonly DatasetProblem[]): number {
  return problems.reduce((sum, { images = 1 }) => sum + images, 0);
}

export interface GeotaggedImageSource extends AsyncIterable<GeotaggedImage | DatasetProblem> {
  /** For messages: `CSV city/index.csv (1,364 images, role database)`. */
  readonly description: string;
  /** Number of images where it is cheap to know, for progress. */
  readonly count: number | null;
}

export function isDatasetProblem(item: GeotaggedImage | DatasetProblem): item is DatasetProblem {
  return 'problem' in item;
}

/** A geotagged image of which only the named facts are known. */
export function createGeotaggedImage(
  name: string,
  content: ImageContent,
  facts: Partial<Omit<GeotaggedImage, 'name' | 'content'>> = {},
): GeotaggedImage {
  return {
    name,
    content,
    role: null,
    place: null,
    geo: null,
    local: null,
    yawRad: null,
    orientation: null,
    positionSigmaM: null,
    stampNs: null,
    sequence: null,
    frame: null,
    condition: null,
    ...facts,
  };
}
