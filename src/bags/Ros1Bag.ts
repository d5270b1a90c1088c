/** @file ROS 1 recordings (`.bag`, format 2.0), with an index or without. */
import { basename } from 'node:path';
import { loadDecompressHandlers } from '@mcap/support';
import { NetvladError } from '../errors.ts';
import { BagTopicTable } from './BagTopicTable.ts';
import { joinRanges, type BagItem, type BagSource, type BagTopic, type TimeRange } from './BagSource.ts';
import { FileWindow } from './FileWindow.ts';
import { mergeByTime } from './mergeByTime.ts';
import { readRos1Catalog, type Ros1Catalog, type Ros1Chunk } from './ros1Catalog.ts';
import { countOf } from '../countOf.ts';

export class Ros1Bag implements BagSource {
  readonly path: string;
  readonly description: string;
  readonly topics: readonly BagTopic[];
  readonly range: TimeRange | null;
  readonly #file: FileWindow;
  readonly #catalog: Ros1Catalog;
  readonly #topicOfConnection = new Map<number, BagTopic>();

  private constructor(file: FileWindow, catalog: Ros1Catalog) {
    this.path = file.path;
    this.#file = file;
    this.#catalog = catalog;
    const { chunks, connections, indexed } = catalog;
    this.description = `ROS 1 bag ${basename(file.path)} (${indexed ? 'indexed' : 'without an index'}, ${countOf(chunks.length, 'chunk')})`;
    const counts = countMessages(chunks);
    const table = new BagTopicTable();
    for (const [id, { topic: name, type, definition }] of connections) {
      const schema = { encoding: 'ros1msg', text: definition };
      const topic = { name, type, encoding: 'ros1', schema, messageCount: counts.get(id) ?? 0 };
      this.#topicOfConnection.set(id, table.add(topic));
    }
    this.topics = table.topics();
    this.range = joinRanges(chunks);
  }

  /** Throws `bad-input` when not one message can be read. */
  static async open(path: string): Promise<Ros1Bag> {
    const handlers = await loadDecompressHandlers();
    const file = await FileWindow.open(path);
    try {
      const catalog = await readRos1Catalog(file, handlers);
      if (catalog.chunks.length === 0) throw noMessages(path, catalog);
      return new Ros1Bag(file, catalog);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async *messages(topics?: readonly string[]): AsyncGenerator<BagItem> {
    yield* this.#catalog.problems;
    const wanted = [...this.#topicOfConnection]
      .filter(([, topic]) => topics === undefined || topics.includes(topic.name))
      .map(([id]) => id);
    const chunks = this.#catalog.chunks.filter(({ counts }) => wanted.some((id) => counts.has(id)));
    yield* mergeByTime(chunks.map((chunk) => ({ startNs: chunk.startNs, open: () => this.#readChunk(chunk, wanted) })));
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async *#readChunk(chunk: Ros1Chunk, wanted: readonly number[]): AsyncGenerator<BagItem> {
    const { messages, problem } = await chunk.read(wanted);
    const where = `${this.path}, chunk at byte ${chunk.position}`;
    if (problem !== null) yield { problem: `A chunk cannot be read whole: ${problem}.`, where };
    let strangers = 0;
    for (const { connection, logTimeNs, data } of messages) {
      const topic = this.#topicOfConnection.get(connection);
      if (topic === undefined) strangers++;
      else yield { topic, logTimeNs, data };
    }
    if (strangers > 0) yield { problem: `Left out: ${countOf(strangers, 'message')} of unknown connections.`, where };
  }
}

function noMessages(path: string, { problems }: Ros1Catalog): NetvladError {
  const why = problems.map(({ problem }) => problem).join(' ');
  return new NetvladError('bad-input', `${path} holds no readable message. ${why}`, {
    hint: 'It is empty, or ends before its first complete chunk.',
  });
}

function countMessages(chunks: readonly Ros1Chunk[]): Map<number, number> {
  const sums = new Map<number, number>();
  for (const [connection, count] of chunks.flatMap(({ counts }) => [...counts])) {
    sums.set(connection, (sums.get(connection) ?? 0) + count);
  }
  return sums;
}
