/** @file What every stage of training gets beside its data, and the way in which they describe images. */
import type { GeotaggedImage } from '../datasets/GeotaggedImage.ts';
import { OnnxDescriptorModel } from '../inference/OnnxDescriptorModel.ts';
import type { SessionOptions } from '../inference/OnnxSession.ts';
import type { Logger } from '../Logger.ts';
import { describeImages, type DescribedBatch, type DescribeOptions } from '../map/describeImages.ts';
import type { Progress } from '../Progress.ts';
import type { Head } from './DescriptorNetwork.ts';
import { assembleModel } from './DescriptorNetwork.ts';
import type { Backbone } from './loadBackbone.ts';
import type { TrainConfig } from './trainConfig.ts';

export interface TrainingContext {
  readonly config: TrainConfig;
  readonly logger: Logger;
  readonly progress: (label: string) => Progress;
  readonly signal?: AbortSignal;
  readonly session?: SessionOptions;
}

/** Opens backbone and head for as long as `use` needs them. */
export async function withModel<T>(
  network: { readonly backbone: Backbone; readonly head: Head },
  context: TrainingContext,
  use: (model: OnnxDescriptorModel) => Promise<T>,
): Promise<T> {
  const { files } = assembleModel(network.backbone, network.head, context);
  const model = await OnnxDescriptorModel.open(files, context.session);
  try {
    return await use(model);
  } finally {
    await model.dispose();
  }
}

/** Describes `images` batch by batch, with progress under `label`; what cannot be read goes to the log and is left out. */
export async function* describeWithProgress(
  images: readonly GeotaggedImage[],
  model: OnnxDescriptorModel,
  context: TrainingContext & { readonly label: string } & Pick<DescribeOptions, 'local' | 'change'>,
): AsyncGenerator<DescribedBatch> {
  const { label, local = false, change, signal, logger } = context;
  const progress = context.progress(label);
  let done = 0;
  const options = { local, change, ...(signal === undefined ? {} : { signal }) };
  for await (const batch of describeImages(images, model, options)) {
    for (const { where, problem } of batch.problems) logger.warn(`${where}: ${problem}`);
    if (batch.images.length > 0) yield batch;
    done += batch.images.length + batch.problems.length;
    progress.update(done, images.length);
  }
  progress.finish();
}
