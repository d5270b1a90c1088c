/** @file `netvlad simulate`: renders the synthetic town as a data set and a recording. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { NetvladError } from '../../errors.ts';
import type { GeoPoint } from '../../geo/Pose.ts';
import { CONDITIONS, type ConditionName } from '../../simulation/conditions.ts';
import type { SimulationSettings } from '../../simulation/planTraverses.ts';
import { simulateTown, type SimulationSummary } from '../../simulation/simulateTown.ts';
import { parseGeoPoint, parseInteger, parsePositiveNumber } from '../optionValues.ts';
import { runCommand, type CommandContext } from '../runCommand.ts';
import { formatDuration } from '../terminalProgress.ts';
import { countOf } from '../../countOf.ts';

interface SimulateFlags {
  readonly out: string;
  readonly seed: number;
  readonly frames: number;
  readonly conditions: readonly ConditionName[];
  readonly size: { readonly width: number; readonly height: number };
  readonly spacing: number;
  readonly districts: number;
  readonly testDistricts: number;
  readonly blocks?: { readonly columns: number; readonly rows: number };
  readonly excursion?: boolean;
  readonly deviation: number;
  readonly datum: GeoPoint;
  readonly quality: number;
  readonly bag?: string;
  readonly json?: boolean;
}

const HELP = `
The first condition is the first traverse (role database); each further one is a later traverse of the same streets
(role query) in another lane, with other headings, other parked cars and other people. Conditions may repeat.
Conditions: ${CONDITIONS.join(', ')}.

Writes <folder>/index.csv with exact positions (WGS-84 and metres), headings, times and places, and the images beside
it. With --districts, separate towns are made: roles are then train_database, train_query and, for the last district,
validation_database and validation_query; --test-districts adds towns of test_database and test_query. Column place names
the same spot in all traverses of a district.

Same seed and options, same bytes.

Examples:
  netvlad simulate --out town                                     a first traverse by day, a second one at dusk
  netvlad simulate --out town --conditions day,night --bag night.mcap
  netvlad simulate --out many --districts 4 --conditions day,night,rain,dusk,day,night --size 320x240`;

function parsePair(text: string, shape: string): [number, number] {
  const match = /^(\d+)x(\d+)$/.exec(text);
  const [a, b] = [Number(match?.[1]), Number(match?.[2])];
  if (!(a > 0 && b > 0)) throw new InvalidArgumentError(`Expected ${shape}, received '${text}'.`);
  return [a, b];
}

function parseSize(text: string): SimulateFlags['size'] {
  const [width, height] = parsePair(text, 'WIDTHxHEIGHT, for example 640x480');
  if (width < 32 || height < 32 || width > 4096 || height > 4096) {
    throw new InvalidArgumentError(`Sides must lie in 32..4096, received '${text}'.`);
  }
  return { width, height };
}

function parseBlocks(text: string): SimulateFlags['blocks'] {
  const [columns, rows] = parsePair(text, 'COLUMNSxROWS, for example 4x3');
  if (columns < 2 || columns > 30 || rows > 30) {
    throw new InvalidArgumentError(`Expected 2..30 columns and 1..30 rows, received '${text}'.`);
  }
  return { columns, rows };
}

function parseConditions(text: string): readonly ConditionName[] {
  return text.split(',').map((name) => {
    const known = CONDITIONS.find((condition) => condition === name.trim());
    if (known === undefined) {
      throw new InvalidArgumentError(`'${name}' is not a condition; there are: ${CONDITIONS.join(', ')}.`);
    }
    return known;
  });
}

const shareParser = (text: string): number => {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('Expected a number in 0..1.');
};

/** Without it the map's origin would be its first image, and /ground_truth of the recording in another frame. */
function explainFrame({ latDeg, lonDeg, altM }: GeoPoint): string {
  return `  its /ground_truth is in metres around the town's origin: netvlad map build … --datum ${latDeg},${lonDeg},${altM}`;
}

function formatSummary(summary: SimulationSummary, datum: GeoPoint): string {
  const rate = summary.frames / summary.secondsRendering;
  return [
    ...summary.traverses.map(
      ({ sequence, role, frames }) => `${sequence.padEnd(24)} ${role.padEnd(20)} ${countOf(frames, 'frame')}`,
    ),
    `${summary.folder}/index.csv: ${countOf(summary.frames, 'image')} in ${formatDuration(summary.secondsRendering)} (${rate.toFixed(1)}/s)`,
    ...(summary.bag === null ? [] : [`${summary.bag}: recording of the last traverse`, explainFrame(datum)]),
  ].join('\n');
}

async function simulate(flags: SimulateFlags, context: CommandContext): Promise<void> {
  if (flags.testDistricts > 0 && flags.districts < 2) {
    throw new NetvladError('usage', `--test-districts ${flags.testDistricts} with --districts ${flags.districts}.`, {
      hint: 'Training needs --districts 2 or more: the last of them validates.',
    });
  }
  const settings: SimulationSettings = {
    seed: flags.seed,
    frames: flags.frames,
    conditions: flags.conditions,
    width: flags.size.width,
    height: flags.size.height,
    spacingM: flags.spacing,
    districts: flags.districts,
    testDistricts: flags.testDistricts,
    blocks: flags.blocks ?? null,
    excursion: flags.excursion === true,
    deviation: flags.deviation,
    datum: flags.datum,
    jpegQuality: flags.quality,
  };
  const progress = context.progress('rendering');
  const output = { folder: flags.out, bag: flags.bag ?? null };
  const summary = await simulateTown(settings, output, { signal: context.signal, progress });
  progress.finish();
  context.output(summary, formatSummary(summary, settings.datum));
}

export function registerSimulateCommand(program: Command): void {
  program
    .command('simulate')
    .description('Render drives through a synthetic town: images with exact poses, by day, at night, in rain.')
    .requiredOption('--out <folder>', 'new folder for the data set')
    .option('--seed <n>', 'of town and traverses', parseInteger(0), 1)
    .option('--frames <n>', 'images of each traverse', parseInteger(2), 150)
    .addOption(
      new Option('--conditions <list>', 'one traverse each, the first is the database')
        .argParser(parseConditions)
        .default(['day', 'dusk'], 'day,dusk'),
    )
    .addOption(
      new Option('--size <WxH>', 'pixels').argParser(parseSize).default({ width: 640, height: 480 }, '640x480'),
    )
    .option('--spacing <m>', 'metres between images', parsePositiveNumber, 3)
    .option('--districts <n>', 'separate towns, for training; the last one is for validation', parseInteger(1), 1)
    .option('--test-districts <n>', 'further towns, which neither train nor validate', parseInteger(0), 0)
    .option('--blocks <CxR>', 'size of the town in blocks (default: as the drive needs)', parseBlocks)
    .option('--excursion', 'later traverses leave the mapped streets for a while')
    .option('--deviation <share>', 'how far later traverses stray from lane and heading, 0..1', shareParser, 1)
    .addOption(
      new Option('--datum <lat,lon[,alt]>', 'where on the earth the town lies')
        .argParser(parseGeoPoint)
        .default({ latDeg: 47.5, lonDeg: 8.5, altM: 430 }, '47.5,8.5,430'),
    )
    .option('--quality <n>', 'of the JPEG images, 1..100', parseInteger(1, 100), 88)
    .option('--bag <file.mcap>', 'also write the last traverse as a recording: camera, GNSS, odometry, ground truth')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((flags: SimulateFlags) => runCommand(flags, (context) => simulate(flags, context)));
}
