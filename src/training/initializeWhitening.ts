/** @file Whitening from descriptors of randomly drawn images: by their principal components, or by what should not matter. */
import { NetvladError } from '../errors.ts';
import { resizeImage } from '../image/resizeImage.ts';
import type { RgbImage } from '../image/RgbImage.ts';
import { computeLearnedWhitening, createScatterAccumulator } from '../math/learnedWhitening.ts';
import type { AffineProjection, CovarianceAccumulator } from '../math/pca.ts';
import { computePcaOfCovariance, createCovarianceAccumulator, toWhitening } from '../math/pca.ts';
import { createRandom } from '../math/random.ts';
import type { Pooling } from '../onnx/poolingHead.ts';
import { augment } from './augment.ts';
import { dot } from '../math/vectors.ts';
import { drawImages } from './drawImages.ts';
import { DEFAULT_NEIGHBOURHOOD, eachNeighbourhood, type TrainingImage } from './neighbourhoods.ts';
import type { Backbone } from './loadBackbone.ts';
import { toNight } from './photometric.ts';
import { describeWithProgress, withModel, type TrainingContext } from './TrainingContext.ts';

/** The same view at another moment of the day, a little turned and cropped. */
const JITTER = { light: 1, night: 0, blur: 0.2, rain: 0.1, shadow: 0.5, geometry: 1, occluder: 0.3 };

/** a - b, element by element. */
function subtract(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, at) => value - b[at]!);
}

/**
 * Pairs of rows that show the same place from another spot or moment: for every image the one of its potential positives
 * (by position, else by order in its sequence) that looks most like it. `descriptors` holds a row for every image.
 */
export function findNeighbours(
  images: readonly TrainingImage[],
  descriptors: readonly Float32Array[],
): readonly (readonly [number, number])[] {
  const rows = images.map((_image, row) => row);
  const pairs: (readonly [number, number])[] = [];
  for (const [row, { positives }] of eachNeighbourhood(
    images,
    { queries: rows, database: rows },
    DEFAULT_NEIGHBOURHOOD,
  )) {
    let [best, highest] = [-1, -Infinity];
    for (const other of positives) {
      const similarity = dot(descriptors[row]!, descriptors[other]!);
      if (similarity > highest) [best, highest] = [other, similarity];
    }
    if (best >= 0) pairs.push([row, best]);
  }
  return pairs;
}

/** Differences of images to what should be equal to them, gathered batch by batch. */
class PairStatistics {
  readonly #dimension: number;
  readonly #night: ReturnType<typeof createScatterAccumulator>;
  readonly #jitter: ReturnType<typeof createScatterAccumulator>;
  readonly #images: TrainingImage[] = [];
  readonly #plain: Float32Array[] = [];

  constructor(dimension: number) {
    this.#dimension = dimension;
    this.#night = createScatterAccumulator(dimension);
    this.#jitter = createScatterAccumulator(dimension);
  }

  /** Descriptors of some images, and of their variants, row by row. */
  add(images: readonly TrainingImage[], plain: Float32Array, variants: Variants): void {
    this.#night.add(subtract(variants.night, plain));
    this.#jitter.add(subtract(variants.jittered, plain));
    this.#images.push(...images);
    for (let i = 0; i < images.length; i++)
      this.#plain.push(plain.slice(i * this.#dimension, (i + 1) * this.#dimension));
  }

  /** One scatter for each kind of pair that there is, each of trace 1. */
  scatters(): readonly Float64Array[] {
    const neighbours = createScatterAccumulator(this.#dimension);
    for (const [a, b] of findNeighbours(this.#images, this.#plain)) {
      neighbours.add(subtract(this.#plain[a]!, this.#plain[b]!));
    }
    return [this.#night, this.#jitter, neighbours]
      .filter(({ count }) => count > 0)
      .map((scatter) => scatter.normalized());
  }
}

interface Variants {
  readonly night: Float32Array;
  readonly jittered: Float32Array;
}

function assertEnough(statistics: CovarianceAccumulator, wanted: number, dimension: number): void {
  if (wanted <= Math.min(statistics.count - 1, dimension)) return;
  throw new NetvladError(
    'bad-input',
    `Whitening to ${wanted} dimensions needs more than ${wanted} descriptors of at least that length; there are ${statistics.count} of ${dimension}.`,
    { hint: 'Give more images, or a smaller whitening.dimension in the config.' },
  );
}

/** The projection of the config, from images drawn at random; null where it asks for none. */
export async function initializeWhitening(
  from: readonly TrainingImage[],
  network: { readonly backbone: Backbone; readonly pooling: Pooling },
  context: TrainingContext,
): Promise<AffineProjection | null> {
  const { whitening, seed } = context.config;
  if (whitening === null) return null;
  const random = createRandom(seed).fork('whitening');
  const drawn = drawImages(from, whitening.images, random.fork('images'));
  const draws = { night: random.fork('night'), jitter: random.fork('jitter') };
  const head = { pooling: network.pooling, whitening: null };
  return withModel({ backbone: network.backbone, head }, context, async (model) => {
    const { dimension } = model.manifest.descriptor;
    const descriptors = createCovarianceAccumulator(dimension);
    const pairs = whitening.method === 'learned' ? new PairStatistics(dimension) : null;
    const known = new Map(drawn.map((item) => [item.image, item]));
    const images = drawn.map(({ image }) => image);
    for await (const batch of describeWithProgress(images, model, { ...context, label: 'whitening' })) {
      const plain = batch.descriptors.global;
      descriptors.add(plain);
      if (pairs === null && !whitening.nightCopies) continue;
      const resized = await Promise.all(batch.images.map(({ pixels }) => resizeImage(pixels, model.manifest.input)));
      const describe = async (change: (image: RgbImage) => RgbImage): Promise<Float32Array> =>
        (await model.describe(resized.map(change))).global;
      const night = await describe((image) => toNight(image, draws.night));
      descriptors.add(night);
      if (pairs === null) continue;
      const jittered = await describe((image) => augment(image, JITTER, draws.jitter));
      const described = batch.images.map(({ image }) => known.get(image)!);
      pairs.add(described, plain, { night, jittered });
    }
    const wanted = whitening.dimension === 'all' ? dimension : whitening.dimension;
    assertEnough(descriptors, wanted, dimension);
    return pairs === null
      ? toWhitening(computePcaOfCovariance(descriptors), wanted, whitening.power)
      : computeLearnedWhitening(descriptors, pairs.scatters(), { outputDimension: wanted });
  });
}
