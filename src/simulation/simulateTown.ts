/** @file Renders whole data sets: traverses of one town or of several districts, as a CSV data set and a recording. */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { NetvladError } from '../errors.ts';
import { makeFolder } from '../makeFolder.ts';
import { assertReplaceable } from '../bags/assertReplaceable.ts';
import { createMcapWriter } from '../bags/McapRecordingWriter.ts';
import { createDatum, toGeodetic, type LocalDatum } from '../geo/LocalDatum.ts';
import type { GeoPoint } from '../geo/Pose.ts';
import { yawOf } from '../geo/poseAlgebra.ts';
import { createRandom } from '../math/random.ts';
import type { Progress } from '../Progress.ts';
import { TOOL_VERSION } from '../version.ts';
import { toWriteFailure } from '../writeFailure.ts';
import { createCamera } from './Camera.ts';
import type { ConditionName } from './conditions.ts';
import { planDrive, type DriveFrame } from './drive.ts';
import { Path } from './Path.ts';
import { renderFrames } from './RenderPool.ts';
import { addExcursion, planRoute } from './route.ts';
import { planTown, type TownPlan, type TownSettings } from './TownPlan.ts';
import { writeDriveRecording } from './writeDriveRecording.ts';
import { countOf } from '../countOf.ts';

export interface SimulationSettings {
  readonly seed: number;
  /** Of each traverse. */
  readonly frames: number;
  /** One traverse each; the first is the database. */
  readonly conditions: readonly ConditionName[];
  readonly width: number;
  readonly height: number;
  readonly spacingM: number;
  /** Separate towns; with more than one the last is for validation. */
  readonly districts: number;
  /** Towns beside them that are for testing alone. */
  readonly testDistricts: number;
  /** Blocks from west to east and south to north; null = as many as the drive needs. */
  readonly blocks: { readonly columns: number; readonly rows: number } | null;
  /** Later traverses leave the mapped streets for a while. */
  readonly excursion: boolean;
  /** How much later traverses deviate from the first in lane and heading, 0..1. */
  readonly deviation: number;
  readonly datum: GeoPoint;
  readonly jpegQuality: number;
}

export interface SimulationOutput {
  /** Folder of the data set; must not exist or be empty. */
  readonly folder: string;
  /** The last traverse as MCAP; null = none. */
  readonly bag: string | null;
}

export interface SimulationSummary {
  readonly folder: string;
  readonly bag: string | null;
  readonly traverses: readonly { readonly sequence: string; readonly role: string; readonly frames: number }[];
  readonly frames: number;
  readonly secondsRendering: number;
}

export interface SimulatedTraverse {
  readonly town: TownSettings;
  readonly sequence: string;
  readonly role: string;
  readonly condition: ConditionName;
  readonly seed: number;
  readonly frames: readonly DriveFrame[];
  /** Place of each frame, empty off the map. */
  readonly places: readonly string[];
  /** Where the district's origin lies in the map frame. */
  readonly originX: number;
}

const SPEED_M_PER_S = 7;
/** Districts lie this far apart: no place of one is near a place of another. */
const DISTRICT_SPACING_M = 3000;
/** 2 March 2026, 00:00 UTC; every traverse is made on a day of its own. */
const FIRST_DAY_S = 1_772_409_600;
const HOURS: Readonly<Record<ConditionName, number>> = {
  day: 11,
  overcast: 14,
  dusk: 18,
  night: 22,
  rain: 15,
  night_rain: 23,
};

/** A grid with about as many metres of mapped street as a drive of this length, but no fewer than 3 x 2 blocks. */
function chooseBlocks(lengthM: number): { columns: number; rows: number } {
  let [columns, rows] = [3, 2];
  const streetM = (): number => (columns * (rows + 1) + (columns - 1) * rows) * 69;
  while (streetM() < lengthM * 0.8 && columns < 12) {
    if (columns <= rows) columns++;
    else rows++;
  }
  return { columns, rows };
}

function roleOf(traverse: number, district: number, { districts, testDistricts }: SimulationSettings): string {
  const role = traverse === 0 ? 'database' : 'query';
  if (districts + testDistricts === 1) return role;
  if (district >= districts) return `test_${role}`;
  return district === districts - 1 ? `validation_${role}` : `train_${role}`;
}

