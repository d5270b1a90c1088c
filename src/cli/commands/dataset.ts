/** @file `netvlad dataset`: look at an image source, convert it, cut panoramas. */
import { Option, type Command } from 'commander';
import { cutPanoramas } from '../../datasets/cutPanoramas.ts';
import { convertSource, type ConversionFormat } from '../../datasets/convertSource.ts';
import { formatSourceSummary, summarizeSource } from '../../datasets/summarizeSource.ts';
import {
  addImageSourceOptions,
  IMAGE_SOURCE_HELP,
  openSourceFromFlags,
  type ImageSourceFlags,
} from '../imageSource.ts';
import { parseImageSize, parseInteger, parseNumberWithin } from '../optionValues.ts';
import { runCommand, type CommandContext } from '../runCommand.ts';
import { countOf } from '../../countOf.ts';

interface InfoFlags extends ImageSourceFlags {
  readonly json?: boolean;
}

interface ConvertFlags extends InfoFlags {
  readonly out: string;
  readonly to: ConversionFormat;
}

interface PanoramaFlags extends InfoFlags {
  readonly out: string;
  readonly headings: number;
  readonly fov: number;
  readonly size: { readonly width: number; readonly height: number };
  readonly pitch: number;
}

const PANORAMA_HELP = `
Each panorama (equirectangular, 360 x 180 degrees, twice as wide as high) gives --headings views around the compass; the first looks
where its middle column does. Position and heading (a CSV's yaw_deg, EXIF's GPSImgDirection) are the panorama's; the heading is
that of its middle column. OUT gets images/ and index.csv with the heading of each view: an image source like any other.

Example: a map of twelve level views of each panorama
  netvlad dataset panoramas panoramas/ --out views
  netvlad map build views --out city.vprmap
`;

async function showInfo(path: string, flags: InfoFlags, context: CommandContext): Promise<void> {
  const summary = await summarizeSource(await openSourceFromFlags(path, flags), context.signal);
  context.output(summary, formatSourceSummary(summary));
}

async function convert(path: string, flags: ConvertFlags, context: CommandContext): Promise<void> {
  const source = await openSourceFromFlags(path, flags);
  const progress = context.progress('converting');
  const result = await convertSource(source, flags.out, { format: flags.to, progress, signal: context.signal });
  for (const { where, problem } of result.problems) context.logger.warn(`${where}: ${problem}`);
  context.output(result, `${result.path}: ${countOf(result.images, 'image')}, ${result.problems.length} left out`);
}

async function cut(path: string, flags: PanoramaFlags, context: CommandContext): Promise<void> {
  const { out, headings, size, fov, pitch } = flags;
  const source = await openSourceFromFlags(path, flags);
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const view = { ...size, fovRad: radians(fov), pitchRad: radians(pitch) };
  const { signal } = context;
  const result = await cutPanoramas(source, out, { view, headings, signal, progress: context.progress('cutting') });
  for (const { where, problem } of result.problems) context.logger.warn(`${where}: ${problem}`);
  if (result.withoutHeading > 0) {
    context.logger.warn(
      `${countOf(result.withoutHeading, 'panorama')} without a heading: yaw_deg of the views is empty.`,
    );
  }
  const summary = `${countOf(result.images, 'view')} of ${countOf(result.panoramas, 'panorama')}, ${result.problems.length} left out`;
  context.output(result, `${result.path}: ${summary}`);
}

function registerPanoramas(dataset: Command): void {
  addImageSourceOptions(dataset.command('panoramas'))
    .description('Cut perspective views at many headings out of equirectangular panoramas.')
    .argument('<source>', 'folder, CSV or recording of panoramas')
    .requiredOption('--out <folder>', 'new folder to write')
    .option('--headings <n>', 'views of each panorama, evenly around', parseInteger(1), 12)
    .option('--fov <deg>', 'horizontal field of view', parseNumberWithin(1, 170), 90)
    .addOption(
      new Option('--size <WxH>', 'size of a view in pixels')
        .argParser(parseImageSize)
        .default({ width: 640, height: 480 }, '640x480'),
    )
    .option('--pitch <deg>', 'angle of the views, up from the horizon', parseNumberWithin(-90, 90), 0)
    .option('--json', 'print one JSON document')
    .addHelpText('after', `${PANORAMA_HELP}\n${IMAGE_SOURCE_HELP}`)
    .action((path: string, flags: PanoramaFlags) => runCommand(flags, (context) => cut(path, flags, context)));
}

export function registerDatasetCommand(program: Command): void {
  const dataset = program.command('dataset').description('Look at image sources, convert them, cut panoramas.');
  addImageSourceOptions(dataset.command('info'))
    .description('Say what a source holds: images, roles, conditions, positions, unusable records.')
    .argument('<source>', 'folder, CSV, dbStruct .mat or recording')
    .option('--json', 'print one JSON document')
    .addHelpText('after', `\n${IMAGE_SOURCE_HELP}`)
    .action((path: string, flags: InfoFlags) => runCommand(flags, (context) => showInfo(path, flags, context)));
  addImageSourceOptions(dataset.command('convert'))
    .description('Copy a source into a new folder, as a CSV data set or with the positions in the file names.')
    .argument('<source>', 'folder, CSV, dbStruct .mat or recording')
    .requiredOption('--out <folder>', 'new folder to write')
    .addOption(
      new Option('--to <format>', 'csv: images/ and index.csv; utm-names: @utm_e@utm_n@... files')
        .choices(['csv', 'utm-names'])
        .makeOptionMandatory(),
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', `\n${IMAGE_SOURCE_HELP}`)
    .action((path: string, flags: ConvertFlags) => runCommand(flags, (context) => convert(path, flags, context)));
  registerPanoramas(dataset);
}
