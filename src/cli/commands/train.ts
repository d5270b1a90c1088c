/** @file `netvlad train`: a config and images to a model. */
import path from 'node:path';
import type { Command } from 'commander';
import { type GeotaggedImage, isDatasetProblem } from '../../datasets/GeotaggedImage.ts';
import { NetvladError } from '../../errors.ts';
import type { ByN } from '../../evaluation/recall.ts';
import type { Progress } from '../../Progress.ts';
import {
  type AblationRow,
  type AblationTable,
  describeMeasured,
  findFinished,
  folderOf,
  readAblation,
  readAblationTable,
  renderAblation,
  toAblationRows,
} from '../../training/ablation.ts';
import { collectImages } from '../../training/drawImages.ts';
import type { ExportedModel } from '../../training/exportModel.ts';
import type { TrainingContext } from '../../training/TrainingContext.ts';
import { initializeModel } from '../../training/initializeModel.ts';
import type { TrainingImage } from '../../training/neighbourhoods.ts';
import { createRunFolder, isRunFolder, openRunFolder } from '../../training/runFolder.ts';
import { readTrainConfig, type TrainConfig, type TrainingConfig } from '../../training/trainConfig.ts';
import { createTrainingSet, toLocalPositions, type TrainingSet } from '../../training/trainingSet.ts';
import type { ExportedRecall } from '../../training/measureExported.ts';
import type { RecallChange } from '../../training/runTrainer.ts';
import { type TrainedModel, trainModel } from '../../training/trainModel.ts';
import {
  addImageSourceOptions,
  assertOptionsFit,
  IMAGE_SOURCE_HELP,
  openOneSource,
  type ImageSourceFlags,
} from '../imageSource.ts';
import { parseInteger } from '../optionValues.ts';
import { runCommand, toJson, type CommandContext } from '../runCommand.ts';
import { writeFileAtomically } from '../../writeFileAtomically.ts';
import { countOf } from '../../countOf.ts';

interface TrainFlags extends ImageSourceFlags {
  readonly config?: string;
  readonly ablation?: string;
  readonly data: readonly string[];
  readonly statistics?: readonly string[];
  readonly out: string;
  readonly epochs?: number;
  readonly cache: string;
  readonly resume?: boolean;
  readonly json?: boolean;
}

const percent = (value: number | undefined): string => (value === undefined ? '-' : (100 * value).toFixed(1));

function describeModel({ files }: ExportedModel): string {
  return `${files.onnxPath}: ${files.manifest.descriptor.dimension} dimensions, ${(files.onnx.length / 1e6).toFixed(1)} MB`;
}

/** Recall as a small table: what guessing, the start and the best epoch reach, and with its whitening the exported model. */
function describeRecall(title: string, recall: RecallChange, exported: ExportedRecall | null): string {
  const row = (name: string, byN: ByN): string =>
    `${name.padEnd(16)}${[1, 5, 10].map((n) => percent(byN[n]).padStart(8)).join('')}`;
  const header = `${`${title}, %`.padEnd(16)}${[1, 5, 10].map((n) => `@${n}`.padStart(8)).join('')}`;
  const rows = [row('chance', recall.chance), row('initial', recall.initial), row('best', recall.best)];
  if (exported !== null) rows.push(row('exported', exported.recall));
  if (exported?.night) rows.push(row('- at night', exported.night.recall));
  return [header, ...rows].join('\n');
}

/** The images of one role; of several sources not every one must have it. */
async function collectRole(
  data: string,
  role: string | null,
  { flags, context }: { readonly flags: TrainFlags; readonly context: CommandContext },
): Promise<GeotaggedImage[]> {
  const images: GeotaggedImage[] = [];
  try {
    for await (const item of await openOneSource(data, role === null ? flags : { ...flags, role })) {
      if (isDatasetProblem(item)) context.logger.warn(`${item.where}: ${item.problem}`);
      else images.push(role === null ? item : { ...item, role });
    }
  } catch (error) {
    const isLacking = error instanceof NetvladError && error.details.lacking === 'role';
    if (!isLacking || flags.data.length === 1) throw error;
  }
  return images;
}

/** The images of all sources that have one of the wanted roles; a null role takes every image. */
async function collectRoles(
  flags: TrainFlags,
  roles: readonly (string | null)[],
  context: CommandContext,
): Promise<TrainingImage[]> {
  const wanted = roles.includes(null) ? [null] : [...new Set(roles)];
  const images: TrainingImage[] = [];
  for (const [source, data] of flags.data.entries()) {
    const ofSource: GeotaggedImage[] = [];
    for (const role of wanted) ofSource.push(...(await collectRole(data, role, { flags, context })));
    images.push(...toLocalPositions(ofSource).map((image) => ({ image, source })));
  }
  return images;
}

