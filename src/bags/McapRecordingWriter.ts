/** @file Writes a recording as MCAP the way rosbag2 does (profile ros2, ros2msg schemas, CDR), so that any viewer opens it. */
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FileHandleWritable } from '@mcap/nodejs';
import { McapWriter } from '@mcap/core';
import { MessageWriter } from '@foxglove/rosmsg2-serialization';
import zstd from '@foxglove/wasm-zstd';
import type { MessageDefinition } from '@foxglove/message-definition';
import { NetvladError } from '../errors.ts';
import { makeFolder } from '../makeFolder.ts';
import { TOOL_VERSION } from '../version.ts';
import { toWriteFailure } from '../writeFailure.ts';
import { assertReplaceable, LIBRARY } from './assertReplaceable.ts';
import { joinRanges, type BagMessage, type BagTopic, type TimeRange } from './BagSource.ts';
import { findRos2Definition } from './messageDefinitions.ts';
import type { RosMessages, RosTypeName } from './messages.ts';
import type { RecordingWriter } from './RecordingWriter.ts';
import { toRos2Message } from './toRos2Message.ts';

export interface McapWriterSettings {
  /** Of the chunks; `zstd` is for messages that are not compressed already. */
  readonly compression?: 'none' | 'zstd';
  /** Bytes of messages gathered before a chunk is written. */
  readonly chunkSizeBytes?: number;
}

interface OpenChannel {
  readonly id: number;
  readonly type: string;
  readonly qos: string;
  /** Null on a channel of copied messages whose type is none of the bundled ones. */
  readonly writer: MessageWriter | null;
  sequence: number;
}

/** What `metadata.yaml` tells of a finished file. */
export interface RecordingSummary {
  readonly topics: readonly {
    readonly name: string;
    readonly type: string;
    readonly qos: string;
    readonly count: number;
  }[];
  /** Log times of the first and last message; null of an empty recording. */
  readonly range: TimeRange | null;
}

/** What rosbag2 records of a publisher, for players: latched topics are offered again to late subscribers. */
const LATCHED_QOS = `- history: 1
  depth: 1
  reliability: 1
  durability: 1
  deadline: {sec: 9223372036, nsec: 854775807}
  lifespan: {sec: 9223372036, nsec: 854775807}
  liveliness: 1
  liveliness_lease_duration: {sec: 9223372036, nsec: 854775807}
  avoid_ros_namespace_conventions: false
`;

/**
 * One recording being written. The file appears under its name at `close`, synced; until then, and after `abandon`, there
 * is nothing at that name (or what was there before).
 */
export class McapRecordingWriter implements RecordingWriter {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #writer: McapWriter;
  readonly #channels = new Map<string, OpenChannel>();
  readonly #schemas = new Map<string, number>();
  #open = true;
  #range: TimeRange | null = null;

  private constructor(path: string, file: FileHandle, writer: McapWriter) {
    this.path = path;
    this.#file = file;
    this.#writer = writer;
  }

  static async create(path: string, settings: McapWriterSettings): Promise<McapRecordingWriter> {
    await zstd.isLoaded;
    const file = await openForWriting(path);
    const writer = new McapWriter({
      writable: new FileHandleWritable(file),
      chunkSize: settings.chunkSizeBytes ?? 768 * 1024,
      startChannelId: 1, // PyPI rosbags passes silently over a channel 0
      ...(settings.compression === 'zstd' && {
        compressChunk: (chunk: Uint8Array) => ({ compression: 'zstd', compressedData: zstd.compress(chunk) }),
      }),
    });
    const recording = new McapRecordingWriter(path, file, writer);
    await recording.#onDisk(() => writer.start({ profile: 'ros2', library: `${LIBRARY}${TOOL_VERSION}` }));
    return recording;
  }

  /** Appends a message. Times of the log should not go back: readers of the file sort, but pay for it. */
  async write<T extends RosTypeName>(
    topic: string,
    type: T,
    logTimeNs: bigint,
    message: RosMessages[T],
  ): Promise<void> {
    const channel = this.#channels.get(topic) ?? (await this.#openChannel(topic, type, findRos2Definition(type)));
    this.#assertType(topic, channel, type);
    if (channel.writer === null)
      throw new NetvladError('internal', `No definition of ${type} is bundled: it cannot be written.`);
    await this.#append(channel, logTimeNs, channel.writer.writeMessage(message));
  }

