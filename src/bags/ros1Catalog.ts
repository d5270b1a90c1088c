/** @file What a ROS 1 recording holds and where: from its index by the library, from a walk over its records without one. */
import { Bag } from '@foxglove/rosbag';
import type { McapTypes } from '@mcap/core';
import type { DatasetProblem } from '../datasets/GeotaggedImage.ts';
import type { FileWindow } from './FileWindow.ts';
import {
  isConnectionHeader,
  MAX_RECORD_BYTES,
  parseRos1Record,
  ROS1_MAGIC,
  walkRos1Records,
  type Ros1Connection,
  type Ros1Message,
} from './ros1Records.ts';
import { parseRosTime } from './rosTime.ts';
import { countOf } from '../countOf.ts';

/** A stretch of messages, read when its time has come. */
export interface Ros1Chunk {
  /** Byte of the file. */
  readonly position: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Messages of each connection. */
  readonly counts: ReadonlyMap<number, number>;
  /** Messages of the connections by log time, and why some are missing; null = none are. */
  read(
    connections: readonly number[],
  ): Promise<{ readonly messages: readonly Ros1Message[]; readonly problem: string | null }>;
}

export interface Ros1Catalog {
  readonly indexed: boolean;
  readonly connections: ReadonlyMap<number, Ros1Connection>;
  readonly chunks: readonly Ros1Chunk[];
  readonly problems: readonly DatasetProblem[];
}

type Decompress = Record<string, (data: Uint8Array, size: number) => Uint8Array>;

/** Never throws for what the file holds. */
export async function readRos1Catalog(file: FileWindow, handlers: McapTypes.DecompressHandlers): Promise<Ros1Catalog> {
  const decompress = toRos1Handlers(handlers);
  try {
    const catalog = await readIndex(file, decompress);
    if (catalog.chunks.length > 0) return catalog;
    return await scanChunks(file, decompress, 'it names no chunk');
  } catch (error) {
    return await scanChunks(file, decompress, (error as Error).message);
  }
}

function toRos1Handlers(handlers: McapTypes.DecompressHandlers): Decompress {
  const entries = Object.entries(handlers).map(([name, unpack]) => {
    const guarded = (data: Uint8Array, size: number): Uint8Array => {
      if (size > MAX_RECORD_BYTES) throw new Error(`a chunk claims ${size} bytes unpacked`);
      return unpack(data, BigInt(size));
    };
    return [name, guarded] as const;
  });
  return Object.fromEntries(entries);
}

/** By the file's own index. Throws when it is missing or damaged. */
async function readIndex(file: FileWindow, decompress: Decompress): Promise<Ros1Catalog> {
  const bag = new Bag({
    read: async (offset, length) => {
      if (length > MAX_RECORD_BYTES) throw new Error(`a record claims ${length} bytes`);
      const bytes = await file.read(offset, length);
      if (bytes.length < length) throw new Error(`the file ends at byte ${file.size}, ${offset + length} are needed`);
      return bytes;
    },
    size: () => file.size,
  });
  await bag.open();
  assertCountsMatchConnections(bag);
  const connections = [...bag.connections].map(([id, { topic, type, messageDefinition }]) => {
    return [id, { topic, type: type ?? '', definition: messageDefinition }] as const;
  });
  const chunks = bag.chunkInfos.map((info): Ros1Chunk => ({
    position: info.chunkPosition,
    startNs: parseRosTime(info.startTime),
    endNs: parseRosTime(info.endTime),
    counts: new Map(info.connections.map(({ conn, count }) => [conn, count])),
    read: async (wanted) => {
      const everything = { from: { sec: 0, nsec: 0 }, to: { sec: Number.MAX_VALUE, nsec: Number.MAX_VALUE } };
      try {
        const { from, to } = everything;
        const records = await bag.reader.readChunkMessages(info, [...wanted], from, to, decompress);
        const messages = records.map(({ conn, time, data }): Ros1Message => {
          return { connection: conn, logTimeNs: parseRosTime(time), data: data ?? new Uint8Array(0) };
        });
        const counted = info.connections.reduce((sum, { conn, count }) => sum + (wanted.includes(conn) ? count : 0), 0);
        const missing = counted - messages.length;
        return {
          messages,
          problem: missing > 0 ? `its index is wrong about ${missing} of ${countOf(counted, 'message')}` : null,
        };
      } catch (error) {
        return { messages: [], problem: `it is left out: ${(error as Error).message}` };
      }
    },
  }));
  return { indexed: true, connections: new Map(connections), chunks, problems: [] };
}

/** Messages of a connection that the index does not describe, or counts as another's, would be left out without a word. */
function assertCountsMatchConnections({ chunkInfos, connections }: Bag): void {
  for (const { connections: counts } of chunkInfos) {
    const ids = counts.map(({ conn }) => conn);
    const unknown = ids.find((id) => !connections.has(id));
    if (unknown !== undefined) throw new Error(`it counts messages of connection ${unknown} and describes none such`);
    if (new Set(ids).size < ids.length) throw new Error('it counts the messages of one connection twice');
  }
}

interface ScannedChunk {
  readonly connections: ReadonlyMap<number, Ros1Connection>;
  readonly messages: readonly Ros1Message[];
  readonly problem: string | null;
}

