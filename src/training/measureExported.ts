/** @file What the exported model reaches on the measured queries: whitened, in float32, as it will be deployed. */
import type { GeotaggedImage } from '../datasets/GeotaggedImage.ts';
import type { ByN } from '../evaluation/recall.ts';
import type { RgbImage } from '../image/RgbImage.ts';
import type { ModelFiles } from '../inference/modelFiles.ts';
import { OnnxDescriptorModel } from '../inference/OnnxDescriptorModel.ts';
import type { DescribeOptions } from '../map/describeImages.ts';
import { createRandom } from '../math/random.ts';
import { toNight } from './photometric.ts';
import { describeWithProgress, type TrainingContext } from './TrainingContext.ts';
import type { TrainingSet, Validation } from './trainingSet.ts';
import { computeHits, computeValidationRecall, type Hits, rankDatabase } from './validate.ts';

export interface MeasuredRecall {
  readonly recall: ByN;
  readonly hits: Hits;
}

export interface ExportedRecall extends MeasuredRecall {
  readonly dimension: number;
  /** Of the queries turned into night; null where the config does not ask for it. */
  readonly night: MeasuredRecall | null;
}

/** Descriptors [images.length, dimension]; an image that cannot be read has zeros, which are like nothing. */
async function describeAll(
  images: readonly GeotaggedImage[],
  model: OnnxDescriptorModel,
  context: TrainingContext & Pick<DescribeOptions, 'change'>,
): Promise<Float32Array> {
  const { dimension } = model.manifest.descriptor;
  const rowOf = new Map(images.map((image, row) => [image, row]));
  const out = new Float32Array(images.length * dimension);
  const asked = { ...context, label: 'exported model' };
  for await (const { images: described, descriptors } of describeWithProgress(images, model, asked)) {
    described.forEach(({ image }, i) => {
      out.set(descriptors.global.subarray(i * dimension, (i + 1) * dimension), rowOf.get(image)! * dimension);
    });
  }
  return out;
}

/** Describes the measured images anew with the model's files and searches exactly. */
export async function measureExported(
  files: ModelFiles,
  { set, measured }: { readonly set: TrainingSet; readonly measured: Validation },
  context: TrainingContext,
): Promise<ExportedRecall> {
  const { seed, training } = context.config;
  const imagesOf = (rows: readonly number[]): GeotaggedImage[] => rows.map((row) => set.images[row]!.image);
  const model = await OnnxDescriptorModel.open(files, context.session);
  try {
    const { dimension } = model.manifest.descriptor;
    const database = await describeAll(imagesOf(measured.database), model, context);
    const search = async (change?: (image: RgbImage) => RgbImage): Promise<MeasuredRecall> => {
      const queries = await describeAll(imagesOf(measured.queries), model, { ...context, change });
      const rankings = rankDatabase(queries, database, dimension);
      return { recall: computeValidationRecall(rankings, measured), hits: computeHits(rankings, measured) };
    };
    const random = createRandom(seed).fork('night queries');
    const isNightMeasured = training?.nightQueries === true;
    const night = isNightMeasured ? await search((image) => toNight(image, random)) : null;
    return { dimension, night, ...(await search()) };
  } finally {
    await model.dispose();
  }
}