/** All traverses with their exact poses; pure. */
export function planTraverses(settings: SimulationSettings): SimulatedTraverse[] {
  const traverses: SimulatedTraverse[] = [];
  const lengthM = settings.frames * settings.spacingM;
  const districts = settings.districts + settings.testDistricts;
  for (let district = 0; district < districts; district++) {
    const seed = districts === 1 ? settings.seed : settings.seed * 1000 + district;
    const town: TownSettings = { seed, ...(settings.blocks ?? chooseBlocks(lengthM)) };
    const plan = planTown(town);
    const route = planRoute(plan, lengthM, createRandom(seed).fork('route'));
    settings.conditions.forEach((condition, k) => {
      const drive = driveTown(plan, { route, settings, traverse: k });
      traverses.push({
        town,
        sequence: `${districts === 1 ? '' : `district${district}_`}${String(k).padStart(2, '0')}_${condition}`,
        role: roleOf(k, district, settings),
        condition,
        seed: seed * 100 + k,
        ...drive,
        places: drive.places.map((place) => (place === '' ? '' : `${district}-${place}`)),
        originX: district * DISTRICT_SPACING_M,
      });
    });
  }
  return traverses;
}

function driveTown(
  plan: TownPlan,
  drive: { route: readonly number[]; settings: SimulationSettings; traverse: number },
): { frames: DriveFrame[]; places: string[] } {
  const { route, settings, traverse } = drive;
  const { spacingM } = settings;
  const detour = traverse > 0 && settings.excursion ? addExcursion(plan, route) : null;
  const corners = (detour?.route ?? route).map((node) => plan.nodes[node]!);
  const day = FIRST_DAY_S + traverse * 86_400 + HOURS[settings.conditions[traverse]!] * 3600;
  const path = new Path(corners);
  const extraFrames = detour === null ? 0 : Math.round((path.lengthM - lengthOf(plan, route)) / spacingM);
  const frames = planDrive({
    path,
    frames: settings.frames + extraFrames,
    spacingM,
    speedMPerS: SPEED_M_PER_S,
    startNs: BigInt(day) * 1_000_000_000n,
    seed: plan.seed * 100 + traverse,
    deviation: traverse === 0 ? 0 : settings.deviation,
  });
  if (detour === null) return { frames, places: frames.map(({ alongM }) => String(Math.round(alongM / spacingM))) };
  // behind the detour the way along the first traverse is shorter by what the detour added
  const addedM = path.lengthM - lengthOf(plan, route);
  const legs = detour.offMap;
  const returned = legs.lastIndexOf(true);
  const places = frames.map(({ alongM, leg }) => {
    if (legs[leg] === true) return '';
    return String(Math.round((leg > returned ? alongM - addedM : alongM) / spacingM));
  });
  return { frames, places };
}

function lengthOf(plan: TownPlan, route: readonly number[]): number {
  return new Path(route.map((node) => plan.nodes[node]!)).lengthM;
}

const COLUMNS = [
  ...['file', 'role', 'place', 'lat', 'lon', 'alt_m', 'x_m', 'y_m', 'yaw_deg'],
  ...['frame', 'condition', 'timestamp', 'sequence'],
];

function csvRow(traverse: SimulatedTraverse, i: number, datum: LocalDatum): string {
  const frame = traverse.frames[i]!;
  const { x, y, z } = { x: frame.pose.x + traverse.originX, y: frame.pose.y, z: frame.pose.z };
  const geo = toGeodetic(datum, { x, y, z });
  const compassDeg = (((90 - (yawOf(frame.pose) * 180) / Math.PI) % 360) + 360) % 360;
  const seconds = frame.stampNs / 1_000_000_000n;
  const nanos = String(frame.stampNs % 1_000_000_000n).padStart(9, '0');
  return [
    ...[imageName(traverse, i), traverse.role, traverse.places[i]!],
    ...[geo.latDeg.toFixed(9), geo.lonDeg.toFixed(9), geo.altM.toFixed(3)],
    ...[x.toFixed(4), y.toFixed(4), compassDeg.toFixed(4)],
    ...[i, traverse.condition, `${seconds}.${nanos}`, traverse.sequence],
  ].join(',');
}

function imageName(traverse: SimulatedTraverse, i: number): string {
  return `${traverse.sequence}/${String(i).padStart(5, '0')}.jpg`;
}

