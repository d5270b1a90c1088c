/** @file The head before any training: k-means over randomly drawn local features, the ln 100 rule, then PCA whitening. */
import type { GeotaggedImage } from '../datasets/GeotaggedImage.ts';
import { NetvladError } from '../errors.ts';
import { resizeImage } from '../image/resizeImage.ts';
import type { LocalFeatures } from '../inference/DescriptorModel.ts';
import { OnnxDescriptorModel } from '../inference/OnnxDescriptorModel.ts';
import type { SessionOptions } from '../inference/OnnxSession.ts';
import type { Logger } from '../Logger.ts';
import { describeImages } from '../map/describeImages.ts';
import { kmeans } from '../math/kmeans.ts';
import type { AffineProjection } from '../math/pca.ts';
import { computePcaOfCovariance, createCovarianceAccumulator, toWhitening } from '../math/pca.ts';
import type { Random } from '../math/random.ts';
import { createRandom } from '../math/random.ts';
import { initializeParameters } from '../netvlad/initializeParameters.ts';
import type { Pooling } from '../onnx/poolingHead.ts';
import type { Progress } from '../Progress.ts';
import type { Head } from './DescriptorNetwork.ts';
import { assembleModel } from './DescriptorNetwork.ts';
import { drawImages } from './drawImages.ts';
import { toNight } from './photometric.ts';
import type { Backbone } from './loadBackbone.ts';
import type { TrainConfig } from './trainConfig.ts';

/** What the work needs beside its data. */
export interface TrainingContext {
  readonly config: TrainConfig;
  readonly logger: Logger;
  readonly progress: (label: string) => Progress;
  readonly signal?: AbortSignal;
  readonly session?: SessionOptions;
}

async function* streamOf(images: readonly GeotaggedImage[]): AsyncGenerator<GeotaggedImage> {
  await Promise.resolve();
  yield* images;
}

/** Opens backbone and head for as long as `use` needs them. */
async function withModel<T>(
  backbone: Backbone,
  head: Head,
  context: TrainingContext,
  use: (model: OnnxDescriptorModel) => Promise<T>,
): Promise<T> {
  const model = await OnnxDescriptorModel.open(assembleModel(backbone, head, context).files, context.session);
  try {
    return await use(model);
  } finally {
    await model.dispose();
  }
}

/** Up to `count` rows of one image's features, drawn without replacement, appended to `into`. */
function sampleLocations(
  local: LocalFeatures,
  row: number,
  draw: { count: number; random: Random },
  into: number[],
): void {
  const locations = local.rows * local.columns;
  for (const location of draw.random.sample(locations, draw.count)) {
    const start = (row * locations + location) * local.channels;
    for (let c = 0; c < local.channels; c++) into.push(local.data[start + c]!);
  }
}

/** Local features [N, C] of randomly drawn images, unit L2. */
export async function sampleFeatures(
  images: readonly GeotaggedImage[],
  backbone: Backbone,
  context: TrainingContext,
): Promise<Float32Array> {
  const { images: count, locationsPerImage } = context.config.initialisation;
  const random = createRandom(context.config.seed);
  const drawn = drawImages(images, count, random.fork('k-means images'));
  const places = random.fork('k-means locations');
  const progress = context.progress('local features');
  const features: number[] = [];
  await withModel(backbone, { pooling: { kind: 'max' }, whitening: null }, context, async (model) => {
    let done = 0;
    const options = { local: true, ...(context.signal === undefined ? {} : { signal: context.signal }) };
    for await (const batch of describeImages(streamOf(drawn), model, options)) {
      for (const { where, problem } of batch.problems) context.logger.warn(`${where}: ${problem}`);
      const { local } = batch.descriptors;
      if (local === null) continue;
      batch.images.forEach((_image, row) => {
        sampleLocations(local, row, { count: locationsPerImage, random: places }, features);
      });
      progress.update((done += batch.images.length), drawn.length);
    }
  });
  progress.finish(`${features.length / backbone.channels} features`);
  if (features.length === 0) throw new NetvladError('bad-input', 'None of the drawn images could be read.');
  return Float32Array.from(features);
}

/** The pooling of the config with its parameters from the data. */
export async function initializePooling(
  images: readonly GeotaggedImage[],
  backbone: Backbone,
  context: TrainingContext,
): Promise<Pooling> {
  const { pooling, initialisation, seed } = context.config;
  if (pooling.kind === 'max' || pooling.kind === 'gem') return pooling;
  const features = await sampleFeatures(images, backbone, context);
  const { clusters } = pooling;
  const random = createRandom(seed).fork('k-means');
  const { centres, iterations, inertia } = kmeans(features, backbone.channels, {
    ...{ clusters, random, maxIterations: initialisation.iterations },
  });
  context.logger.info(
    `k-means: ${clusters} centres after ${iterations} iterations, mean squared distance ${inertia.toFixed(4)}`,
  );
  if (pooling.kind === 'vlad') return { kind: 'vlad', clusters, centres };
  const start = { centres, dimension: backbone.channels };
  const { alpha, parameters } = initializeParameters(pooling.version, start, features);
  context.logger.info(`alpha ${alpha.toFixed(3)} (${pooling.version}, ln 100 rule)`);
  return { kind: 'netvlad', parameters };
}

/** PCA whitening from descriptors of randomly drawn images; null where the config asks for none. */
export async function initializeWhitening(
  images: readonly GeotaggedImage[],
  network: { readonly backbone: Backbone; readonly pooling: Pooling },
  context: TrainingContext,
): Promise<AffineProjection | null> {
  const { whitening, seed } = context.config;
  if (whitening === null) return null;
  const random = createRandom(seed).fork('whitening');
  const drawn = drawImages(images, whitening.images, random.fork('images'));
  const night = random.fork('night');
  const progress = context.progress('whitening');
  const head: Head = { pooling: network.pooling, whitening: null };
  return withModel(network.backbone, head, context, async (model) => {
    const statistics = createCovarianceAccumulator(model.manifest.descriptor.dimension);
    const options = context.signal === undefined ? {} : { signal: context.signal };
    let done = 0;
    for await (const batch of describeImages(streamOf(drawn), model, options)) {
      if (batch.images.length === 0) continue;
      statistics.add(batch.descriptors.global);
      if (whitening.nightCopies) {
        const resized = await Promise.all(batch.images.map(({ pixels }) => resizeImage(pixels, model.manifest.input)));
        statistics.add((await model.describe(resized.map((pixels) => toNight(pixels, night)))).global);
      }
      progress.update((done += batch.images.length), drawn.length);
    }
    progress.finish();
    const available = Math.min(statistics.count - 1, model.manifest.descriptor.dimension);
    const wanted = whitening.dimension === 'all' ? model.manifest.descriptor.dimension : whitening.dimension;
    if (wanted > available) {
      throw new NetvladError(
        'bad-input',
        `Whitening to ${wanted} dimensions needs more than ${wanted} descriptors of at least that length; there are ${statistics.count} of ${model.manifest.descriptor.dimension}.`,
        {
          hint: 'Give more images, or a smaller whitening.dimension in the config.',
        },
      );
    }
    return toWhitening(computePcaOfCovariance(statistics), wanted, whitening.power);
  });
}
