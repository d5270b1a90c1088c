/** @file What an MCAP file holds and where: from its index where that is intact, from a walk over its records otherwise. */
import { McapIndexedReader, type McapTypes } from '@mcap/core';
import type { DatasetProblem } from '../datasets/GeotaggedImage.ts';
import type { FileWindow } from './FileWindow.ts';
import { readChunk, type McapChunk } from './mcapChunk.ts';
import {
  MCAP_MAGIC,
  OPCODE,
  RECORD_HEADER_BYTES,
  isPlausibleOpcode,
  parseChunkHead,
  parseRecordContent,
  parseRecordHeader,
  type McapChannel,
  type McapSchema,
} from './mcapRecords.ts';

/** A stretch of the file with messages: one chunk, or a run of messages outside of chunks. */
export interface McapSpan {
  readonly kind: 'chunk' | 'messages';
  /** Of the chunk's content, or of the first message's record header. */
  readonly offset: number;
  readonly length: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Channels with messages in it, so that a pass over a few topics reads few chunks; null when unknown. */
  readonly channelIds: ReadonlySet<number> | null;
}

export interface McapCatalog {
  readonly indexed: boolean;
  readonly spans: readonly McapSpan[];
  readonly schemas: ReadonlyMap<number, McapSchema>;
  readonly channels: ReadonlyMap<number, McapChannel>;
  /** Messages of each channel id; null when only reading would tell. */
  readonly counts: ReadonlyMap<number, number> | null;
  readonly problems: readonly DatasetProblem[];
}

/** An index larger than this is a damaged footer, not an index. */
const MAX_INDEX_BYTES = 256 * 1024 * 1024;
/** Messages outside of chunks are gathered into spans of about this size. */
const SPAN_BYTES = 4 * 1024 * 1024;
/** Enough of a chunk's content to hold its head. */
const CHUNK_HEAD_BYTES = 4096;
const MESSAGE_HEAD_BYTES = 22;

export async function readMcapCatalog(
  file: FileWindow,
  decompress: McapTypes.DecompressHandlers,
): Promise<McapCatalog> {
  try {
    const catalog = await readIndex(file);
    if (catalog !== null) return catalog;
    return await scanRecords(file, decompress, null);
  } catch (error) {
    return await scanRecords(file, decompress, (error as Error).message);
  }
}

/** The catalogue from the file's own index; null when the index does not cover the messages. Throws when it is damaged. */
async function readIndex(file: FileWindow): Promise<McapCatalog | null> {
  const reader = await McapIndexedReader.Initialize({ readable: toReadable(file) });
  const statistics = reader.statistics;
  const covered =
    statistics === undefined ? reader.chunkIndexes.length > 0 : isCovered(reader.chunkIndexes, statistics);
  if (!covered) return null;
  const spans = reader.chunkIndexes.map((index): McapSpan => ({
    kind: 'chunk',
    offset: Number(index.chunkStartOffset) + RECORD_HEADER_BYTES,
    length: Number(index.chunkLength) - RECORD_HEADER_BYTES,
    startNs: index.messageStartTime,
    endNs: index.messageEndTime,
    // A writer may leave the message index out; then the map is empty.
    channelIds: index.messageIndexOffsets.size === 0 ? null : new Set(index.messageIndexOffsets.keys()),
  }));
  const counts =
    statistics && new Map([...statistics.channelMessageCounts].map(([channel, count]) => [channel, Number(count)]));
  return {
    indexed: true,
    spans,
    schemas: reader.schemasById,
    channels: reader.channelsById,
    counts: counts ?? null,
    problems: [],
  };
}

function isCovered(indexes: readonly McapTypes.ChunkIndex[], statistics: McapTypes.Statistics): boolean {
  if (statistics.messageCount === 0n) return true;
  return statistics.chunkCount > 0 && indexes.length === statistics.chunkCount;
}

function toReadable(file: FileWindow): McapTypes.IReadable {
  return {
    size: () => Promise.resolve(BigInt(file.size)),
    read: async (offset, length) => {
      if (length > MAX_INDEX_BYTES) throw new Error(`the index claims ${length} bytes`);
      const bytes = await file.read(Number(offset), Number(length));
      if (bytes.length < Number(length)) throw new Error(`the file ends before byte ${offset + length}`);
      return bytes;
    },
  };
}

/** Builds the catalogue record by record; what stops the walk becomes a problem. */
class RecordScan {
  readonly schemas = new Map<number, McapSchema>();
  readonly channels = new Map<number, McapChannel>();
  readonly counts = new Map<number, number>();
  readonly spans: McapSpan[] = [];
  #run: { offset: number; end: number; startNs: bigint; endNs: bigint } | null = null;

  addMessage(channelId: number, logTimeNs: bigint, record: { readonly offset: number; readonly end: number }): void {
    this.#count(channelId);
    const run = this.#run;
    if (run !== null && run.end === record.offset && record.end - run.offset <= SPAN_BYTES) {
      run.end = record.end;
      if (logTimeNs < run.startNs) run.startNs = logTimeNs;
      if (logTimeNs > run.endNs) run.endNs = logTimeNs;
      return;
    }
    this.endRun();
    this.#run = { ...record, startNs: logTimeNs, endNs: logTimeNs };
  }

