/** @file `netvlad train`: a config and images to a model. */
import path from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { NetvladError } from '../../errors.ts';
import type { Progress } from '../../Progress.ts';
import { collectImages } from '../../training/drawImages.ts';
import { initializeModel } from '../../training/initializeModel.ts';
import { createRunFolder } from '../../training/runFolder.ts';
import { readTrainConfig } from '../../training/trainConfig.ts';
import {
  addImageSourceOptions,
  IMAGE_SOURCE_HELP,
  openSourceFromFlags,
  type ImageSourceFlags,
} from '../imageSource.ts';
import { runCommand, type CommandContext } from '../runCommand.ts';

interface TrainFlags extends ImageSourceFlags {
  readonly config: string;
  readonly data: string;
  readonly out: string;
  readonly epochs: number;
  readonly json?: boolean;
}

function parseEpochs(text: string): number {
  const epochs = Number(text);
  if (!Number.isInteger(epochs) || epochs < 0) throw new InvalidArgumentError('a whole number from 0 is expected');
  return epochs;
}

async function train(flags: TrainFlags, context: CommandContext): Promise<void> {
  if (flags.epochs > 0) {
    throw new NetvladError(
      'usage',
      `--epochs ${flags.epochs}: this version initialises models (--epochs 0) and does not train them yet.`,
    );
  }
  const config = await readTrainConfig(flags.config);
  const source = await openSourceFromFlags(flags.data, flags);
  const images = await collectImages(source, context.logger);
  const run = await createRunFolder(flags.out, config);
  const { logger, signal } = context;
  const progress = (label: string): Progress => context.progress(label);
  const { files, parity, cardPath } = await initializeModel(
    images,
    { config, logger, signal, progress },
    { folder: run.model, dataDescription: config.data ?? path.basename(flags.data) },
  );
  await run.log({ event: 'exported', model: files.onnxPath, sha256: files.manifest.onnx.sha256, parity });
  context.output(
    { model: files.onnxPath, manifest: files.manifestPath, card: cardPath, parity, epochs: 0 },
    `${files.onnxPath}: ${files.manifest.descriptor.dimension} dimensions, ${(files.onnx.length / 1e6).toFixed(1)} MB`,
  );
}

export function registerTrainCommand(program: Command): void {
  addImageSourceOptions(program.command('train'))
    .description('Make a descriptor model from images.')
    .requiredOption('--config <file>', 'what to make and how, e.g. config/train/off_the_shelf.yaml')
    .requiredOption('--data <source>', 'training images')
    .requiredOption('--out <folder>', 'new run folder: config, log and model/')
    .option('--epochs <n>', 'rounds over the queries; 0 initialises without training', parseEpochs, 0)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `\n${IMAGE_SOURCE_HELP}\n\nPretrained backbone weights: scripts/fetch-weights.sh fetches those that the configs name.`,
    )
    .action((flags: TrainFlags) => runCommand(flags, (context) => train(flags, context)));
}
