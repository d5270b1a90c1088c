/** @file Writes a recording as MCAP the way rosbag2 does (profile ros2, ros2msg schemas, CDR), so that any viewer opens it. */
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FileHandleWritable } from '@mcap/nodejs';
import { McapWriter } from '@mcap/core';
import { MessageWriter } from '@foxglove/rosmsg2-serialization';
import zstd from '@foxglove/wasm-zstd';
import { NetvladError } from '../errors.ts';
import { makeFolder } from '../makeFolder.ts';
import { TOOL_VERSION } from '../version.ts';
import { findRos2Definition } from './messageDefinitions.ts';
import type { RosMessages, RosTypeName } from './messages.ts';

export interface McapWriterSettings {
  /** Of the chunks; `zstd` is for messages that are not compressed already. */
  readonly compression?: 'none' | 'zstd';
  /** Bytes of messages gathered before a chunk is written. */
  readonly chunkSizeBytes?: number;
}

interface OpenChannel {
  readonly id: number;
  readonly type: string;
  readonly writer: MessageWriter;
  sequence: number;
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
export class McapRecordingWriter {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #writer: McapWriter;
  readonly #channels = new Map<string, OpenChannel>();
  readonly #schemas = new Map<string, number>();
  #open = true;

  private constructor(path: string, file: FileHandle, writer: McapWriter) {
    this.path = path;
    this.#file = file;
    this.#writer = writer;
  }

  static async create(path: string, settings: McapWriterSettings): Promise<McapRecordingWriter> {
    await makeFolder(dirname(path));
    await zstd.isLoaded;
    const file = await open(temporaryName(path), 'w');
    const writer = new McapWriter({
      writable: new FileHandleWritable(file),
      chunkSize: settings.chunkSizeBytes ?? 768 * 1024,
      ...(settings.compression === 'zstd' && {
        compressChunk: (chunk: Uint8Array) => ({ compression: 'zstd', compressedData: zstd.compress(chunk) }),
      }),
    });
    await writer.start({ profile: 'ros2', library: `netvlad_localizer ${TOOL_VERSION}` });
    return new McapRecordingWriter(path, file, writer);
  }

  /** Appends a message. Times of the log should not go back: readers of the file sort, but pay for it. */
  async write<T extends RosTypeName>(
    topic: string,
    type: T,
    logTimeNs: bigint,
    message: RosMessages[T],
  ): Promise<void> {
    const channel = this.#channels.get(topic) ?? (await this.#openChannel(topic, type));
    if (channel.type !== type) {
      throw new NetvladError('internal', `Topic ${topic} holds ${channel.type}; it cannot take a ${type} as well.`);
    }
    await this.#writer.addMessage({
      channelId: channel.id,
      sequence: channel.sequence++,
      logTime: logTimeNs,
      publishTime: logTimeNs,
      data: channel.writer.writeMessage(message),
    });
  }

  /** Completes the file: index, sync, rename. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#writer.end();
    await this.#file.sync();
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

  async #openChannel(topic: string, type: string): Promise<OpenChannel> {
    const definition = findRos2Definition(type);
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
    const channel = { id, type, writer: new MessageWriter(definition.definitions), sequence: 0 };
    this.#channels.set(topic, channel);
    return channel;
  }
}

function temporaryName(path: string): string {
  return `${path}.partial`;
}

/** Starts a recording at `path`; missing folders are made. Finish it with `close`, or drop it with `abandon`. */
export async function createMcapWriter(path: string, settings: McapWriterSettings = {}): Promise<McapRecordingWriter> {
  return McapRecordingWriter.create(path, settings);
}
