/** @file Fills the feature cache: every image, every variant, through the frozen layers. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { GeotaggedImage } from '../datasets/GeotaggedImage.ts';
import { isFrameProblem } from '../image/FrameLimits.ts';
import { resizeImage } from '../image/resizeImage.ts';
import type { RgbImage } from '../image/RgbImage.ts';
import { toTensor } from '../image/toTensor.ts';
import { computeSha256 } from '../inference/modelFiles.ts';
import { floatFeed, OnnxSession } from '../inference/OnnxSession.ts';
import { decodeContent } from '../datasets/decodeContent.ts';
import { createRandom } from '../math/random.ts';
import { createModel } from '../onnx/GraphBuilder.ts';
import { elementCount } from '../onnx/graph.ts';
import { writeModel } from '../onnx/writeModel.ts';
import { augment } from './augment.ts';
import { type CachePrecision, FeatureCache } from './FeatureCache.ts';
import type { TrainingContext } from './TrainingContext.ts';
import type { TrainingNetwork } from './TrainingNetwork.ts';

const BATCH = 32;

export interface CacheRequest {
  readonly network: TrainingNetwork;
  readonly images: readonly GeotaggedImage[];
  readonly variants: number;
  /** Where cache files lie; they are shared by runs with the same layers, images and augmentation. */
  readonly folder: string;
  readonly precision: CachePrecision;
}

/** An image that cannot be read becomes a grey one: its row must exist, and it matches nothing. */
function greyImage(width: number, height: number): RgbImage {
  return { width, height, data: new Uint8Array(width * height * 3).fill(128) };
}

/** The variant's pixels at the network's size; variant 0 is the image as it is. */
async function makeVariant(request: CacheRequest, row: number, context: TrainingContext): Promise<RgbImage> {
  const { input, training, seed } = context.config;
  const image = request.images[Math.floor(row / request.variants)]!;
  const variant = row % request.variants;
  const loaded = await decodeContent(image);
  if (isFrameProblem(loaded)) {
    if (variant === 0) context.logger.warn(`${image.name}: ${loaded.message} It takes part as a grey image.`);
    return greyImage(input.width, input.height);
  }
  const pixels = await resizeImage(loaded, input);
  const random = createRandom(seed).fork(`variant ${variant} of ${image.name}`);
  return variant === 0 || training === undefined ? pixels : augment(pixels, training.augmentation, random);
}

/** Names the pixels of an image without reading them: a file that was written anew is another one. */
async function identify({ content, name }: GeotaggedImage): Promise<string> {
  if (content.kind !== 'file') return name;
  const facts = await stat(content.path).catch(() => null);
  return `${resolve(content.path)} ${facts?.size ?? '-'} ${facts?.mtimeMs ?? '-'}`;
}

async function computeCacheKey(request: CacheRequest, prefix: Uint8Array, context: TrainingContext): Promise<string> {
  const { input, training, seed } = context.config;
  const facts = {
    ...{ prefix: computeSha256(prefix), input, seed, augmentation: training?.augmentation },
    images: await Promise.all(request.images.map(identify)),
  };
  return computeSha256(new TextEncoder().encode(JSON.stringify(facts))).slice(0, 24);
}

/** Opens the cache of a run's features, computing what is missing. */
export async function cacheFeatures(request: CacheRequest, context: TrainingContext): Promise<FeatureCache> {
  const { network } = request;
  const { input } = context.config;
  const prefix =
    network.prefix === null ? new Uint8Array(0) : writeModel({ ...createModel(network.prefix), opset: network.opset });
  const session = network.prefix === null ? null : await OnnxSession.open(prefix, 'frozen layers', context.session);
  const imageLength = 3 * input.width * input.height;
  const rowLength = elementCount(network.featureDims);
  const rows = request.images.length * request.variants;
  const cache = await FeatureCache.open({
    folder: request.folder,
    key: await computeCacheKey(request, prefix, context),
    rows,
    rowLength,
    precision: request.precision,
  });
  const progress = context.progress('features');
  const source = async (wanted: readonly number[]): Promise<Float32Array[]> => {
    const pixels = await Promise.all(wanted.map((row) => makeVariant(request, row, context)));
    const tensor = new Float32Array(wanted.length * imageLength);
    pixels.forEach((image, i) => {
      toTensor(image, input, tensor, i * imageLength);
    });
    if (session === null) return wanted.map((_unused, i) => tensor.subarray(i * imageLength, (i + 1) * imageLength));
    const feeds = {
      [network.prefix!.inputs[0]!.name]: floatFeed([wanted.length, 3, input.height, input.width], tensor),
    };
    const output = network.prefix!.outputs[0]!.name;
    const features = (await session.run(feeds, [output]))[output]!.data as Float32Array;
    return wanted.map((_unused, i) => features.subarray(i * rowLength, (i + 1) * rowLength));
  };
  try {
    await cache.fill(source, {
      batch: BATCH,
      onProgress: (filled) => {
        progress.update(filled, rows);
      },
      ...(context.signal === undefined ? {} : { signal: context.signal }),
    });
  } catch (error) {
    await cache.close();
    throw error;
  } finally {
    await session?.dispose();
  }
  progress.finish(`${request.precision} in ${request.folder}`);
  return cache;
}
