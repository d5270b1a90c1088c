/** @file From a source of images to a map file: describe, survey, store. */
import {
  countLostImages,
  type DatasetProblem,
  type GeotaggedImage,
  type GeotaggedImageSource,
} from '../datasets/GeotaggedImage.ts';
import { NetvladError } from '../errors.ts';
import type { GeoPoint } from '../geo/Pose.ts';
import { encodeThumbnail } from '../image/encode.ts';
import type { DescriptorModel } from '../inference/DescriptorModel.ts';
import type { PlaceCalibration } from '../localization/PlaceCalibration.ts';
import { silentProgress, type Progress } from '../Progress.ts';
import { computeFileCalibration, type MapCalibrationOptions } from './calibrateMap.ts';
import { describeImages, type DescribedBatch } from './describeImages.ts';
import { quantizeGrid } from '../verification/LocalGrid.ts';
import { createMapManifest, toMapModel } from './MapManifest.ts';
import type { MapWriter } from './MapWriter.ts';
import type { NewPlace, Place } from './Place.ts';
import { PlaceSurveyor } from './PlaceSurveyor.ts';
import { writeMapAtomically } from './writeMapAtomically.ts';
import { countOf } from '../countOf.ts';

/** Longer side in pixels: large enough to recognise a place in a report, about 6 KB. */
export const THUMBNAIL_SIDE = 240;

export interface MapBuildOptions {
  readonly batch?: number;
  /** Origin of the map frame; otherwise the first geotag. */
  readonly datum?: GeoPoint | null;
  /** Name of the map frame; `map` unless given. */
  readonly frame?: string;
  /** Sequence of images whose source names none. */
  readonly sequence?: string | null;
  /** Store local features for spatial verification, where the model has them. */
  readonly local?: boolean;
  /** Largest sum of the stored local features in bytes; beyond it fewer places keep theirs. */
  readonly localBudgetBytes?: number | undefined;
  readonly thumbnails?: boolean;
  /** Leave-one-out calibration once all places are in; false = none. */
  readonly calibration?: Pick<MapCalibrationOptions, 'verifyTopK' | 'samples' | 'progress'> | false;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface MapBuildResult {
  readonly path: string;
  readonly places: number;
  /** Images and records that are not in the map, in source order. */
  readonly problems: readonly DatasetProblem[];
  readonly datum: GeoPoint | null;
  readonly calibration: PlaceCalibration | null;
  readonly seconds: number;
}

/** One build in progress: batches go in, places go to the writer, what was left out is kept. */
class MapBuild {
  readonly problems: DatasetProblem[] = [];
  readonly surveyor: PlaceSurveyor;
  places = 0;
  readonly #writer: MapWriter;
  readonly #options: MapBuildOptions;

  constructor(writer: MapWriter, options: MapBuildOptions) {
    this.#writer = writer;
    this.#options = options;
    this.surveyor = new PlaceSurveyor(options.datum ?? null);
  }

  async add({ images, descriptors, problems }: DescribedBatch): Promise<void> {
    this.problems.push(...problems);
    const { dimension, global, local } = descriptors;
    const made = images.map(async ({ image, pixels }, row): Promise<NewPlace | DatasetProblem> => {
      const descriptor = global.slice(row * dimension, (row + 1) * dimension);
      const place = this.#survey(image, descriptor);
      if ('problem' in place) return place;
      const thumbnail = this.#options.thumbnails === false ? null : await encodeThumbnail(pixels, THUMBNAIL_SIDE);
      return { place, descriptor, thumbnail, local: local === null ? null : quantizeGrid(local, row) };
    });
    const places: NewPlace[] = [];
    for (const item of await Promise.all(made)) {
      if ('problem' in item) this.problems.push(item);
      else places.push(item);
    }
    this.#writer.append(places);
    this.places += places.length;
  }

  #survey(image: GeotaggedImage, descriptor: Float32Array): Omit<Place, 'id'> | DatasetProblem {
    if (!descriptor.every(Number.isFinite)) {
      return { problem: 'Its descriptor is not a number: the image holds nothing to describe.', where: image.name };
    }
    const place = this.surveyor.survey(image);
    return 'problem' in place ? place : { ...place, sequence: place.sequence ?? this.#options.sequence ?? null };
  }
}

/** Throws when no image at all could be used: an empty map helps nobody. */
function assertSomePlaces(build: MapBuild, source: GeotaggedImageSource): void {
  if (build.places > 0) return;
  const [first] = build.problems;
  if (first === undefined) {
    throw new NetvladError('bad-input', `${source.description}: there are no images in it.`, {
      hint: 'Check the path and the selection (--role, --condition).',
    });
  }
  throw new NetvladError(
    'bad-input',
    `${source.description}: none of its ${countOf(countLostImages(build.problems), 'image')} could be used. First: ${first.where}: ${first.problem}`,
    { hint: 'Nothing was written.' },
  );
}

async function calibrate(writer: MapWriter, options: MapBuildOptions): Promise<PlaceCalibration | null> {
  const { calibration: wanted = {}, signal } = options;
  if (wanted === false) return null;
  const calibration = await computeFileCalibration(writer.path, { ...wanted, ...(signal && { signal }) });
  writer.updateManifest({ calibration });
  return calibration;
}

/** Describes every image of the source and writes the map, whole or not at all. Bad images are listed, not fatal. */
export async function buildMap(
  source: GeotaggedImageSource,
  model: DescriptorModel,
  options: MapBuildOptions & { readonly out: string },
): Promise<MapBuildResult> {
  const started = performance.now();
  const { out, progress = silentProgress, frame, signal } = options;
  const { localBudgetBytes } = options;
  const manifest = createMapManifest(toMapModel(model.manifest), {
    ...(frame !== undefined && { frame }),
    localBudgetBytes,
  });
  return writeMapAtomically(out, manifest, async (writer) => {
    const build = new MapBuild(writer, options);
    for await (const batch of describeImages(source, model, options)) {
      signal?.throwIfAborted();
      await build.add(batch);
      const skipped = countLostImages(build.problems);
      progress.update(build.places + skipped, source.count, skipped === 0 ? '' : `${skipped} skipped`);
    }
    assertSomePlaces(build, source);
    const { places, problems, surveyor } = build;
    const skipped = countLostImages(problems);
    progress.finish(skipped === 0 ? '' : `${skipped} skipped`);
    const { datum } = surveyor;
    const { description } = source;
    writer.updateManifest({ datum, sources: [{ description, images: places, skipped }] });
    const calibration = await calibrate(writer, options);
    return { path: out, places, problems, datum, calibration, seconds: (performance.now() - started) / 1000 };
  });
}
