/** @file Recordings in MCAP: chunked or not, lz4 or zstd, with an index, without one, cut, damaged. */
import { basename } from 'node:path';
import type { McapTypes } from '@mcap/core';
import { loadDecompressHandlers } from '@mcap/support';
import { BagTopicTable } from './BagTopicTable.ts';
import { joinRanges, type BagItem, type BagSource, type BagTopic, type TimeRange } from './BagSource.ts';
import { FileWindow } from './FileWindow.ts';
import { readMcapCatalog, type McapCatalog, type McapSpan } from './mcapCatalog.ts';
import { readChunk } from './mcapChunk.ts';
import { walkRecords, type McapMessage } from './mcapRecords.ts';
import { mergeByTime } from './mergeByTime.ts';
import { ReusedBuffer } from './ReusedBuffer.ts';
import { countOf } from '../countOf.ts';

export class McapBag implements BagSource {
  readonly path: string;
  readonly description: string;
  readonly topics: readonly BagTopic[];
  readonly range: TimeRange | null;
  readonly #file: FileWindow;
  readonly #catalog: McapCatalog;
  readonly #decompress: McapTypes.DecompressHandlers;
  readonly #topicOfChannel: ReadonlyMap<number, BagTopic>;
  /** Buffers of chunks that have been read through. */
  readonly #idle: ReusedBuffer[] = [];

  private constructor(file: FileWindow, catalog: McapCatalog, decompress: McapTypes.DecompressHandlers) {
    this.path = file.path;
    this.#file = file;
    this.#catalog = catalog;
    this.#decompress = decompress;
    this.range = joinRanges(catalog.spans);
    const index = catalog.indexed ? 'indexed' : 'without an index';
    this.description = `MCAP ${basename(file.path)} (${index}, ${countOf(catalog.spans.length, 'chunk')})`;
    const table = new BagTopicTable();
    this.#topicOfChannel = addTopics(table, catalog);
    this.topics = table.topics();
  }

  static async open(path: string): Promise<McapBag> {
    const decompress = await loadDecompressHandlers();
    const file = await FileWindow.open(path);
    try {
      return new McapBag(file, await readMcapCatalog(file, decompress), decompress);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async *messages(topics?: readonly string[]): AsyncGenerator<BagItem> {
    const wanted = topics === undefined ? null : new Set(topics);
    yield* this.#catalog.problems;
    const spans = this.#catalog.spans.filter((span) => this.#mayHold(span, wanted));
    yield* mergeByTime(spans.map((span) => ({ startNs: span.startNs, open: () => this.#readSpan(span, wanted) })));
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  #mayHold(span: McapSpan, wanted: ReadonlySet<string> | null): boolean {
    if (wanted === null || span.channelIds === null) return true;
    return [...span.channelIds].some((id) => wanted.has(this.#topicOfChannel.get(id)?.name ?? ''));
  }

  async *#readSpan(span: McapSpan, wanted: ReadonlySet<string> | null): AsyncGenerator<BagItem> {
    const buffer = this.#idle.pop() ?? new ReusedBuffer();
    try {
      const { messages, problem } = await (span.kind === 'chunk'
        ? readChunk(this.#file, span, { decompress: this.#decompress, buffer })
        : this.#readRun(span, buffer));
      const where = `${this.path}, bytes ${span.offset} to ${span.offset + span.length}`;
      if (problem !== null) yield { problem: `A chunk cannot be read whole: ${problem}.`, where };
      let strangers = 0;
      for (const { channelId, logTimeNs, data } of messages) {
        const topic = this.#topicOfChannel.get(channelId);
        if (topic === undefined) strangers++;
        else if (wanted === null || wanted.has(topic.name)) yield { topic, logTimeNs, data };
      }
      if (strangers > 0) yield { problem: `Left out: ${countOf(strangers, 'message')} of unknown channels.`, where };
    } finally {
      this.#idle.push(buffer);
    }
  }

  async #readRun(span: McapSpan, buffer: ReusedBuffer): Promise<{ messages: readonly McapMessage[]; problem: null }> {
    const messages: McapMessage[] = [];
    for (const record of walkRecords(await this.#file.read(span.offset, span.length, buffer))) {
      if (record.kind === 'message') messages.push(record.message);
    }
    messages.sort((a, b) => (a.logTimeNs < b.logTimeNs ? -1 : a.logTimeNs > b.logTimeNs ? 1 : 0));
    return { messages, problem: null };
  }
}

function addTopics(table: BagTopicTable, catalog: McapCatalog): Map<number, BagTopic> {
  const byChannel = new Map<number, BagTopic>();
  for (const channel of catalog.channels.values()) {
    const schema = catalog.schemas.get(channel.schemaId);
    const text = schema === undefined ? '' : new TextDecoder().decode(schema.data);
    const topic = table.add({
      name: channel.topic,
      type: schema?.name ?? '',
      encoding: channel.messageEncoding,
      schema: schema === undefined || text === '' ? null : { encoding: schema.encoding, text },
      messageCount: catalog.counts === null ? null : (catalog.counts.get(channel.id) ?? 0),
    });
    byChannel.set(channel.id, topic);
  }
  return byChannel;
}
