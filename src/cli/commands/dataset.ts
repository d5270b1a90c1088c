/** @file `netvlad dataset`: look at an image source, convert it. */
import { Option, type Command } from 'commander';
import { convertSource, type ConversionFormat } from '../../datasets/convertSource.ts';
import { formatSourceSummary, summarizeSource } from '../../datasets/summarizeSource.ts';
import {
  addImageSourceOptions,
  IMAGE_SOURCE_HELP,
  openSourceFromFlags,
  type ImageSourceFlags,
} from '../imageSource.ts';
import { runCommand, type CommandContext } from '../runCommand.ts';

interface InfoFlags extends ImageSourceFlags {
  readonly json?: boolean;
}

interface ConvertFlags extends InfoFlags {
  readonly out: string;
  readonly to: ConversionFormat;
}

async function showInfo(path: string, flags: InfoFlags, context: CommandContext): Promise<void> {
  const summary = await summarizeSource(await openSourceFromFlags(path, flags), context.signal);
  context.output(summary, formatSourceSummary(summary));
}

async function convert(path: string, flags: ConvertFlags, context: CommandContext): Promise<void> {
  const source = await openSourceFromFlags(path, flags);
  const progress = context.progress('converting');
  const result = await convertSource(source, flags.out, { format: flags.to, progress, signal: context.signal });
  for (const { where, problem } of result.problems) context.logger.warn(`${where}: ${problem}`);
  context.output(result, `${result.path}: ${result.images} images, ${result.problems.length} left out`);
}

export function registerDatasetCommand(program: Command): void {
  const dataset = program.command('dataset').description('Look at image sources and convert them.');
  addImageSourceOptions(dataset.command('info'))
    .description('Say what a source holds: images, roles, conditions, positions, unusable records.')
    .argument('<source>', 'folder, CSV or dbStruct .mat')
    .option('--json', 'print one JSON document')
    .addHelpText('after', `\n${IMAGE_SOURCE_HELP}`)
    .action((path: string, flags: InfoFlags) => runCommand(flags, (context) => showInfo(path, flags, context)));
  addImageSourceOptions(dataset.command('convert'))
    .description('Copy a source into a new folder, as a CSV data set or with the positions in the file names.')
    .argument('<source>', 'folder, CSV or dbStruct .mat')
    .requiredOption('--out <folder>', 'new folder to write')
    .addOption(
      new Option('--to <format>', 'csv: images/ and index.csv; utm-names: @utm_e@utm_n@... files')
        .choices(['csv', 'utm-names'])
        .makeOptionMandatory(),
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', `\n${IMAGE_SOURCE_HELP}`)
    .action((path: string, flags: ConvertFlags) => runCommand(flags, (context) => convert(path, flags, context)));
}
