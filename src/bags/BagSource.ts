/** @file The port of recordings: whatever the format, topics and one stream of messages in log-time order. */
import type { DatasetProblem } from '../datasets/GeotaggedImage.ts';

/** The definition of a topic's type as the recording carries it. */
export interface BagSchema {
  /** `ros2msg`, `ros1msg`, `ros2idl`, `jsonschema`, ... */
  readonly encoding: string;
  readonly text: string;
}

export interface BagTopic {
  readonly name: string;
  /** ROS 2 spelling whatever the file's: `sensor_msgs/msg/Image`. */
  readonly type: string;
  /** `cdr`, `ros1`, or one that we cannot decode (`json`, `protobuf`). */
  readonly encoding: string;
  /** Null: the recording does not carry it, bundled definitions are used. */
  readonly schema: BagSchema | null;
  /** Null when only reading the file would tell. */
  readonly messageCount: number | null;
}

export interface BagMessage {
  readonly topic: BagTopic;
  /** When the recorder received it; the stamp in the message's header is earlier. */
  readonly logTimeNs: bigint;
  /** Encoded. A view into memory that is used again once the next message is asked for: slice it to keep it. */
  readonly data: Uint8Array;
}

/** Part of a recording may be unreadable; that is an item of the stream which names what and where. */
export type BagItem = BagMessage | DatasetProblem;

export function isBagProblem(item: BagItem): item is DatasetProblem {
  return 'problem' in item;
}

export interface TimeRange {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** The range that holds them all; null for none. Walks once: a recording may have many chunks. */
export function joinRanges(ranges: readonly TimeRange[]): TimeRange | null {
  const [first] = ranges;
  if (first === undefined) return null;
  let { startNs, endNs } = first;
  for (const range of ranges) {
    if (range.startNs < startNs) startNs = range.startNs;
    if (range.endNs > endNs) endNs = range.endNs;
  }
  return { startNs, endNs };
}

export interface BagSource {
  readonly path: string;
  /** For messages: `MCAP drive.mcap (indexed, 12 chunks)`. */
  readonly description: string;
  readonly topics: readonly BagTopic[];
  /** Log times of the first and last message; null when unknown or empty. */
  readonly range: TimeRange | null;
  /**
   * Messages of the named topics, or of all, in log-time order; equal times in the order of the file. Memory stays at a
   * few chunks whatever the file's size. May be called again for another pass.
   */
  messages(topics?: readonly string[]): AsyncIterable<BagItem>;
  close(): Promise<void>;
}