/** All images of some sources; `first` is the number of the first among the command's sources. */
async function collectSources(
  sources: readonly string[],
  { flags, first }: { readonly flags: ImageSourceFlags; readonly first: number },
  context: CommandContext,
): Promise<TrainingImage[]> {
  const images = await Promise.all(
    sources.map(async (data) => collectImages(await openOneSource(data, flags), context.logger)),
  );
  return images.flatMap((list, at) => toLocalPositions(list).map((image) => ({ image, source: first + at })));
}

/** The images of --statistics: every one of each source, whatever --role says of --data. */
function collectStatistics(flags: TrainFlags, context: CommandContext): Promise<TrainingImage[]> {
  const everyRole: TrainFlags = { ...flags };
  delete (everyRole as { role?: string }).role;
  return collectSources(flags.statistics ?? [], { flags: everyRole, first: flags.data.length }, context);
}

async function initialize(flags: TrainFlags, config: TrainConfig, context: CommandContext): Promise<void> {
  const images = [
    ...(await collectSources(flags.data, { flags, first: 0 }, context)),
    ...(await collectStatistics(flags, context)),
  ];
  const run = await createRunFolder(flags.out, config);
  const exported = await initializeModel(images, toTrainingContext(config, context), {
    folder: run.model,
    dataDescription: dataDescription(flags, config),
  });
  const { files, parity, cardPath } = exported;
  await run.log({ event: 'exported', model: files.onnxPath, sha256: files.manifest.onnx.sha256, parity });
  context.output(
    { model: files.onnxPath, manifest: files.manifestPath, card: cardPath, parity, epochs: 0 },
    describeModel(exported),
  );
}

const dataDescription = (flags: TrainFlags, config: TrainConfig): string =>
  config.data ?? [...flags.data, ...(flags.statistics ?? [])].map((data) => path.basename(data)).join(', ');

function toTrainingContext(config: TrainConfig, context: CommandContext): TrainingContext {
  const { logger, signal } = context;
  return { config, logger, signal, progress: (label: string): Progress => context.progress(label) };
}

async function trainInto(
  folder: string,
  flags: TrainFlags,
  config: TrainConfig & { training: TrainingConfig },
  context: CommandContext,
): Promise<{ set: TrainingSet; trained: TrainedModel }> {
  const { roles } = config.training;
  const wanted = [
    ...[roles.queries ?? roles.database, roles.database, roles.validationQueries, roles.validationDatabase],
    ...[roles.testQueries, roles.testDatabase].filter((role) => role !== null),
  ];
  const set = createTrainingSet(await collectRoles(flags, wanted, context), config.training);
  const run = flags.resume === true ? await openRunFolder(folder) : await createRunFolder(folder, config);
  const request = {
    ...{ set, run, cacheFolder: flags.cache, resume: flags.resume === true },
    statistics: await collectStatistics(flags, context),
    dataDescription: dataDescription(flags, config),
  };
  const trained = await trainModel(request, toTrainingContext(config, context));
  if (trained.exported !== null) {
    const { files, parity } = trained.exported;
    await run.log({ event: 'exported', model: files.onnxPath, sha256: files.manifest.onnx.sha256, parity });
  }
  return { set, trained };
}

/** The recalls for the JSON document, without the hit of every query. */
function toRecall({ initial, best, chance }: RecallChange): Omit<RecallChange, 'hits'> {
  return { initial, best, chance };
}

async function trainFully(
  flags: TrainFlags,
  config: TrainConfig & { training: TrainingConfig },
  context: CommandContext,
): Promise<void> {
  const { exported, reports, validation, test, exportedRecall } = (await trainInto(flags.out, flags, config, context))
    .trained;
  if (exported === null) {
    throw new NetvladError('interrupted', `Interrupted after ${countOf(reports.length, 'epoch')} of this session.`, {
      hint: `Go on with --resume --out ${flags.out}.`,
    });
  }
  const { files, cardPath, parity } = exported;
  const facts = { model: files.onnxPath, manifest: files.manifestPath, card: cardPath, parity };
  context.output(
    {
      ...facts,
      epochs: reports.length,
      recall: toRecall(validation),
      test: test && toRecall(test),
      exportedRecall: exportedRecall?.recall ?? null,
      reports,
    },
    [
      describeRecall('validation', validation, test === null ? exportedRecall : null),
      ...(test === null ? [] : [describeRecall('test', test, exportedRecall)]),
      describeModel(exported),
    ].join('\n'),
  );
}

