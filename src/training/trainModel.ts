/**
 * @file The whole way to a trained model: initial head, training, whitening, export. Everything that a person wants to see
 * of it is in the run folder.
 */
import path from 'node:path';
import { TOOL_VERSION } from '../version.ts';
import { type ExportedModel, exportModel } from './exportModel.ts';
import { initializePooling } from './initializeHead.ts';
import { fingerprintImages, readParityImages } from './initializeModel.ts';
import { initializeWhitening } from './initializeWhitening.ts';
import { loadBackbone } from './loadBackbone.ts';
import { type ExportedRecall, measureExported } from './measureExported.ts';
import { runTrainer, type TrainerRun, type TrainRequest } from './runTrainer.ts';
import { applyWeights, type TrainedParts } from './trainedHead.ts';
import type { TrainingContext } from './TrainingContext.ts';

export interface TrainedModel extends TrainerRun {
  /** Null when the run was interrupted: its checkpoints are in the run folder. */
  readonly exported: ExportedModel | null;
  /** On the test queries, else on those of validation; null without whitening, which leaves the recalls as they are. */
  readonly exportedRecall: ExportedRecall | null;
}

/** Trains, whitens and exports. Throws NetvladError for data, config and checkpoints that cannot be used. */
export async function trainModel(request: TrainRequest, context: TrainingContext): Promise<TrainedModel> {
  const { config } = context;
  const { set } = request;
  const statistics = [...set.database.map((row) => set.images[row]!), ...request.statistics];
  const backbone = await loadBackbone(config);
  const start: TrainedParts = { backbone, pooling: await initializePooling(statistics, backbone, context) };
  const run = await runTrainer(request, start, context);
  if (context.signal?.aborted === true) return { exported: null, exportedRecall: null, ...run };
  const trained = applyWeights(start, run.weights);
  const whitening = await initializeWhitening(statistics, trained, context);
  const exported = await exportModel(
    trained.backbone,
    { pooling: trained.pooling, whitening },
    {
      config,
      folder: request.run.model,
      parityImages: await readParityImages(statistics, config.seed),
      training: {
        data: {
          source: request.dataDescription,
          images: set.images.length + request.statistics.length,
          namesSha256: fingerprintImages([...set.images, ...request.statistics]),
        },
        run: {
          tool: `netvlad_localizer ${TOOL_VERSION}`,
          folder: path.basename(request.run.path),
          seed: config.seed,
          epochs: run.epochs,
          training: config.training,
          whitening: config.whitening,
        },
        recall: {
          validation: run.validation.best,
          initial: run.validation.initial,
          chance: run.validation.chance,
          queries: set.validation.queries.length,
        },
      },
      ...(context.session === undefined ? {} : { session: context.session }),
    },
  );
  const measured = set.test ?? set.validation;
  const exportedRecall = whitening === null ? null : await measureExported(exported.files, { set, measured }, context);
  return { exported, exportedRecall, ...run };
}
