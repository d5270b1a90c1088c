/** @file One chunk of an MCAP file: read, unpacked, checked against its checksum, taken apart. */
import { crc32 } from 'node:zlib';
import type { McapTypes } from '@mcap/core';
import type { FileWindow } from './FileWindow.ts';
import {
  parseChunkHead,
  walkRecords,
  type McapChannel,
  type McapChunkHead,
  type McapMessage,
  type McapSchema,
} from './mcapRecords.ts';
import type { ReusedBuffer } from './ReusedBuffer.ts';
import { countOf } from '../countOf.ts';

export interface McapChunk {
  readonly schemas: readonly McapSchema[];
  readonly channels: readonly McapChannel[];
  /** By log time, equal times in the order of the file. */
  readonly messages: readonly McapMessage[];
  /** Why not all of the chunk could be read; null when all is well. */
  readonly problem: string | null;
}

export interface ChunkTools {
  readonly decompress: McapTypes.DecompressHandlers;
  /** What the messages are views into, until the next chunk is read into it; memory of their own by default. */
  readonly buffer?: ReusedBuffer;
}

/** A size beyond this is damage, and asking a codec for it would take the memory down with it. */
const MAX_CHUNK_BYTES = 512 * 1024 * 1024;

/**
 * Reads the chunk whose content lies at `place`. Never throws for what the file holds. A compressed chunk is read whole or
 * not at all; of an uncompressed one that was cut, the messages before the cut are given. A chunk that contradicts its
 * checksum gives nothing, since nobody can tell which of its messages is wrong.
 */
export async function readChunk(
  file: FileWindow,
  place: { readonly offset: number; readonly length: number },
  { decompress, buffer }: ChunkTools,
): Promise<McapChunk> {
  if (place.length > MAX_CHUNK_BYTES) return failed(`it claims ${place.length} bytes`);
  const content = await file.read(place.offset, place.length, buffer);
  try {
    const head = parseChunkHead(content);
    const { records, cut } = unpack(head, content, decompress);
    const chunk = takeApart(records);
    return cut === null ? chunk : { ...chunk, problem: cut };
  } catch (error) {
    return failed((error as Error).message);
  }
}

function failed(problem: string): McapChunk {
  return { schemas: [], channels: [], messages: [], problem };
}

function unpack(
  head: McapChunkHead,
  content: Uint8Array,
  decompress: McapTypes.DecompressHandlers,
): { readonly records: Uint8Array; readonly cut: string | null } {
  const packed = content.subarray(head.headBytes, head.headBytes + head.compressedSize);
  if (head.uncompressedSize > MAX_CHUNK_BYTES) throw new Error(`it claims ${head.uncompressedSize} bytes unpacked`);
  const missing = head.compressedSize - packed.length;
  if (head.compression === '' && missing > 0)
    return { records: packed, cut: `it ends ${countOf(missing, 'byte')} early` };
  if (missing > 0) throw new Error(`${missing} of its ${head.compressedSize} packed bytes are missing`);
  const records = decompressRecords(head, packed, decompress);
  if (records.length !== head.uncompressedSize) {
    throw new Error(`it unpacks to ${records.length} bytes instead of ${head.uncompressedSize}`);
  }
  if (head.uncompressedCrc !== 0 && crc32(records) !== head.uncompressedCrc)
    throw new Error('its checksum does not match');
  return { records, cut: null };
}

function decompressRecords(
  head: McapChunkHead,
  packed: Uint8Array,
  decompress: McapTypes.DecompressHandlers,
): Uint8Array {
  if (head.compression === '') return packed;
  const handler = Object.hasOwn(decompress, head.compression) ? decompress[head.compression] : undefined;
  if (handler === undefined) throw new Error(`its compression '${head.compression}' is none of lz4, zstd, bz2`);
  return handler(packed, BigInt(head.uncompressedSize));
}

function takeApart(records: Uint8Array): McapChunk {
  const schemas: McapSchema[] = [];
  const channels: McapChannel[] = [];
  const messages: McapMessage[] = [];
  const walk = walkRecords(records);
  let step = walk.next();
  for (; step.done !== true; step = walk.next()) {
    const record = step.value;
    if (record.kind === 'schema') schemas.push(record.schema);
    else if (record.kind === 'channel') channels.push(record.channel);
    else if (record.kind === 'message') messages.push(record.message);
  }
  messages.sort((a, b) => (a.logTimeNs < b.logTimeNs ? -1 : a.logTimeNs > b.logTimeNs ? 1 : 0));
  return { schemas, channels, messages, problem: step.value.complete ? null : 'its records are damaged' };
}
