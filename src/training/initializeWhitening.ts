/** @file Whitening from descriptors of randomly drawn images: by their principal components, or by what should not matter. */
import type { GeotaggedImage } from '../datasets/GeotaggedImage.ts';
import { NetvladError } from '../errors.ts';
import { resizeImage } from '../image/resizeImage.ts';
import type { RgbImage } from '../image/RgbImage.ts';
import type { OnnxDescriptorModel } from '../inference/OnnxDescriptorModel.ts';
import { computeLearnedWhitening, createScatterAccumulator } from '../math/learnedWhitening.ts';
import type { AffineProjection, CovarianceAccumulator } from '../math/pca.ts';
import { computePcaOfCovariance, createCovarianceAccumulator, toWhitening } from '../math/pca.ts';
import type { Random } from '../math/random.ts';
import { createRandom } from '../math/random.ts';
import type { Pooling } from '../onnx/poolingHead.ts';
import { augment } from './augment.ts';
import { drawImages } from './drawImages.ts';
import type { Backbone } from './loadBackbone.ts';
import { toNight } from './photometric.ts';
import { describeWithProgress, withModel, type TrainingContext } from './TrainingContext.ts';
import type { TrainConfig } from './trainConfig.ts';

type WhiteningConfig = NonNullable<TrainConfig['whitening']>;

/** Another crop of the same view, nothing else. */
const CROP = { light: 0, night: 0, blur: 0, rain: 0, shadow: 0, geometry: 1, occluder: 0 };

/** a - b, element by element. */
function subtract(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, at) => value - b[at]!);
}

/** Frames that follow each other in one sequence look at nearly the same: pairs of positions in `images`. */
export function findNeighbours(images: readonly GeotaggedImage[]): readonly (readonly [number, number])[] {
  const keyOf = ({ sequence, place }: GeotaggedImage, frame: number): string =>
    `${sequence ?? ''}\n${place ?? ''}\n${frame}`;
  const positions = new Map<string, number>();
  images.forEach((image, i) => {
    if (image.frame !== null && (image.sequence !== null || image.place !== null))
      positions.set(keyOf(image, image.frame), i);
  });
  return images.flatMap((image, i) => {
    const next = image.frame === null ? undefined : positions.get(keyOf(image, image.frame + 1));
    return next === undefined ? [] : [[i, next] as const];
  });
}

/** Descriptors of images and of their variants, gathered batch by batch. */
class PairStatistics {
  readonly descriptors: CovarianceAccumulator;
  readonly #dimension: number;
  readonly #night: ReturnType<typeof createScatterAccumulator>;
  readonly #crop: ReturnType<typeof createScatterAccumulator>;
  readonly #images: GeotaggedImage[] = [];
  readonly #plain: Float32Array[] = [];

  constructor(dimension: number) {
    this.#dimension = dimension;
    this.descriptors = createCovarianceAccumulator(dimension);
    this.#night = createScatterAccumulator(dimension);
    this.#crop = createScatterAccumulator(dimension);
  }

  addPlain(images: readonly GeotaggedImage[], plain: Float32Array): void {
    this.descriptors.add(plain);
    this.#images.push(...images);
    for (let i = 0; i < images.length; i++)
      this.#plain.push(plain.slice(i * this.#dimension, (i + 1) * this.#dimension));
  }

  addNight(plain: Float32Array, night: Float32Array): void {
    this.descriptors.add(night);
    this.#night.add(subtract(night, plain));
  }

  addCrop(plain: Float32Array, crop: Float32Array): void {
    this.#crop.add(subtract(crop, plain));
  }

  /** One scatter for each kind of pair that there is, each of trace 1. */
  scatters(): readonly Float64Array[] {
    const neighbours = createScatterAccumulator(this.#dimension);
    for (const [a, b] of findNeighbours(this.#images)) neighbours.add(subtract(this.#plain[a]!, this.#plain[b]!));
    return [this.#night, this.#crop, neighbours]
      .filter(({ count }) => count > 0)
      .map((scatter) => scatter.normalized());
  }
}

interface Draws {
  readonly night: Random;
  readonly crop: Random;
}

/** Adds the variants of one batch that the method needs. */
async function addVariants(
  statistics: PairStatistics,
  batch: { readonly pixels: readonly RgbImage[]; readonly plain: Float32Array },
  making: { readonly model: OnnxDescriptorModel; readonly whitening: WhiteningConfig; readonly draws: Draws },
): Promise<void> {
  const { model, whitening, draws } = making;
  const learned = whitening.method === 'learned';
  if (!learned && !whitening.nightCopies) return;
  const resized = await Promise.all(batch.pixels.map((pixels) => resizeImage(pixels, model.manifest.input)));
  const night = await model.describe(resized.map((pixels) => toNight(pixels, draws.night)));
  statistics.addNight(batch.plain, night.global);
  if (!learned) return;
  const crop = await model.describe(resized.map((pixels) => augment(pixels, CROP, draws.crop)));
  statistics.addCrop(batch.plain, crop.global);
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
  images: readonly GeotaggedImage[],
  network: { readonly backbone: Backbone; readonly pooling: Pooling },
  context: TrainingContext,
): Promise<AffineProjection | null> {
  const { whitening, seed } = context.config;
  if (whitening === null) return null;
  const random = createRandom(seed).fork('whitening');
  const drawn = drawImages(images, whitening.images, random.fork('images'));
  const draws = { night: random.fork('night'), crop: random.fork('crop') };
  const head = { pooling: network.pooling, whitening: null };
  return withModel({ backbone: network.backbone, head }, context, async (model) => {
    const { dimension } = model.manifest.descriptor;
    const statistics = new PairStatistics(dimension);
    for await (const batch of describeWithProgress(drawn, model, { ...context, label: 'whitening' })) {
      const plain = batch.descriptors.global;
      const of = batch.images;
      statistics.addPlain(
        of.map(({ image }) => image),
        plain,
      );
      await addVariants(statistics, { pixels: of.map(({ pixels }) => pixels), plain }, { model, whitening, draws });
    }
    const wanted = whitening.dimension === 'all' ? dimension : whitening.dimension;
    assertEnough(statistics.descriptors, wanted, dimension);
    return whitening.method === 'learned'
      ? computeLearnedWhitening(statistics.descriptors, statistics.scatters(), { outputDimension: wanted })
      : toWhitening(computePcaOfCovariance(statistics.descriptors), wanted, whitening.power);
  });
}
