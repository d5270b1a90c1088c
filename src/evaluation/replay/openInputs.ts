/** @file What a replay reads from a recording before the first image: topics, trajectories, frames, truth. */
import { chooseTopic, findTopic, IMAGE_TYPES } from '../../bags/chooseTopic.ts';
import type { BagSource, BagTopic } from '../../bags/BagSource.ts';
import type { FrameTree } from '../../bags/FrameTree.ts';
import type { PoseTrack } from '../../bags/PoseTrack.ts';
import { readTrack } from '../../bags/readTrack.ts';
import type { DatasetProblem } from '../../datasets/GeotaggedImage.ts';
import type { LocalDatum } from '../../geo/LocalDatum.ts';
import { createTruthLookup, readTruth, type Truth } from './readTruth.ts';
import type { ReplayInputs } from './replayBag.ts';

/** Undefined = the only topic of the type; `none` = do without. */
export interface ReplayTopics {
  readonly image?: string | undefined;
  readonly odometry?: string | undefined;
  readonly fix?: string | undefined;
  /** A topic, a file or another recording; undefined = /ground_truth where there is one. */
  readonly groundTruth?: string | undefined;
}

export interface InputSettings {
  readonly topics: ReplayTopics;
  readonly useOdometry: boolean;
  /** Also off where the map has no datum. */
  readonly useFix: boolean;
  readonly toleranceS: number;
  /** The frame whose pose a PoseStamped truth gives; empty = the camera's. */
  readonly baseFrame: string;
  readonly datum: LocalDatum | null;
}

export interface OpenedInputs {
  readonly inputs: ReplayInputs;
  readonly image: BagTopic;
  readonly odometryTopic: string | null;
  readonly fixTopic: string | null;
  readonly truth: Truth | null;
  readonly frames: FrameTree;
  readonly problems: readonly DatasetProblem[];
}

/** Throws `bad-input` when a topic is not there or not unique. */
export async function openInputs(bag: BagSource, settings: InputSettings): Promise<OpenedInputs> {
  const { topics, datum, baseFrame } = settings;
  const image = chooseTopic(bag, { what: 'camera', types: IMAGE_TYPES, option: '--image-topic', name: topics.image });
  const truth = await readTruth(bag, topics.groundTruth);
  const find = createInputFinder(bag, truth);
  const odometry = settings.useOdometry ? find('nav_msgs/msg/Odometry', '--odom-topic', topics.odometry) : null;
  const fix = settings.useFix && datum !== null ? find('sensor_msgs/msg/NavSatFix', '--fix-topic', topics.fix) : null;
  const readings = [await readTrack(bag, odometry), await readTrack(bag, fix)] as const;
  const { frames } = readings[0];
  const place = { frames, baseFrame: baseFrame === '' ? null : baseFrame, datum };
  return {
    inputs: {
      ...{ bag, imageTopic: image.name, datum, toleranceNs: BigInt(Math.round(settings.toleranceS * 1e9)) },
      odometry: trackOf(readings[0].track),
      fixes: trackOf(readings[1].track),
      truthAt: truth === null ? () => null : createTruthLookup(truth, place),
    },
    ...{ image, odometryTopic: odometry?.name ?? null, fixTopic: fix?.name ?? null, truth, frames },
    problems: unique([...readings.flatMap(({ problems }) => problems), ...(truth?.problems ?? [])]),
  };
}

/** What is the truth is no input. */
function createInputFinder(
  bag: BagSource,
  truth: Truth | null,
): (type: string, option: string, name: string | undefined) => BagTopic | null {
  const others = bag.topics.filter(({ name }) => name !== truth?.topic);
  const rest: BagSource = {
    ...{ path: bag.path, description: bag.description, range: bag.range, topics: others },
    messages: (names) => bag.messages(names),
    close: () => bag.close(),
  };
  return (type, option, name) => {
    if (name === 'none') return null;
    const what = type === 'nav_msgs/msg/Odometry' ? 'odometry' : 'position';
    return findTopic(rest, { what, types: [type], option: `${option} (or none)`, name });
  };
}

function trackOf(track: PoseTrack): PoseTrack | null {
  return track.samples.length === 0 ? null : track;
}

/** Each pass over a damaged recording meets the same damage. */
export function unique(problems: readonly DatasetProblem[]): readonly DatasetProblem[] {
  const seen = new Map(problems.map((problem) => [`${problem.where}\n${problem.problem}`, problem]));
  return [...seen.values()];
}
