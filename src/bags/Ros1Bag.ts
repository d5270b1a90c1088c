/** @file ROS 1 recordings (`.bag`, format 2.0). */
import { basename } from 'node:path';
import { Bag } from '@foxglove/rosbag';
import type { McapTypes } from '@mcap/core';
import { loadDecompressHandlers } from '@mcap/support';
import { NetvladError } from '../errors.ts';
import { BagTopicTable } from './BagTopicTable.ts';
import type { BagItem, BagMessage, BagSource, BagTopic, TimeRange } from './BagSource.ts';
import { FileWindow } from './FileWindow.ts';
import { mergeByTime } from './mergeByTime.ts';
import { parseRosTime } from './rosTime.ts';

/** No chunk and no index is this large; a damaged file may claim one. */
const MAX_READ_BYTES = 512 * 1024 * 1024;

type ChunkInfo = Bag['chunkInfos'][number];
type Decompress = Record<string, (data: Uint8Array, size: number) => Uint8Array>;

export class Ros1Bag implements BagSource {
  readonly path: string;
  readonly description: string;
  readonly topics: readonly BagTopic[];
  readonly range: TimeRange | null;
  readonly #file: FileWindow;
  readonly #bag: Bag;
  readonly #decompress: Decompress;
  readonly #topicOfConnection = new Map<number, BagTopic>();

  private constructor(file: FileWindow, bag: Bag, decompress: Decompress) {
    this.path = file.path;
    this.#file = file;
    this.#bag = bag;
    this.#decompress = decompress;
    this.description = `ROS 1 bag ${basename(file.path)} (${bag.chunkInfos.length} chunks)`;
    const counts = countMessages(bag.chunkInfos);
    const table = new BagTopicTable();
    for (const [id, connection] of bag.connections) {
      const schema = { encoding: 'ros1msg', text: connection.messageDefinition };
      const topic = { name: connection.topic, type: connection.type ?? '', encoding: 'ros1', schema };
      this.#topicOfConnection.set(id, table.add({ ...topic, messageCount: counts.get(id) ?? 0 }));
    }
    this.topics = table.topics();
    this.range =
      bag.startTime && bag.endTime ? { startNs: parseRosTime(bag.startTime), endNs: parseRosTime(bag.endTime) } : null;
  }

  static async open(path: string): Promise<Ros1Bag> {
    const handlers = await loadDecompressHandlers();
    const file = await FileWindow.open(path);
    const bag = new Bag({
      read: async (offset, length) => {
        if (length > MAX_READ_BYTES) throw new Error(`a record claims ${length} bytes`);
        const bytes = await file.read(offset, length);
        if (bytes.length < length) throw new Error(`the file ends at byte ${file.size}, ${offset + length} are needed`);
        return bytes;
      },
      size: () => file.size,
    });
    try {
      await bag.open();
      return new Ros1Bag(file, bag, toRos1Handlers(handlers));
    } catch (cause) {
      await file.close();
      throw new NetvladError(
        'bad-input',
        `${path} has no readable index: ${(cause as Error).message}. Nothing was read.`,
        {
          hint: 'The recording was probably cut; `rosbag reindex` makes a new index.',
          cause,
        },
      );
    }
  }

  async *messages(topics?: readonly string[]): AsyncGenerator<BagItem> {
    const wanted = [...this.#topicOfConnection]
      .filter(([, topic]) => topics === undefined || topics.includes(topic.name))
      .map(([id]) => id);
    const chunks = this.#bag.chunkInfos.filter((info) => info.connections.some(({ conn }) => wanted.includes(conn)));
    yield* mergeByTime(
      chunks.map((info) => ({ startNs: parseRosTime(info.startTime), open: () => this.#readChunk(info, wanted) })),
    );
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async *#readChunk(info: ChunkInfo, wanted: number[]): AsyncGenerator<BagItem> {
    const everything = { from: { sec: 0, nsec: 0 }, to: { sec: Number.MAX_VALUE, nsec: Number.MAX_VALUE } };
    let messages: BagMessage[];
    try {
      const { reader } = this.#bag;
      const records = await reader.readChunkMessages(info, wanted, everything.from, everything.to, this.#decompress);
      messages = records.map((record) => this.#toMessage(record));
    } catch (error) {
      const where = `${this.path}, chunk at byte ${info.chunkPosition}`;
      yield { problem: `A chunk cannot be read and is left out: ${(error as Error).message}.`, where };
      return;
    }
    yield* messages;
  }

  #toMessage(record: { conn: number; time: { sec: number; nsec: number }; data?: Uint8Array }): BagMessage {
    const topic = this.#topicOfConnection.get(record.conn);
    if (topic === undefined || record.data === undefined) throw new Error(`connection ${record.conn} is not listed`);
    return { topic, logTimeNs: parseRosTime(record.time), data: record.data };
  }
}

function toRos1Handlers(handlers: McapTypes.DecompressHandlers): Decompress {
  const entries = Object.entries(handlers).map(([name, unpack]) => {
    const guarded = (data: Uint8Array, size: number): Uint8Array => {
      if (size > MAX_READ_BYTES) throw new Error(`a chunk claims ${size} bytes unpacked`);
      return unpack(data, BigInt(size));
    };
    return [name, guarded] as const;
  });
  return Object.fromEntries(entries);
}

function countMessages(chunks: readonly ChunkInfo[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { conn, count } of chunks.flatMap((info) => info.connections)) {
    counts.set(conn, (counts.get(conn) ?? 0) + count);
  }
  return counts;
}