/** The table to go on with; null at its beginning. Throws NetvladError('bad-input') where there is one that is not meant. */
async function readEarlierTable(file: string, flags: TrainFlags, data: string): Promise<AblationTable | null> {
  const earlier = await readAblationTable(file);
  if (earlier === null) return null;
  if (flags.resume !== true) {
    throw new NetvladError('bad-input', `There is a table of runs in ${file}.`, {
      hint: 'A table is never overwritten: give a new folder, or go on with it by --resume.',
    });
  }
  if (earlier.data !== data) {
    throw new NetvladError('bad-input', `The table in ${file} is of ${earlier.data}, not of ${data}.`, {
      hint: 'Go on with the same --data, or give a new folder.',
    });
  }
  return earlier;
}

/**
 * Runs every row, one run folder each; the table is written anew after every row. A resumed table keeps the rows it has
 * and goes on with the one that was interrupted.
 */
async function runAblation(flags: TrainFlags, file: string, context: CommandContext): Promise<void> {
  const tableFile = path.join(flags.out, 'ablation.json');
  const runs = await readAblation(file);
  const earlier = await readEarlierTable(tableFile, flags, dataDescription(flags, runs[0]!.config));
  const rows: AblationRow[] = [];
  let facts: Omit<AblationTable, 'rows'> | null = earlier;
  for (const run of runs) {
    const { name } = run;
    const training = { ...run.config.training!, epochs: flags.epochs ?? run.config.training!.epochs };
    const config = { ...run.config, training };
    const finished = findFinished(earlier, { name, config });
    if (finished.length > 0) {
      rows.push(...finished);
      continue;
    }
    const folder = path.join(flags.out, folderOf(name));
    const resume = flags.resume === true && (await isRunFolder(folder));
    const { set, trained } = await trainInto(folder, { ...flags, resume }, config, context);
    if (trained.exported === null) {
      throw new NetvladError('interrupted', `Interrupted in the run '${name}'.`, {
        hint: `Go on with --resume --out ${flags.out}: the rows before it and its checkpoints are kept.`,
      });
    }
    rows.push(...toAblationRows({ name, config }, trained));
    facts ??= { data: dataDescription(flags, config), ...describeMeasured(set, training) };
    const table = { ...facts, rows };
    await writeFileAtomically(tableFile, `${toJson(table)}\n`);
    await writeFileAtomically(path.join(flags.out, 'ablation.md'), renderAblation(table));
  }
  const table = { ...facts!, rows };
  context.output(table, renderAblation(table));
}

async function train(flags: TrainFlags, context: CommandContext): Promise<void> {
  assertOptionsFit([...flags.data, ...(flags.statistics ?? [])], flags);
  if (flags.ablation !== undefined) {
    await runAblation(flags, flags.ablation, context);
    return;
  }
  if (flags.config === undefined) {
    throw new NetvladError('usage', 'Neither --config nor --ablation is given.', {
      hint: 'Start with --config config/train/default.yaml.',
    });
  }
  const config = await readTrainConfig(flags.config);
  const epochs = flags.epochs ?? config.training?.epochs ?? 0;
  if (epochs === 0) {
    await initialize(flags, config, context);
  } else if (config.training === undefined) {
    throw new NetvladError('usage', `--epochs ${epochs}: ${flags.config} has no section 'training'.`, {
      hint: 'Add one (config/train/street_view.yaml shows its fields), or initialise with --epochs 0.',
    });
  } else {
    await trainFully(flags, { ...config, training: { ...config.training, epochs } }, context);
  }
}

export function registerTrainCommand(program: Command): void {
  addImageSourceOptions(program.command('train'))
    .description('Make a descriptor model from images.')
    .option('--config <file>', 'what to make and how, e.g. config/train/default.yaml')
    .option('--ablation <file>', 'run a table of configs instead, e.g. config/train/ablation.yaml')
    .requiredOption('--data <source...>', 'training images; several sources are trained on together')
    .option(
      '--statistics <source...>',
      'more images that centres and whitening are made from, equally from all sources',
    )
    .requiredOption('--out <folder>', 'new run folder: config, log, checkpoints/ and model/')
    .option(
      '--epochs <n>',
      "rounds over the queries (default: the config's); 0 initialises without training",
      parseInteger(0),
    )
    .option('--cache <folder>', 'where the outputs of the frozen layers are kept', path.join('.cache', 'features'))
    .option('--resume', 'go on with the interrupted run (or table of runs) in --out')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `\n${IMAGE_SOURCE_HELP}\n\nPretrained backbone weights: scripts/fetch-weights.sh fetches those that the configs name.`,
    )
    .action((flags: TrainFlags) => runCommand(flags, (context) => train(flags, context)));
}
