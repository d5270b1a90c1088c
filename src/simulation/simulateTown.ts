/** @file Renders whole data sets: traverses of one town or of several districts, as a CSV data set and a recording. */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { NetvladError } from '../errors.ts';
import { makeFolder } from '../makeFolder.ts';
import { assertReplaceable } from '../bags/assertReplaceable.ts';
import { createMcapWriter } from '../bags/McapRecordingWriter.ts';
import { createDatum, toGeodetic, type LocalDatum } from '../geo/LocalDatum.ts';
import { yawOf } from '../geo/poseAlgebra.ts';
import type { Progress } from '../Progress.ts';
import { TOOL_VERSION } from '../version.ts';
import { toWriteFailure } from '../writeFailure.ts';
import { createCamera } from './Camera.ts';
import { planTraverses, type SimulatedTraverse, type SimulationSettings } from './planTraverses.ts';
import { renderFrames } from './RenderPool.ts';
import { writeDriveRecording } from './writeDriveRecording.ts';
import { countOf } from '../countOf.ts';

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