  endRun(): void {
    if (this.#run === null) return;
    const { offset, end, startNs, endNs } = this.#run;
    this.spans.push({ kind: 'messages', offset, length: end - offset, startNs, endNs, channelIds: null });
    this.#run = null;
  }

  addChunk(place: Pick<McapSpan, 'offset' | 'length'>, chunk: McapChunk): void {
    for (const schema of chunk.schemas) this.schemas.set(schema.id, schema);
    for (const channel of chunk.channels) this.channels.set(channel.id, channel);
    for (const message of chunk.messages) this.#count(message.channelId);
    const first = chunk.messages[0];
    if (first === undefined) return;
    // From the messages themselves: the chunk's head may be what is damaged.
    const channelIds = new Set(chunk.messages.map((message) => message.channelId));
    const endNs = chunk.messages.at(-1)!.logTimeNs;
    this.spans.push({ kind: 'chunk', ...place, startNs: first.logTimeNs, endNs, channelIds });
  }

  #count(channelId: number): void {
    this.counts.set(channelId, (this.counts.get(channelId) ?? 0) + 1);
  }
}

async function scanRecords(
  file: FileWindow,
  decompress: McapTypes.DecompressHandlers,
  indexProblem: string | null,
): Promise<McapCatalog> {
  const scan = new RecordScan();
  const problems: DatasetProblem[] = [];
  const stop = await walkFile(file, decompress, scan);
  scan.endRun();
  if (stop !== null)
    problems.push({ problem: stop.problem, where: `${file.path}, byte ${stop.offset} of ${file.size}` });
  else if (indexProblem !== null && !indexProblem.startsWith('File is not indexed')) {
    problems.push({
      problem: `The index is damaged (${indexProblem}); the records were walked instead.`,
      where: file.path,
    });
  }
  const { schemas, channels, counts, spans } = scan;
  return { indexed: false, spans, schemas, channels, counts, problems };
}

/** Visits the records of the data section; null when it ends as it should, else where and why the walk stopped. */
async function walkFile(
  file: FileWindow,
  decompress: McapTypes.DecompressHandlers,
  scan: RecordScan,
): Promise<{ readonly offset: number; readonly problem: string } | null> {
  let offset = MCAP_MAGIC.length;
  for (;;) {
    const head = parseRecordHeader(await file.peek(offset, RECORD_HEADER_BYTES), 0);
    if (head === null) return { offset, problem: 'The recording ends here, before the end of its data: it was cut.' };
    if (head.opcode === OPCODE.dataEnd) return null;
    if (!isPlausibleOpcode(head.opcode)) {
      return {
        offset,
        problem: `No record starts here (opcode ${head.opcode}): what follows is damaged and is left out.`,
      };
    }
    const start = offset + RECORD_HEADER_BYTES;
    const cut = head.length > file.size - start;
    await visitRecord({ file, decompress, scan }, { opcode: head.opcode, offset, start, length: head.length });
    if (cut) {
      const left = file.size - start;
      return {
        offset,
        problem: `A record of ${head.length} bytes has ${left} left: the recording was cut or damaged here.`,
      };
    }
    offset = start + head.length;
  }
}

interface ScanWork {
  readonly file: FileWindow;
  readonly decompress: McapTypes.DecompressHandlers;
  readonly scan: RecordScan;
}

interface RecordPlace {
  readonly opcode: number;
  /** Of the record header. */
  readonly offset: number;
  /** Of the content. */
  readonly start: number;
  readonly length: number;
}

async function visitRecord({ file, decompress, scan }: ScanWork, place: RecordPlace): Promise<void> {
  const { opcode, offset, start, length } = place;
  const available = Math.min(length, file.size - start);
  if (opcode === OPCODE.chunk) {
    scan.endRun();
    const head = await file.peek(start, Math.min(CHUNK_HEAD_BYTES, available));
    try {
      parseChunkHead(head);
    } catch {
      return; // not even its head is there
    }
    const chunk = await readChunk(file, { offset: start, length: available }, { decompress });
    scan.addChunk({ offset: start, length: available }, chunk);
    return;
  }
  if (available < length) return;
  if (opcode === OPCODE.message && length >= MESSAGE_HEAD_BYTES) {
    const record = parseRecordContent(opcode, await file.peek(start, MESSAGE_HEAD_BYTES));
    if (record.kind === 'message') {
      scan.addMessage(record.message.channelId, record.message.logTimeNs, { offset, end: start + length });
    }
  } else if (opcode === OPCODE.schema || opcode === OPCODE.channel) {
    scan.endRun();
    addDefinition(scan, opcode, await file.peek(start, Math.min(length, MAX_INDEX_BYTES)));
  }
}

function addDefinition(scan: RecordScan, opcode: number, content: Uint8Array): void {
  try {
    const record = parseRecordContent(opcode, content);
    if (record.kind === 'schema') scan.schemas.set(record.schema.id, record.schema);
    if (record.kind === 'channel') scan.channels.set(record.channel.id, record.channel);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // a damaged definition: its messages will be named
  }
}