  /** Appends a message of another recording: CDR as it is, with the definition it came with; ROS 1 as its ROS 2 counterpart. */
  async copy(message: BagMessage): Promise<void> {
    const { name, type } = message.topic;
    const channel = this.#channels.get(name) ?? (await this.#openChannel(name, type, definitionOf(message.topic)));
    this.#assertType(name, channel, type);
    const data = message.topic.encoding === 'cdr' ? message.data : channel.writer?.writeMessage(toRos2Message(message));
    if (data === undefined) throw new NetvladError('internal', `A ${type} in ROS 1 encoding cannot be copied.`);
    await this.#append(channel, message.logTimeNs, data);
  }

  get summary(): RecordingSummary {
    const topics = [...this.#channels].map(([name, { type, qos, sequence }]) => ({ name, type, qos, count: sequence }));
    return { topics, range: this.#range };
  }

  /** Completes the file: index, sync, rename. */
  async close(): Promise<void> {
    if (!this.#open) return;
    await this.#onDisk(async () => {
      await this.#writer.end();
      await this.#file.sync();
    });
    this.#open = false;
    await this.#file.close();
    await rename(temporaryName(this.path), this.path);
  }

  /** Ends without a file; does nothing after `close`. */
  async abandon(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#file.close();
    await rm(temporaryName(this.path), { force: true });
  }

  /** A file that cannot be written further is given up at once. */
  async #onDisk<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      await this.abandon();
      throw toWriteFailure(this.path, cause);
    }
  }

  #assertType(topic: string, channel: OpenChannel, type: string): void {
    if (channel.type === type) return;
    throw new NetvladError('internal', `Topic ${topic} holds ${channel.type}; it cannot take a ${type} as well.`);
  }

  async #append(channel: OpenChannel, logTime: bigint, data: Uint8Array): Promise<void> {
    const { id: channelId, sequence } = channel;
    channel.sequence++;
    const at = { startNs: logTime, endNs: logTime };
    this.#range = joinRanges(this.#range === null ? [at] : [this.#range, at]);
    await this.#onDisk(() => this.#writer.addMessage({ channelId, sequence, logTime, publishTime: logTime, data }));
  }

  async #openChannel(topic: string, type: string, definition: WritableDefinition | null): Promise<OpenChannel> {
    if (definition === null)
      throw new NetvladError('internal', `No definition of ${type} is bundled: it cannot be written.`);
    let schemaId = this.#schemas.get(type);
    if (schemaId === undefined) {
      const data = new TextEncoder().encode(definition.text);
      schemaId = await this.#writer.registerSchema({ name: type, encoding: 'ros2msg', data });
      this.#schemas.set(type, schemaId);
    }
    const qos = topic.endsWith('/tf_static') ? LATCHED_QOS : '';
    const metadata = new Map([['offered_qos_profiles', qos]]);
    const id = await this.#writer.registerChannel({ schemaId, topic, messageEncoding: 'cdr', metadata });
    const writer = definition.definitions === null ? null : new MessageWriter(definition.definitions);
    const channel = { id, type, qos, writer, sequence: 0 };
    this.#channels.set(topic, channel);
    return channel;
  }
}

interface WritableDefinition {
  /** In the form `ros2msg`. */
  readonly text: string;
  /** Null: only what is encoded already can be written. */
  readonly definitions: MessageDefinition[] | null;
}

/** The definition that a copied message is written with: its own, or the bundled one. */
function definitionOf({ type, schema }: BagTopic): WritableDefinition | null {
  const bundled = findRos2Definition(type);
  if (schema?.encoding !== 'ros2msg') return bundled;
  return { text: schema.text, definitions: bundled?.definitions ?? null };
}

/** Whether messages of a topic can be copied into a recording of ours. */
export function canCopy(topic: BagTopic): boolean {
  const definition = definitionOf(topic);
  return (
    definition !== null && (topic.encoding === 'cdr' || (topic.encoding === 'ros1' && definition.definitions !== null))
  );
}

async function openForWriting(path: string): Promise<FileHandle> {
  await assertReplaceable(path);
  await makeFolder(dirname(path));
  try {
    return await open(temporaryName(path), 'w');
  } catch (cause) {
    throw toWriteFailure(path, cause);
  }
}

function temporaryName(path: string): string {
  return `${path}.partial`;
}

/** Starts a recording at `path`; missing folders are made. Finish it with `close`, or drop it with `abandon`. */
export async function createMcapWriter(path: string, settings: McapWriterSettings = {}): Promise<McapRecordingWriter> {
  return McapRecordingWriter.create(path, settings);
}
