/**
 * @file The records of an MCAP file that salvage needs (mcap.dev/spec). Intact files are catalogued by @mcap/core; a file
 * that was cut or damaged has no catalogue, and its records must be taken one by one.
 */

export const MCAP_MAGIC = Uint8Array.of(0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a);
/** Opcode and length of the content. */
export const RECORD_HEADER_BYTES = 9;

export const OPCODE = { schema: 3, channel: 4, message: 5, chunk: 6, dataEnd: 15 } as const;
/** The largest opcode of the specification; ours and other private records are 0x80 and above. */
const LAST_SPECIFIED_OPCODE = 15;

export interface McapSchema {
  readonly id: number;
  readonly name: string;
  readonly encoding: string;
  readonly data: Uint8Array;
}

export interface McapChannel {
  readonly id: number;
  readonly schemaId: number;
  readonly topic: string;
  readonly messageEncoding: string;
}

export interface McapMessage {
  readonly channelId: number;
  readonly logTimeNs: bigint;
  /** A view into the bytes that were parsed. */
  readonly data: Uint8Array;
}

export interface McapChunkHead {
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly uncompressedSize: number;
  /** 0 = the writer did not compute one. */
  readonly uncompressedCrc: number;
  readonly compression: string;
  readonly compressedSize: number;
  /** Bytes of the head; the compressed records follow. */
  readonly headBytes: number;
}

export type McapRecord =
  | { readonly kind: 'schema'; readonly schema: McapSchema }
  | { readonly kind: 'channel'; readonly channel: McapChannel }
  | { readonly kind: 'message'; readonly message: McapMessage }
  | { readonly kind: 'other'; readonly opcode: number };

const textDecoder = new TextDecoder();

/** Little-endian fields, one after the other; RangeError past the end. */
class RecordCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint16(): number {
    this.offset += 2;
    return this.#view.getUint16(this.offset - 2, true);
  }

  uint32(): number {
    this.offset += 4;
    return this.#view.getUint32(this.offset - 4, true);
  }

  uint64(): bigint {
    this.offset += 8;
    return this.#view.getBigUint64(this.offset - 8, true);
  }

  string(): string {
    return textDecoder.decode(this.bytes(this.uint32()));
  }

  bytes(length: number): Uint8Array {
    if (length > this.#bytes.length - this.offset) {
      throw new RangeError(
        `A field claims ${length} bytes; ${this.#bytes.length - this.offset} are left in the record.`,
      );
    }
    this.offset += length;
    return this.#bytes.subarray(this.offset - length, this.offset);
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.offset);
  }
}

/** Opcode and content length of the record that starts at `offset`; null when fewer than nine bytes are left. */
export function parseRecordHeader(bytes: Uint8Array, offset: number): { opcode: number; length: number } | null {
  if (bytes.length - offset < RECORD_HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, RECORD_HEADER_BYTES);
  return { opcode: view.getUint8(0), length: Number(view.getBigUint64(1, true)) };
}

/** Whether an opcode can be one of the data section: 0 is none, and unknown ones below 0x80 are reserved. */
export function isPlausibleOpcode(opcode: number): boolean {
  return (opcode >= 1 && opcode <= LAST_SPECIFIED_OPCODE) || opcode >= 0x80;
}

/** Parses a record's content; RangeError when it contradicts its own lengths. */
export function parseRecordContent(opcode: number, content: Uint8Array): McapRecord {
  const cursor = new RecordCursor(content);
  switch (opcode) {
    case OPCODE.schema: {
      const id = cursor.uint16();
      const name = cursor.string();
      const encoding = cursor.string();
      return { kind: 'schema', schema: { id, name, encoding, data: cursor.bytes(cursor.uint32()).slice() } };
    }
    case OPCODE.channel: {
      const id = cursor.uint16();
      const schemaId = cursor.uint16();
      const topic = cursor.string();
      return { kind: 'channel', channel: { id, schemaId, topic, messageEncoding: cursor.string() } };
    }
    case OPCODE.message: {
      const channelId = cursor.uint16();
      cursor.uint32(); // sequence
      const logTimeNs = cursor.uint64();
      cursor.uint64(); // publish time
      return { kind: 'message', message: { channelId, logTimeNs, data: cursor.rest() } };
    }
    default:
      return { kind: 'other', opcode };
  }
}

/** The head of a chunk's content, without the records. `content` may end where the records begin. */
export function parseChunkHead(content: Uint8Array): McapChunkHead {
  const cursor = new RecordCursor(content);
  const startNs = cursor.uint64();
  const endNs = cursor.uint64();
  const uncompressedSize = Number(cursor.uint64());
  const uncompressedCrc = cursor.uint32();
  const compression = cursor.string();
  const compressedSize = Number(cursor.uint64());
  const headBytes = cursor.offset;
  return { startNs, endNs, uncompressedSize, uncompressedCrc, compression, compressedSize, headBytes };
}

/** Walks packed records; ends early, and says so, where the bytes stop making sense. */
export function* walkRecords(bytes: Uint8Array): Generator<McapRecord, { readonly complete: boolean }> {
  let offset = 0;
  while (offset < bytes.length) {
    const head = parseRecordHeader(bytes, offset);
    const start = offset + RECORD_HEADER_BYTES;
    if (head === null || !isPlausibleOpcode(head.opcode) || head.length > bytes.length - start)
      return { complete: false };
    let record: McapRecord;
    try {
      record = parseRecordContent(head.opcode, bytes.subarray(start, start + head.length));
    } catch (error) {
      if (error instanceof RangeError) return { complete: false };
      throw error;
    }
    yield record;
    offset = start + head.length;
  }
  return { complete: true };
}
