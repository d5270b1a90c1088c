/** @file A stream of images to a stream of described batches: decoding ahead in parallel, batched inference. */
import type { DatasetProblem, GeotaggedImage } from '../datasets/GeotaggedImage.ts';
import { isDatasetProblem } from '../datasets/GeotaggedImage.ts';
import { decodeContent } from '../datasets/decodeContent.ts';
import { isFrameProblem } from '../image/FrameLimits.ts';
import type { RgbImage } from '../image/RgbImage.ts';
import type { DescriptorModel, Descriptors } from '../inference/DescriptorModel.ts';
import { mapAhead } from './mapAhead.ts';

export const DEFAULT_BATCH = 16;

/** Pixels of big photographs are held back, not piled up: bytes of decoded images that wait for the model. */
const WAITING_BYTES = 256e6;
const DECODE_AHEAD = 8;
/** The next batch's pixels become tensors while the model runs the present one. */
const DESCRIBE_AHEAD = 2;

export interface DescribeOptions {
  /** Images in one inference. */
  readonly batch?: number;
  /** Ask the model for local features too. */
  readonly local?: boolean;
  /** Acts on each image as it was decoded, in source order, as if the camera had given it so; what it gives is described instead. */
  readonly change?: ((image: RgbImage) => RgbImage) | undefined;
  readonly signal?: AbortSignal;
}

export interface DescribedImage {
  readonly image: GeotaggedImage;
  /** As they were given to the model. */
  readonly pixels: RgbImage;
}

/** The images of one inference; row i of the descriptors belongs to `images[i]`. */
export interface DescribedBatch {
  readonly images: readonly DescribedImage[];
  readonly descriptors: Descriptors;
  /** What had to be left out since the batch before, in source order. */
  readonly problems: readonly DatasetProblem[];
}

const NOTHING: Descriptors = { count: 0, dimension: 0, global: new Float32Array(0), local: null };

type Decoded = DescribedImage | DatasetProblem;
interface PixelBatch {
  readonly images: readonly DescribedImage[];
  readonly problems: readonly DatasetProblem[];
}

interface BatchRule {
  readonly size: number;
  /** One array of local features holds one grid: images that the model would see in different sizes go apart. */
  readonly isSameSize: boolean;
}

function haveSameSize(a: RgbImage, b: RgbImage): boolean {
  return a.width === b.width && a.height === b.height;
}

async function* batchesOf(decoded: AsyncIterable<Decoded>, rule: BatchRule): AsyncGenerator<PixelBatch> {
  let images: DescribedImage[] = [];
  let problems: DatasetProblem[] = [];
  let bytes = 0;
  for await (const item of decoded) {
    if (isDatasetProblemOf(item)) {
      problems.push(item);
      continue;
    }
    const isOfOtherSize = rule.isSameSize && images.length > 0 && !haveSameSize(images[0]!.pixels, item.pixels);
    if (images.length >= rule.size || bytes >= WAITING_BYTES / 2 || isOfOtherSize) {
      yield { images, problems };
      [images, problems, bytes] = [[], [], 0];
    }
    images.push(item);
    bytes += item.pixels.data.length;
  }
  if (images.length + problems.length > 0) yield { images, problems };
}

function isDatasetProblemOf(item: Decoded): item is DatasetProblem {
  return 'problem' in item;
}

/** Order is the source's order. A record that cannot be used is a problem of its batch, never an exception. */
export async function* describeImages(
  source: Iterable<GeotaggedImage | DatasetProblem> | AsyncIterable<GeotaggedImage | DatasetProblem>,
  model: DescriptorModel,
  options: DescribeOptions = {},
): AsyncGenerator<DescribedBatch> {
  let lastBytes = 0;
  const decodeLimit = (): number => Math.min(DECODE_AHEAD, Math.floor(WAITING_BYTES / 2 / Math.max(1, lastBytes)));
  const decode = async (item: GeotaggedImage | DatasetProblem): Promise<Decoded> => {
    options.signal?.throwIfAborted();
    if (isDatasetProblem(item)) return item;
    const pixels = await decodeContent(item);
    if (isFrameProblem(pixels)) return { problem: pixels.message, where: item.name };
    lastBytes = pixels.data.length;
    return { image: item, pixels };
  };
  const { change } = options;
  // Changed before anything is awaited, batch by batch: a change that draws at random does so in the order of the images.
  const describe = async ({ images: asDecoded, problems }: PixelBatch): Promise<DescribedBatch> => {
    options.signal?.throwIfAborted();
    const images =
      change === undefined ? asDecoded : asDecoded.map(({ image, pixels }) => ({ image, pixels: change(pixels) }));
    const pixels = images.map((image) => image.pixels);
    const descriptors = pixels.length === 0 ? NOTHING : await model.describe(pixels, { local: options.local ?? false });
    return { images, descriptors, problems };
  };
  const decoded = mapAhead(source, decodeLimit, decode);
  const isSameSize = options.local === true && model.manifest.input.resize !== 'stretch';
  const batches = batchesOf(decoded, { size: options.batch ?? DEFAULT_BATCH, isSameSize });
  yield* mapAhead(batches, () => DESCRIBE_AHEAD, describe);
}
