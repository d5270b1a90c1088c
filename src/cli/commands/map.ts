/** @file `netvlad map`: build a map, look into it, check, join and export it. */
import { type Command } from 'commander';
import { DEFAULT_KEYFRAMES } from '../../bags/KeyframeRule.ts';
import { assertApart } from '../../assertApart.ts';
import { countLostImages } from '../../datasets/GeotaggedImage.ts';
import { NetvladError } from '../../errors.ts';
import type { GeoPoint } from '../../geo/Pose.ts';
import type { PlaceCalibration } from '../../localization/PlaceCalibration.ts';
import { buildMap, type MapBuildResult } from '../../map/buildMap.ts';
import { DEFAULT_BATCH } from '../../map/describeImages.ts';
import { calibrateMap, DEFAULT_CALIBRATION_SAMPLES } from '../../map/calibrateMap.ts';
import { exportDescriptors, exportPlaces } from '../../map/exportMap.ts';
import { readMapInfo } from '../../map/mapInfo.ts';
import { mergeMaps } from '../../map/mergeMaps.ts';
import { PlaceMap } from '../../map/PlaceMap.ts';
import { verifyMap } from '../../map/verifyMap.ts';
import { formatCalibration, formatMapInfo } from '../formatMapInfo.ts';
import {
  addImageSourceOptions,
  assertNoSourceOptions,
  IMAGE_SOURCE_HELP,
  openSourceFromFlags,
  type ImageSourceFlags,
} from '../imageSource.ts';
import { addModelOptions, openModelFromFlags, type ModelFlags } from '../modelOptions.ts';
import { parseBytes, parseGeoPoint, parseInteger } from '../optionValues.ts';
import { runCommand, type CommandContext } from '../runCommand.ts';
import { countOf } from '../../countOf.ts';

interface JsonFlag {
  readonly json?: boolean;
}

interface BuildFlags extends ImageSourceFlags, ModelFlags, JsonFlag {
  readonly out: string;
  readonly datum?: GeoPoint;
  readonly frame: string;
  readonly sequence?: string;
  readonly batch: number;
  readonly local: boolean;
  readonly localBudget?: number;
  readonly thumbnails: boolean;
  readonly calibration: boolean;
}

/** Problems shown one by one; the rest is in `--json`. */
const LISTED_PROBLEMS = 20;

function reportProblems({ problems }: MapBuildResult, { logger }: CommandContext): void {
  for (const { where, problem } of problems.slice(0, LISTED_PROBLEMS)) logger.warn(`skipped ${where}: ${problem}`);
  const more = problems.length - LISTED_PROBLEMS;
  if (more > 0) logger.warn(`and ${more} more; --json lists all`);
}

/** What a calibration says that its owner should know. */
function reportCalibration({ warning }: PlaceCalibration, { logger }: CommandContext): void {
  if (warning !== null) logger.warn(`calibration: ${warning}`);
}

async function build(path: string, flags: BuildFlags, context: CommandContext): Promise<void> {
  const { out, datum, frame, sequence, batch, local, localBudget, thumbnails } = flags;
  const source = await openSourceFromFlags(path, flags, DEFAULT_KEYFRAMES);
  const model = await openModelFromFlags(flags, context.logger);
  try {
    const result = await buildMap(source, model, {
      ...{
        out,
        frame,
        batch,
        local,
        localBudgetBytes: localBudget,
        thumbnails,
        datum: datum ?? null,
        sequence: sequence ?? null,
      },
      calibration: flags.calibration ? { progress: context.progress('calibrating') } : false,
      ...{ progress: context.progress('describing'), signal: context.signal },
    });
    reportProblems(result, context);
    if (result.calibration !== null) reportCalibration(result.calibration, context);
    const lost = countLostImages(result.problems);
    const skipped = lost === 0 ? '' : `, ${countOf(lost, 'image')} skipped`;
    context.output(result, `${out}: ${countOf(result.places, 'place')}${skipped}`);
  } finally {
    await model.dispose();
  }
}

function verify(path: string, context: CommandContext): void {
  const checks = verifyMap(path);
  const lines = checks.flatMap(({ name, problems }) => [
    `${problems.length === 0 ? 'ok  ' : 'BAD '} ${name}`,
    ...problems.map((problem) => `     ${problem}`),
  ]);
  context.output({ path, ok: checks.every(({ problems }) => problems.length === 0), checks }, lines.join('\n'));
  const bad = checks.filter(({ problems }) => problems.length > 0);
  if (bad.length > 0) {
    throw new NetvladError('map', `Map ${path} fails ${bad.length} of ${countOf(checks.length, 'check')}.`, {
      hint: 'Build it again, or restore it from a backup.',
    });
  }
}

interface CalibrateFlags extends ImageSourceFlags, ModelFlags, JsonFlag {
  readonly samples: number;
  readonly queries?: string;
}

async function calibrate(path: string, flags: CalibrateFlags, context: CommandContext): Promise<void> {
  const { samples, queries } = flags;
  if (queries === undefined) assertNoSourceOptions(flags, '--queries');
  const options = { samples, progress: context.progress('calibrating'), signal: context.signal };
  const model = queries === undefined ? null : await openModelFromFlags(flags, context.logger);
  try {
    const given = model === null ? null : { model, source: await openSourceFromFlags(queries!, flags) };
    const calibration = await calibrateMap(path, options, given);
    reportCalibration(calibration, context);
    context.output(calibration, formatCalibration(calibration));
  } finally {
    await model?.dispose();
  }
}

