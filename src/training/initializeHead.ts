/** @file The pooling before any training: k-means over randomly drawn local features, alpha from the wanted sharpness. */
import { NetvladError } from '../errors.ts';
import type { LocalFeatures } from '../inference/DescriptorModel.ts';
import { kmeans } from '../math/kmeans.ts';
import type { Random } from '../math/random.ts';
import { createRandom } from '../math/random.ts';
import { initializeParameters } from '../netvlad/initializeParameters.ts';
import type { Pooling } from '../onnx/poolingHead.ts';
import { drawImages } from './drawImages.ts';
import type { Backbone } from './loadBackbone.ts';
import type { TrainingImage } from './neighbourhoods.ts';
import { describeWithProgress, withModel, type TrainingContext } from './TrainingContext.ts';
import { countOf } from '../countOf.ts';

/** Up to `count` rows of one image's features, drawn without replacement, one after the other. */
function sampleLocations(
  local: LocalFeatures,
  image: number,
  draw: { readonly count: number; readonly random: Random },
): readonly number[] {
  const { rows, columns, channels, data } = local;
  const locations = rows * columns;
  return draw.random.sample(locations, draw.count).flatMap((location) => {
    const start = (image * locations + location) * channels;
    return Array.from(data.subarray(start, start + channels));
  });
}

/** Local features [N, C] of randomly drawn images, unit L2. */
export async function sampleFeatures(
  images: readonly TrainingImage[],
  backbone: Backbone,
  context: TrainingContext,
): Promise<Float32Array> {
  const { images: count, locationsPerImage } = context.config.initialisation;
  const random = createRandom(context.config.seed);
  const drawn = drawImages(images, count, random.fork('k-means images')).map(({ image }) => image);
  const places = random.fork('k-means locations');
  const features: number[] = [];
  const head = { pooling: { kind: 'max' }, whitening: null } as const;
  await withModel({ backbone, head }, context, async (model) => {
    const asked = { ...context, label: 'local features', local: true };
    for await (const batch of describeWithProgress(drawn, model, asked)) {
      const { local } = batch.descriptors;
      if (local === null) continue;
      batch.images.forEach((_image, row) => {
        features.push(...sampleLocations(local, row, { count: locationsPerImage, random: places }));
      });
    }
  });
  if (features.length === 0) throw new NetvladError('bad-input', 'None of the drawn images could be read.');
  return Float32Array.from(features);
}

/** The pooling of the config with its parameters from the data. */
export async function initializePooling(
  images: readonly TrainingImage[],
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
    `k-means: ${clusters} centres after ${countOf(iterations, 'iteration')}, mean squared distance ${inertia.toFixed(4)}`,
  );
  if (pooling.kind === 'vlad') return { kind: 'vlad', clusters, centres };
  const { assignmentRatio } = initialisation;
  const start = { centres, dimension: backbone.channels, assignmentRatio };
  const { alpha, parameters } = initializeParameters(pooling.version, start, features);
  context.logger.info(`alpha ${alpha.toFixed(3)} (${pooling.version}, assignment ratio ${assignmentRatio})`);
  return { kind: 'netvlad', parameters };
}
