/** @file `netvlad evaluate`: how good is a map, or anybody's descriptors, on queries whose place is known? */
import { dirname, join } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { assertApart, filesIn } from '../../assertApart.ts';
import { NetvladError } from '../../errors.ts';
import { evaluateDescriptors } from '../../evaluation/evaluateDescriptors.ts';
import { evaluateMap, type EvaluationTools } from '../../evaluation/evaluateMap.ts';
import { createEvaluationPictures, NO_PICTURES } from '../../evaluation/evaluationPictures.ts';
import type { EvaluationReport } from '../../evaluation/EvaluationDocument.ts';
import { toPredictionsCsv } from '../../evaluation/predictions.ts';
import { readDescriptorSets } from '../../evaluation/readDescriptorSets.ts';
import { chooseCriterion, type TruthFlags } from '../../evaluation/chooseCriterion.ts';
import { createEvaluationReport } from '../../evaluation/report/createEvaluationReport.ts';
import type { ReportPictures } from '../../evaluation/report/createReportDocument.ts';
import { createMatchExplainer, type MatchExplainer } from '../../evaluation/report/explainMatch.ts';
import { renderReport } from '../../evaluation/report/renderReport.ts';
import type { UniqueBy } from '../../evaluation/uniqueAnswers.ts';
import { createLocalizer } from '../../localization/createLocalizer.ts';
import { DEFAULT_BATCH } from '../../map/describeImages.ts';
import { MapVerifier } from '../../map/MapVerifier.ts';
import type { Place } from '../../map/Place.ts';
import { PlaceMap } from '../../map/PlaceMap.ts';
import { openIndex } from '../../recognition/openIndex.ts';
import { makeFolder } from '../../makeFolder.ts';
import { writeFileAtomically } from '../../writeFileAtomically.ts';
import { formatEvaluation } from '../formatEvaluation.ts';
import {
  addImageSourceOptions,
  assertNoSourceOptions,
  IMAGE_SOURCE_HELP,
  openSourceFromFlags,
  type ImageSourceFlags,
} from '../imageSource.ts';
import { addModelOptions, openModelFromFlags, type ModelFlags } from '../modelOptions.ts';
import { parseInteger, parsePositiveNumber } from '../optionValues.ts';
import { runCommand, toJson, type CommandContext } from '../runCommand.ts';

interface EvaluateFlags extends ImageSourceFlags, ModelFlags, TruthFlags {
  readonly map?: string;
  readonly queries?: string;
  readonly descriptorsDatabase?: string;
  readonly descriptorsQueries?: string;
  readonly unique?: UniqueBy;
  readonly sequence?: boolean;
  readonly index: 'auto' | 'exact' | 'hnsw';
  readonly verify: number;
  readonly batch: number;
  readonly report?: string;
  readonly predictions?: string;
  readonly json?: boolean;
}

/** What is written to the files that were asked for, while map and images are at hand. */
async function writeFiles(
  report: EvaluationReport,
  flags: EvaluateFlags,
  shown: { readonly places: readonly Place[]; readonly pictures: ReportPictures },
): Promise<void> {
  const { document, perQuery } = report;
  if (flags.predictions !== undefined) await writeFileAtomically(flags.predictions, toPredictionsCsv(perQuery));
  if (flags.report === undefined) return;
  await writeFileAtomically(join(flags.report, 'report.json'), `${toJson({ ...document, perQuery })}\n`);
  const page = await createEvaluationReport(report, shown.places, shown.pictures);
  await writeFileAtomically(join(flags.report, 'report.html'), renderReport(page));
}

/** Opens map, model, index and verifier, runs the work and closes what was opened, in reverse. */
async function withTools(
  map: PlaceMap,
  { flags, context }: EvaluateWork,
  work: (tools: EvaluationTools, explain: MatchExplainer | null) => Promise<EvaluationReport>,
): Promise<EvaluationReport> {
  const model = await openModelFromFlags(flags, context.logger);
  let verifier: MapVerifier | null = null;
  try {
    map.assertModel(model.manifest);
    if (model.manifest.onnx.local !== undefined) verifier = await MapVerifier.open(map, flags.verify);
    const localizer = createLocalizer({
      places: map.places,
      datum: map.manifest.datum,
      calibration: map.calibration,
      options: { sequence: flags.sequence === true },
    });
    const explain = verifier === null ? null : createMatchExplainer(model, map, verifier);
    return await work({ map, model, index: await openIndex(map, flags.index), localizer, verifier }, explain);
  } finally {
    await verifier?.dispose();
    await model.dispose();
  }
}

interface EvaluateWork {
  readonly flags: EvaluateFlags;
  readonly context: CommandContext;
}

async function evaluateImages(mapPath: string, queries: string, given: EvaluateWork): Promise<EvaluationReport> {
  const { flags, context } = given;
  const map = PlaceMap.open(mapPath);
  try {
    const criterion = await chooseCriterion(flags, { hasPositions: map.hasPositions });
    const source = await openSourceFromFlags(queries, flags);
    return await withTools(map, given, async (tools, explain) => {
      const evaluation = await evaluateMap(source, tools, {
        ...{ criterion, uniqueBy: flags.unique ?? null, asSequence: flags.sequence === true, batch: flags.batch },
        ...{ progress: context.progress('queries'), signal: context.signal },
      });
      const pictures = createEvaluationPictures(evaluation, { map, source, explain });
      await writeFiles(evaluation, flags, { places: map.places, pictures });
      return evaluation;
    });
  } finally {
    map.close();
  }
}