interface ExportFlags extends JsonFlag {
  readonly descriptors?: string;
  readonly places?: string;
}

async function exportMap(path: string, { descriptors, places }: ExportFlags, context: CommandContext): Promise<void> {
  if (descriptors === undefined && places === undefined) {
    throw new NetvladError('usage', 'Nothing to export.', {
      hint: 'Give --descriptors FILE.npy, --places FILE.csv or both.',
    });
  }
  await assertApart(
    [
      { name: '--descriptors', path: descriptors },
      { name: '--places', path: places },
    ],
    [{ name: 'the map', path }],
  );
  const map = PlaceMap.open(path);
  try {
    if (descriptors !== undefined) await exportDescriptors(map, descriptors);
    if (places !== undefined) await exportPlaces(map, places);
    const files = [descriptors, places].filter((file) => file !== undefined);
    context.output(
      { places: map.size, dimension: map.dimension, files },
      `${countOf(map.size, 'place')}: ${files.join(', ')}`,
    );
  } finally {
    map.close();
  }
}

function registerBuild(map: Command): void {
  addModelOptions(addImageSourceOptions(map.command('build')))
    .description('Describe every image of a source and store it as a map.')
    .argument('<source>', 'folder, CSV, dbStruct .mat or recording')
    .requiredOption('--out <file>', 'map file to write (*.vprmap); replaced when it is a map')
    .option('--datum <lat,lon[,alt]>', 'origin of the map frame (default: the first geotag)', parseGeoPoint)
    .option('--frame <name>', 'name of the map frame in ROS messages', 'map')
    .option('--sequence <name>', 'name of the traverse, where the source gives none')
    .option('--batch <n>', 'images in one inference', parseInteger(1), DEFAULT_BATCH)
    .option('--no-local', 'leave out local features (smaller; no spatial verification)')
    .option(
      '--local-budget <size>',
      'keep local features of as many places as this holds, evenly, e.g. 500MB (default: all, 29 kB a place)',
      parseBytes,
    )
    .option('--no-thumbnails', 'leave out thumbnails (reports and debug images show none)')
    .option('--no-calibration', 'leave out the calibration (`map calibrate` makes it up for)')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
${IMAGE_SOURCE_HELP}

Images that cannot be used are listed and left out. Positions may be lat,lon or local metres; without any the map is
topological: frames of a sequence are its geometry.

  netvlad map build photos/ --out city.vprmap
  netvlad map build dataset/index.csv --role database --condition day --out day.vprmap`,
    )
    .action((path: string, flags: BuildFlags) => runCommand(flags, (context) => build(path, flags, context)));
}

function registerInspection(map: Command): void {
  map
    .command('info')
    .description('Say what a map holds: places, area, model, sizes, calibration.')
    .argument('<file>', 'map file')
    .option('--json', 'print one JSON document')
    .action((path: string, flags: JsonFlag) =>
      runCommand(flags, (context) => {
        const info = readMapInfo(path);
        context.output(info, formatMapInfo(info));
      }),
    );
  map
    .command('verify')
    .description('Check every checksum, descriptor and position of a map.')
    .argument('<file>', 'map file')
    .option('--json', 'print one JSON document')
    .action((path: string, flags: JsonFlag) =>
      runCommand(flags, (context) => {
        verify(path, context);
      }),
    );
}

function registerCalibrate(map: Command): void {
  addModelOptions(addImageSourceOptions(map.command('calibrate')))
    .description('Learn from the map itself how far its matches can be trusted, and store that in it.')
    .argument('<file>', 'map file')
    .option(
      '--samples <n>',
      'images retrieved against the rest of the map',
      parseInteger(1),
      DEFAULT_CALIBRATION_SAMPLES,
    )
    .option('--queries <source>', 'images with positions to learn from, instead of the images of the map')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Each sampled image is looked up in the map without itself, its panorama and its neighbours in the same pass. What comes
back shows how right and wrong matches of this map look: probabilities and expected recall rest on it. Queries of
another day, night or camera tell more, where you have some with positions:

  netvlad map calibrate city.vprmap --queries night/index.csv --role query`,
    )
    .action((path: string, flags: CalibrateFlags) => runCommand(flags, (context) => calibrate(path, flags, context)));
}

function registerConversion(map: Command): void {
  map
    .command('merge')
    .description('Join maps of one model into one, in the frame of the first that has a datum.')
    .argument('<files...>', 'map files')
    .requiredOption('--out <file>', 'map file to write')
    .option('--json', 'print one JSON document')
    .action((paths: string[], flags: JsonFlag & { readonly out: string }) =>
      runCommand(flags, async (context) => {
        const result = await mergeMaps(paths, flags.out, context.signal);
        context.output(result, `${result.path}: ${countOf(result.places, 'place')} of ${countOf(paths.length, 'map')}`);
      }),
    );
  map
    .command('export')
    .description('Write descriptors as .npy and places as CSV, in the same order.')
    .argument('<file>', 'map file')
    .option('--descriptors <file.npy>', 'float32 [places, D]')
    .option('--places <file.csv>', 'one row a place; a CSV source for `map build` where the images lie beside it')
    .option('--json', 'print one JSON document')
    .action((path: string, flags: ExportFlags) => runCommand(flags, (context) => exportMap(path, flags, context)));
}

export function registerMapCommand(program: Command): void {
  const map = program.command('map').description('Build a map, look into it, check, join and export it.');
  registerBuild(map);
  registerInspection(map);
  registerCalibrate(map);
  registerConversion(map);
}
