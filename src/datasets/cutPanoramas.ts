/** @file Perspective views at many headings out of the panoramas of a source, as a CSV data set: how street-level databases are made. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { wrapAngle } from '../geo/angles.ts';
import { encodeJpeg } from '../image/encode.ts';
import { cutPerspectives, type PerspectiveView } from '../image/equirectangular.ts';
import { isFrameProblem } from '../image/FrameLimits.ts';
import type { RgbImage } from '../image/RgbImage.ts';
import { makeFolder } from '../makeFolder.ts';
import type { Progress } from '../Progress.ts';
import type { DatasetProblem, GeotaggedImage, GeotaggedImageSource } from './GeotaggedImage.ts';
import { decodeContent } from './decodeContent.ts';
import { IMAGE_NAME } from './imageFiles.ts';
import { formatCsvRow, safeRelativePath, writeDataset } from './newDataset.ts';

export interface PanoramaOptions {
  readonly view: PerspectiveView;
  /** Views of each panorama, evenly around; the first looks where the panorama's middle column does. */
  readonly headings: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface PanoramaResult {
  readonly path: string;
  readonly panoramas: number;
  readonly images: number;
  /** Panoramas without a heading: the heading of their views is unknown, too. */
  readonly withoutHeading: number;
  /** Records that could not be cut. */
  readonly problems: readonly DatasetProblem[];
}

const JPEG_QUALITY = 92;
/** Stitchers round: this share of the height may lack or be too much. */
const ASPECT_TOLERANCE = 0.01;

/** The pixels of a full panorama, or the sentence that says why it cannot be used. */
async function decodePanorama(panorama: GeotaggedImage): Promise<RgbImage | string> {
  const image = await decodeContent(panorama);
  if (isFrameProblem(image)) return image.message;
  const { width, height } = image;
  if (Math.abs(width / 2 / height - 1) <= ASPECT_TOLERANCE) return image;
  return `The image is ${width} x ${height}; a full equirectangular panorama is twice as wide as high.`;
}

interface View {
  readonly file: string;
  readonly headingRad: number;
  readonly image: GeotaggedImage;
}

/** `street/12.jpg` becomes `images/street/12_000.jpg`, `12_030.jpg`, ...: degrees clockwise from the panorama's middle. */
function planViews(panorama: GeotaggedImage, headings: number): readonly View[] {
  const stem = safeRelativePath(panorama.name, '').replace(IMAGE_NAME, '');
  return Array.from({ length: headings }, (_unused, i) => {
    const headingRad = (i * 2 * Math.PI) / headings;
    const degrees = String(Math.round((i * 3600) / headings) / 10).padStart(3, '0');
    const yawRad = panorama.yawRad === null ? null : wrapAngle(panorama.yawRad - headingRad);
    return { file: `images/${stem}_${degrees}.jpg`, headingRad, image: { ...panorama, yawRad, orientation: null } };
  });
}

/** Writes the views of one panorama below `folder`; their lines of index.csv, or the sentence of its problem. */
async function cutPanorama(
  item: GeotaggedImage,
  folder: string,
  { view, headings }: PanoramaOptions,
): Promise<readonly string[] | string> {
  const panorama = await decodePanorama(item);
  if (typeof panorama === 'string') return panorama;
  const views = planViews(item, headings);
  const first = join(folder, views[0]!.file);
  if (existsSync(first)) return `Another image's views are called ${views[0]!.file}, ... already.`;
  const angles = views.map(({ headingRad }) => headingRad);
  const pictures = await cutPerspectives(panorama, view, angles);
  await makeFolder(dirname(first));
  await Promise.all(
    views.map(async ({ file }, i) => writeFile(join(folder, file), await encodeJpeg(pictures[i]!, JPEG_QUALITY))),
  );
  return views.map(({ image, file }) => formatCsvRow(image, file));
}

/** Cuts the panoramas of a source into the new folder `out`; nothing is left there unless it ends well. */
export async function cutPanoramas(
  source: GeotaggedImageSource,
  out: string,
  options: PanoramaOptions,
): Promise<PanoramaResult> {
  const { headings } = options;
  let withoutHeading = 0;
  const { rows, problems } = await writeDataset(source, out, {
    ...options,
    hasIndex: true,
    write: async (panorama, folder) => {
      const cut = await cutPanorama(panorama, folder, options);
      if (typeof cut !== 'string' && panorama.yawRad === null) withoutHeading++;
      return cut;
    },
  });
  return { path: out, panoramas: rows.length / headings, images: rows.length, withoutHeading, problems };
}