async function evaluateArrays(
  database: string,
  queries: string,
  { flags, context }: EvaluateWork,
): Promise<EvaluationReport> {
  assertNoSourceOptions(flags, '--queries');
  const sets = await readDescriptorSets({ database, queries }, flags);
  const criterion = await chooseCriterion(flags, { hasPositions: sets.database.positions !== null });
  const report = await evaluateDescriptors(sets.database, sets.queries, {
    ...{ criterion, uniqueBy: flags.unique ?? null, signal: context.signal },
  });
  await writeFiles(report, flags, { places: [], pictures: NO_PICTURES });
  return report;
}

/** Before the work: it must not end at a folder that cannot be made, nor over what it judges. */
async function prepareOutputs(flags: EvaluateFlags): Promise<void> {
  const { report, predictions } = flags;
  await assertApart(
    [{ name: '--predictions', path: predictions }, ...filesIn('--report', report, ['report.html', 'report.json'])],
    [
      { name: '--map', path: flags.map },
      { name: '--queries', path: flags.queries },
      { name: '--descriptors-database', path: flags.descriptorsDatabase },
      { name: '--descriptors-queries', path: flags.descriptorsQueries },
      { name: '--ground-truth', path: flags.groundTruth },
    ],
  );
  if (report !== undefined) await makeFolder(report);
  if (predictions !== undefined) await makeFolder(dirname(predictions));
}

async function evaluate(flags: EvaluateFlags, context: CommandContext): Promise<void> {
  const { map, queries, descriptorsDatabase, descriptorsQueries } = flags;
  if ((map ?? queries) !== undefined && (descriptorsDatabase ?? descriptorsQueries) !== undefined) {
    throw new NetvladError('usage', 'Both images and descriptors are given.', {
      hint: 'Give either --map FILE and --queries SOURCE, or --descriptors-database D.npy and --descriptors-queries Q.npy.',
    });
  }
  await prepareOutputs(flags);
  const work = { flags, context };
  let report: EvaluationReport;
  if (map !== undefined && queries !== undefined) report = await evaluateImages(map, queries, work);
  else if (descriptorsDatabase !== undefined && descriptorsQueries !== undefined) {
    report = await evaluateArrays(descriptorsDatabase, descriptorsQueries, work);
  } else {
    throw new NetvladError('usage', 'There is nothing to evaluate.', {
      hint: 'Give --map FILE and --queries SOURCE, or --descriptors-database D.npy and --descriptors-queries Q.npy.',
    });
  }
  const { document } = report;
  for (const { where, problem } of document.skipped) context.logger.warn(`skipped ${where}: ${problem}`);
  context.output(document, formatEvaluation(document));
}

function parseUnique(text: string): UniqueBy {
  if (text === 'position' || text === 'place') return text;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected position, place, or the number of views of one panorama.');
}

export function registerEvaluateCommand(program: Command): void {
  addModelOptions(addImageSourceOptions(program.command('evaluate')))
    .description('Measure recall@N, position error, acceptance and calibration on queries whose place is known.')
    .option('--map <file>', 'map file (*.vprmap)')
    .option('--queries <source>', 'query images: folder, CSV, dbStruct .mat or recording')
    .option('--descriptors-database <file.npy>', 'instead of a map: descriptors [images, D] from anywhere')
    .option('--descriptors-queries <file.npy>', 'instead of queries: descriptors [images, D]')
    .option(
      '--radius <m>',
      'right = within so many metres (default: 25, where there are positions)',
      parsePositiveNumber,
    )
    .option('--frames <n>', 'right = at most so many frames away, by the column frame', parseInteger(0))
    .addOption(new Option('--by <what>', 'right = the same place name, by the column place').choices(['place']))
    .option(
      '--ground-truth <file>',
      'right = as written: JSON {query: [database, ...]} by name or index, hloc pairs (.txt), or .npz with utmQ and utmDb',
    )
    .option('--unique <position|place|n>', 'count the views of one panorama once: Tokyo 24/7 is 12', parseUnique)
    .option('--sequence', 'the queries follow one another: use the sequence filter (default: each on its own)')
    .option('--verify <k>', 'spatially verify the best K candidates; 0 = off', parseInteger(0), 20)
    .addOption(
      new Option('--index <kind>', 'search; auto is exact up to 20,000 places')
        .choices(['auto', 'exact', 'hnsw'])
        .default('auto'),
    )
    .option('--batch <n>', 'images in one inference', parseInteger(1), DEFAULT_BATCH)
    .option('--report <folder>', 'write report.html to look at and report.json with every query')
    .option('--predictions <file.csv>', 'write query,rank,image,similarity for every query')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
${IMAGE_SOURCE_HELP}

Recall counts the queries that have a true match at all; "all queries" counts the others as misses. Chance is the recall
of a random guess on the same ground truth: compare with it before being pleased.

  netvlad evaluate --map day.vprmap --queries dataset/index.csv --role query --condition night --frames 5`,
    )
    .action((flags: EvaluateFlags) => runCommand(flags, (context) => evaluate(flags, context)));
}