/** Record by record, as far as they make sense: what `rosbag reindex` does, without writing to the file. */
async function scanChunks(file: FileWindow, decompress: Decompress, indexProblem: string): Promise<Ros1Catalog> {
  const connections = new Map<number, Ros1Connection>();
  const chunks: Ros1Chunk[] = [];
  const lost = `The recording has no readable index (${indexProblem}); its records were walked instead.`;
  const problems: DatasetProblem[] = [{ problem: lost, where: file.path }];
  const named = (problem: string, offset: number): void => {
    problems.push({ problem, where: `${file.path}, byte ${offset} of ${file.size}` });
  };
  let offset = ROS1_MAGIC.length;
  while (offset < file.size) {
    const step = await visitRecord(file, offset);
    if ('problem' in step) {
      named(`${step.problem}: the recording was cut or damaged here.`, offset);
      break;
    }
    const { record, dataStart, dataBytes } = step;
    if (record.kind === 'connection') connections.set(record.id, record.connection);
    if (record.kind === 'chunk') {
      const place = { ...record, offset, dataStart, dataBytes };
      const chunk = await readScanned(file, place, decompress);
      for (const [id, connection] of chunk.connections) connections.set(id, connection);
      if (chunk.messages.length > 0) chunks.push(toChunk(file, place, { chunk, decompress }));
      else if (chunk.problem !== null) named(`A chunk cannot be read: ${chunk.problem}.`, offset);
    }
    if (dataStart + dataBytes > file.size) {
      const left = file.size - offset;
      named(
        `A record of ${dataStart + dataBytes - offset} bytes has ${left} left: the recording was cut here.`,
        offset,
      );
      break;
    }
    offset = dataStart + dataBytes;
  }
  return { indexed: false, connections, chunks, problems };
}

type Visit =
  | { readonly record: ReturnType<typeof parseRos1Record>; readonly dataStart: number; readonly dataBytes: number }
  | { readonly problem: string };

/** The head of a record of the file; its data is read only where it is small and needed. */
async function visitRecord(file: FileWindow, offset: number): Promise<Visit> {
  try {
    const headerBytes = await readLength(file, offset);
    const dataStart = offset + 8 + headerBytes;
    const header = (await file.peek(offset + 4, headerBytes)).slice();
    const dataBytes = await readLength(file, dataStart - 4);
    const data = isConnectionHeader(header) ? await file.read(dataStart, dataBytes) : new Uint8Array(0);
    return { record: parseRos1Record(header, data), dataStart, dataBytes };
  } catch (error) {
    if (error instanceof RangeError) return { problem: `No record starts here (${error.message})` };
    throw error;
  }
}

async function readLength(file: FileWindow, offset: number): Promise<number> {
  const bytes = await file.peek(offset, 4);
  if (bytes.length < 4) throw new RangeError('the file ends');
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  if (length > MAX_RECORD_BYTES) throw new RangeError(`a record claims ${length} bytes`);
  return length;
}

interface ChunkPlace {
  readonly compression: string;
  readonly unpackedBytes: number;
  /** Of the record, for messages. */
  readonly offset: number;
  readonly dataStart: number;
  readonly dataBytes: number;
}

/** Unpacks a chunk and takes it apart. Never throws for what the file holds. */
async function readScanned(file: FileWindow, place: ChunkPlace, decompress: Decompress): Promise<ScannedChunk> {
  const connections = new Map<number, Ros1Connection>();
  const messages: Ros1Message[] = [];
  const packed = await file.read(place.dataStart, place.dataBytes);
  const missing = place.dataBytes - packed.length;
  let records: Uint8Array;
  try {
    records = place.compression === 'none' ? packed : unpack(packed, place, decompress);
  } catch (error) {
    const cut =
      missing > 0 ? `${missing} of its ${place.dataBytes} packed bytes are missing` : (error as Error).message;
    return { connections, messages, problem: cut };
  }
  const walk = walkRos1Records(records);
  let step = walk.next();
  for (; step.done !== true; step = walk.next()) {
    if (step.value.kind === 'message') messages.push(step.value.message);
    if (step.value.kind === 'connection') connections.set(step.value.id, step.value.connection);
  }
  messages.sort((a, b) => (a.logTimeNs < b.logTimeNs ? -1 : a.logTimeNs > b.logTimeNs ? 1 : 0));
  return { connections, messages, problem: missing > 0 ? `it ends ${countOf(missing, 'byte')} early` : step.value };
}

function unpack(packed: Uint8Array, { compression, unpackedBytes }: ChunkPlace, decompress: Decompress): Uint8Array {
  const handler = Object.hasOwn(decompress, compression) ? decompress[compression] : undefined;
  if (handler === undefined) throw new Error(`its compression '${compression}' is none of lz4, bz2`);
  return handler(packed, unpackedBytes);
}

/** Remembers where a chunk lies and what is in it, not its bytes. */
function toChunk(
  file: FileWindow,
  place: ChunkPlace,
  { chunk, decompress }: { readonly chunk: ScannedChunk; readonly decompress: Decompress },
): Ros1Chunk {
  const counts = new Map<number, number>();
  for (const { connection } of chunk.messages) counts.set(connection, (counts.get(connection) ?? 0) + 1);
  return {
    position: place.offset,
    startNs: chunk.messages[0]!.logTimeNs,
    endNs: chunk.messages.at(-1)!.logTimeNs,
    counts,
    read: async (wanted) => {
      const { messages, problem } = await readScanned(file, place, decompress);
      return { messages: messages.filter(({ connection }) => wanted.includes(connection)), problem };
    },
  };
}
