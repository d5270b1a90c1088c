/** @file What the exported model reaches on the measured queries: whitened, in float32, as it will be deployed. */
import type { GeotaggedImage } from '../datasets/GeotaggedImage.ts';
import type { ByN } from '../evaluation/recall.ts';
import type { ModelFiles } from '../inference/modelFiles.ts';
import { OnnxDescriptorModel } from '../inference/OnnxDescriptorModel.ts';
import { describeWithProgress, type TrainingContext } from './TrainingContext.ts';
import type { TrainingSet, Validation } from './trainingSet.ts';
import { computeHits, computeValidationRecall, type Hits, rankDatabase } from './validate.ts';

export interface ExportedRecall {
  readonly dimension: number;
  readonly recall: ByN;
  readonly hits: Hits;
}

/** Descriptors [images.length, dimension]; an image that cannot be read has zeros, which are like nothing. */
async function describeAll(
  images: readonly GeotaggedImage[],
  model: OnnxDescriptorModel,
  context: TrainingContext,
): Promise<Float32Array> {
  const { dimension } = model.manifest.descriptor;
  const rowOf = new Map(images.map((image, row) => [image, row]));
  const out = new Float32Array(images.length * dimension);
  for await (const { images: described, descriptors } of describeWithProgress(images, model, {
    ...context,
    label: 'exported model',
  })) {
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
  const model = await OnnxDescriptorModel.open(files, context.session);
  try {
    const { dimension } = model.manifest.descriptor;
    const describe = (rows: readonly number[]): Promise<Float32Array> =>
      describeAll(
        rows.map((row) => set.images[row]!.image),
        model,
        context,
      );
    const rankings = rankDatabase(await describe(measured.queries), await describe(measured.database), dimension);
    return {
      dimension,
      recall: computeValidationRecall(rankings, measured),
      hits: computeHits(rankings, measured),
    };
  } finally {
    await model.dispose();
  }
}
