/** @file The first pass over a recording: trajectory and rigid frames, before any image is touched. */
import type { DatasetProblem } from '../datasets/GeotaggedImage.ts';
import { isBagProblem, type BagSource, type BagTopic } from './BagSource.ts';
import { FrameTree } from './FrameTree.ts';
import { parsePositionSample, parseTransforms, type PositionSample } from './parseMessages.ts';
import { formatTimestamp } from '../datasets/timestamps.ts';
import { countOf } from '../countOf.ts';
import { PoseTrack } from './PoseTrack.ts';

export interface TrackReading {
  readonly track: PoseTrack;
  readonly frames: FrameTree;
  readonly problems: readonly DatasetProblem[];
}

/** GNSS receivers give one fix a second and pause under bridges; further apart, a straight line is a guess. */
export const DEFAULT_MAX_GAP_NS = 3_000_000_000n;

const TF_STATIC = /(^|\/)tf_static$/;

/** Reads a position topic (null = only the frames) and /tf_static. Damaged messages become problems. */
export async function readTrack(
  bag: BagSource,
  positions: BagTopic | null,
  maxGapNs: bigint = DEFAULT_MAX_GAP_NS,
): Promise<TrackReading> {
  const frames = new FrameTree();
  const samples: PositionSample[] = [];
  const problems: DatasetProblem[] = [];
  let strangers = 0;
  const statics = bag.topics.filter(({ name, type }) => TF_STATIC.test(name) && type === 'tf2_msgs/msg/TFMessage');
  const topics = [...(positions === null ? [] : [positions]), ...statics].map(({ name }) => name);
  if (topics.length === 0) return { track: new PoseTrack([], maxGapNs), frames, problems };
  for await (const item of bag.messages(topics)) {
    if (isBagProblem(item)) {
      problems.push(item);
      continue;
    }
    try {
      if (item.topic.name === positions?.name) {
        if (item.topic.type !== positions.type) {
          strangers++;
          continue;
        }
        const sample = parsePositionSample(item);
        if (sample !== null) samples.push(sample);
      } else {
        for (const transform of parseTransforms(item)) frames.add(transform);
      }
    } catch (error) {
      const where = `${bag.path}, ${item.topic.name} at ${item.logTimeNs} ns`;
      problems.push({ problem: `A message cannot be used: ${explain(error, item.topic)}.`, where, images: 0 });
    }
  }
  if (strangers > 0) {
    const problem = `Left out: ${countOf(strangers, 'message')} of another type than ${positions!.type}.`;
    problems.push({ problem, where: `${bag.path}, ${positions!.name}`, images: 0 });
  }
  const track = new PoseTrack(samples, maxGapNs);
  const jumps = explainJumps(track);
  if (jumps !== null) problems.push({ problem: jumps, where: `${bag.path}, ${positions!.name}`, images: 0 });
  return { track, frames, problems };
}

/** A field that is not there is a TypeError of whoever asks for it. */
function explain(error: unknown, { type }: BagTopic): string {
  if (error instanceof TypeError) return `by its definition in the recording it lacks fields of ${type}`;
  return (error as Error).message.replace(/\.$/, '');
}

/** One sentence where the positions jump; null where they do not. */
function explainJumps({ jumps }: PoseTrack): string | null {
  const [first] = jumps;
  if (first === undefined) return null;
  const metres = first.metres < 10_000 ? `${first.metres.toFixed(0)} m` : `${(first.metres / 1000).toFixed(0)} km`;
  const seconds = (Number(first.to.stampNs - first.from.stampNs) / 1e9).toFixed(2);
  return (
    `${countOf(jumps.length, 'jump')} in the positions, the first by ${metres} within ${seconds} s at ` +
    `${formatTimestamp(first.to.stampNs)} s: no image is placed within, those before and after are where the positions say.`
  );
}
