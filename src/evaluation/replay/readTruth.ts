/** @file Where the camera really was: from a topic of the recording, another recording, a TUM or a CSV file. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { bodyFromCamera } from '../../bags/cameraMount.ts';
import { chooseTopic, POSITION_TYPES } from '../../bags/chooseTopic.ts';
import type { BagSource, BagTopic } from '../../bags/BagSource.ts';
import type { FrameTree } from '../../bags/FrameTree.ts';
import { openBag } from '../../bags/openBag.ts';
import { PoseTrack } from '../../bags/PoseTrack.ts';
import { DEFAULT_MAX_GAP_NS, readTrack } from '../../bags/readTrack.ts';
import type { DatasetProblem } from '../../datasets/GeotaggedImage.ts';
import { NetvladError } from '../../errors.ts';
import { toEnu, type LocalDatum } from '../../geo/LocalDatum.ts';
import { composePoses, createPose } from '../../geo/poseAlgebra.ts';
import type { Pose } from '../../geo/Pose.ts';
import { parseTrajectoryCsv, parseTum } from './trajectoryFile.ts';

export interface Truth {
  readonly description: string;
  readonly track: PoseTrack;
  /** Topic of the recording that it came from, so that nothing else takes it for an input. */
  readonly topic: string | null;
  readonly problems: readonly DatasetProblem[];
}

const NO_ROTATION = [NaN, NaN, NaN, NaN] as const;
/** The node's own name for it. */
const DEFAULT_TOPIC = '/ground_truth';

/**
 * `given` is a topic of the recording (`/gps/fix`), a file, another recording or a topic of it (`other.mcap:/gps/fix`); undefined
 * takes the topic /ground_truth where there is one, `none` does without. Null: there is no truth. Throws `bad-input` when what
 * was given cannot be read.
 */
export async function readTruth(bag: BagSource, given: string | undefined): Promise<Truth | null> {
  if (given === undefined) {
    const topic = findUsualTopic(bag);
    return topic === undefined ? null : readTruthTopic(bag, topic, topic.name);
  }
  if (given === 'none') return null;
  if (bag.topics.some(({ name }) => name === given)) {
    return readTruthTopic(bag, chooseTopic(bag, truthWish(given)), given);
  }
  const { path, topic } = splitTruthName(given);
  if (!existsSync(path)) {
    throw new NetvladError('bad-input', `The ground truth ${given} is neither a topic of ${bag.path} nor a file.`, {
      hint: `Topics: ${bag.topics.map(({ name }) => name).join(', ')}.`,
    });
  }
  if (topic === undefined && /\.(tum|txt)$/i.test(path)) return readTrajectory(path, parseTum);
  if (topic === undefined && /\.csv$/i.test(path)) return readTrajectory(path, parseTrajectoryCsv);
  return readOtherBag(path, topic);
}

/** `other.mcap:/gps/fix` is a topic of another recording, unless a file is called so. */
export function splitTruthName(given: string): { readonly path: string; readonly topic: string | undefined } {
  const colon = existsSync(given) ? -1 : given.lastIndexOf(':/');
  return colon < 1 ? { path: given, topic: undefined } : { path: given.slice(0, colon), topic: given.slice(colon + 1) };
}

function findUsualTopic(bag: BagSource): BagTopic | undefined {
  return bag.topics.find(({ name, type }) => name === DEFAULT_TOPIC && POSITION_TYPES.some((t) => t === type));
}

function truthWish(name: string | undefined, option = '--ground-truth TOPIC'): Parameters<typeof chooseTopic>[1] {
  return { what: 'ground truth', types: POSITION_TYPES, option, name };
}

async function readTruthTopic(bag: BagSource, topic: BagTopic, name: string | null): Promise<Truth> {
  const { track, problems } = await readTrack(bag, topic);
  return { description: `${topic.name} (${topic.type})`, track, topic: name, problems };
}

async function readOtherBag(path: string, wanted: string | undefined): Promise<Truth> {
  const bag = await openBag(path);
  try {
    const name = wanted ?? findUsualTopic(bag)?.name;
    const topic = chooseTopic(bag, truthWish(name, `--ground-truth ${path}:TOPIC`));
    const truth = await readTruthTopic(bag, topic, null);
    return { ...truth, description: `${truth.description} of ${path}` };
  } finally {
    await bag.close();
  }
}

async function readTrajectory(path: string, parse: typeof parseTum): Promise<Truth> {
  try {
    const track = new PoseTrack(parse(await readFile(path, 'utf8')), DEFAULT_MAX_GAP_NS);
    return { description: path, track, topic: null, problems: [] };
  } catch (cause) {
    throw new NetvladError('bad-input', `The ground truth ${path} cannot be read: ${(cause as Error).message}.`, {
      hint: 'Expected TUM lines (timestamp tx ty tz qx qy qz qw) in .txt or .tum, or a CSV with timestamp and positions.',
      cause,
    });
  }
}

/** A function that gives the camera's true pose in the map frame at a stamp; null where the truth does not say. */
export function createTruthLookup(
  { track }: Truth,
  place: { readonly frames: FrameTree; readonly baseFrame: string | null; readonly datum: LocalDatum | null },
): (stampNs: bigint, cameraFrame: string) => Pose | null {
  const bodyFrame = track.samples[0]?.bodyFrameId ?? place.baseFrame;
  return (stampNs, cameraFrame) => {
    const point = track.at(stampNs);
    if (point === null) return null;
    if (point.pose !== null) return composePoses(point.pose, bodyFromCamera(place.frames, bodyFrame, cameraFrame));
    if (point.geo === null || place.datum === null) return null;
    return createPose(toEnu(place.datum, point.geo), NO_ROTATION);
  };
}