async function assertFree(folder: string): Promise<void> {
  const entries = await readdir(folder).catch(() => []);
  if (entries.length > 0) {
    throw new NetvladError(
      'usage',
      `The folder ${folder} exists and holds ${countOf(entries.length, 'entry', 'entries')}.`,
      {
        hint: 'Name a new folder with --out, or remove this one.',
      },
    );
  }
}

/** Renders and writes everything; nothing is left behind when `signal` is aborted. */
export async function simulateTown(
  settings: SimulationSettings,
  output: SimulationOutput,
  run: { readonly signal: AbortSignal; readonly progress: Progress },
): Promise<SimulationSummary> {
  await assertFree(output.folder);
  if (output.bag !== null) await assertReplaceable(output.bag);
  const partial = `${output.folder.replace(/\/+$/, '')}.partial`;
  await rm(partial, { recursive: true, force: true });
  const traverses = planTraverses(settings);
  const datum = createDatum(settings.datum);
  const started = performance.now();
  try {
    await renderTraverses(traverses, settings, { ...run, folder: partial });
    const rows = traverses.flatMap((traverse) => traverse.frames.map((_frame, i) => csvRow(traverse, i, datum)));
    await writeFile(join(partial, 'index.csv'), `${COLUMNS.join(',')}\n${rows.join('\n')}\n`);
    await writeFile(join(partial, 'simulation.json'), `${JSON.stringify(describe(settings), null, 2)}\n`);
    if (output.bag !== null) {
      await writeBag(moveInto(output.bag, output.folder, partial), traverses.at(-1)!, {
        settings,
        datum,
        folder: partial,
        signal: run.signal,
      });
    }
    await makeFolder(dirname(output.folder));
    await rm(output.folder, { recursive: true, force: true });
    await rename(partial, output.folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw toWriteFailure(output.folder, error);
  }
  return {
    folder: output.folder,
    bag: output.bag,
    traverses: traverses.map(({ sequence, role, frames }) => ({ sequence, role, frames: frames.length })),
    frames: traverses.reduce((sum, { frames }) => sum + frames.length, 0),
    secondsRendering: (performance.now() - started) / 1000,
  };
}

/** What made the data set, for whoever finds it later. */
function describe(settings: SimulationSettings): object {
  const { focalPx, centreX, centreY } = createCamera(settings.width, settings.height);
  return { tool: `netvlad_localizer ${TOOL_VERSION}`, settings, camera: { focalPx, centreX, centreY } };
}

async function renderTraverses(
  traverses: readonly SimulatedTraverse[],
  settings: SimulationSettings,
  run: { readonly signal: AbortSignal; readonly progress: Progress; readonly folder: string },
): Promise<void> {
  const total = traverses.reduce((sum, { frames }) => sum + frames.length, 0);
  let done = 0;
  for (const traverse of traverses) {
    await makeFolder(join(run.folder, traverse.sequence));
    const { width, height, jpegQuality } = settings;
    const task = {
      town: traverse.town,
      traverse: { condition: traverse.condition, seed: traverse.seed },
      ...{ width, height, jpegQuality },
    };
    const requests = traverse.frames.map((frame, index) => {
      return { index, pose: frame.pose, seed: traverse.seed * 100_000 + index };
    });
    await renderFrames(task, requests, {
      signal: run.signal,
      onFrame: async (index, jpeg) => {
        await writeFile(join(run.folder, imageName(traverse, index)), jpeg);
        run.progress.update(++done, total, traverse.sequence);
      },
    });
  }
}

/** A path below one folder as the same path below another; any other path as it is. */
function moveInto(path: string, from: string, to: string): string {
  const below = relative(from, path);
  return below.startsWith('..') || isAbsolute(below) ? path : join(to, below);
}

async function writeBag(
  path: string,
  traverse: SimulatedTraverse,
  run: { settings: SimulationSettings; datum: LocalDatum; folder: string; signal: AbortSignal },
): Promise<void> {
  const writer = await createMcapWriter(path);
  try {
    await writeDriveRecording(writer, {
      frames: traverse.frames.map((frame) => ({
        ...frame,
        pose: { ...frame.pose, x: frame.pose.x + traverse.originX },
      })),
      camera: createCamera(run.settings.width, run.settings.height),
      datum: run.datum,
      seed: traverse.seed,
      readImage: (index) => {
        run.signal.throwIfAborted();
        return readFile(join(run.folder, imageName(traverse, index)));
      },
    });
    await writer.close();
  } finally {
    await writer.abandon();
  }
}
