/**
 * @file The records of a ROS 1 recording (wiki.ros.org/Bags/Format/2.0) that salvage needs. Recordings with an index are read by
 * a library; one that was cut, or whose recorder died, has none, and its records must be taken one by one.
 */

export const ROS1_MAGIC = '#ROSBAG V2.0\n';
/** A header or data block is never this large; damage may claim it. */
export const MAX_RECORD_BYTES = 512 * 1024 * 1024;

const OPCODE = { message: 2, index: 4, chunk: 5, chunkInfo: 6, connection: 7, bagHeader: 3 } as const;

export interface Ros1Connection {
  readonly topic: string;
  /** As ROS 1 spells it: `sensor_msgs/Image`. */
  readonly type: string;
  readonly definition: string;
}

export interface Ros1Message {
  readonly connection: number;
  readonly logTimeNs: bigint;
  readonly data: Uint8Array;
}

export type Ros1Record =
  | { readonly kind: 'connection'; readonly id: number; readonly connection: Ros1Connection }
  | { readonly kind: 'message'; readonly message: Ros1Message }
  | { readonly kind: 'chunk'; readonly compression: string; readonly unpackedBytes: number }
  | { readonly kind: 'other' };

type Fields = ReadonlyMap<string, Uint8Array>;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Length-prefixed `name=value` fields. Throws a RangeError when the lengths contradict the bytes. */
function parseFields(bytes: Uint8Array): Fields {
  const fields = new Map<string, Uint8Array>();
  const view = viewOf(bytes);
  for (let at = 0; at < bytes.length;) {
    const start = at + 4;
    const end = start + view.getUint32(at, true);
    const equals = bytes.indexOf(0x3d, start);
    if (end > bytes.length || equals < start || equals >= end) throw new RangeError('a header field is damaged');
    fields.set(new TextDecoder().decode(bytes.subarray(start, equals)), bytes.subarray(equals + 1, end));
    at = end;
  }
  return fields;
}

function fieldOf(fields: Fields, name: string, bytes: number): DataView {
  const field = fields.get(name);
  if (field?.length !== bytes) throw new RangeError(`the header field ${name} is missing or damaged`);
  return viewOf(field);
}

function textOf(fields: Fields, name: string): string {
  const field = fields.get(name);
  if (field === undefined) throw new RangeError(`the header field ${name} is missing`);
  return new TextDecoder().decode(field);
}

/** Of records outside of chunks only connections are needed with their data. Throws a RangeError when it is no header. */
export function isConnectionHeader(header: Uint8Array): boolean {
  return fieldOf(parseFields(header), 'op', 1).getUint8(0) === OPCODE.connection;
}

/** Takes a record's header apart. Throws a RangeError when it is no header; `data` may be cut short for all but connections. */
export function parseRos1Record(header: Uint8Array, data: Uint8Array): Ros1Record {
  const fields = parseFields(header);
  switch (fieldOf(fields, 'op', 1).getUint8(0)) {
    case OPCODE.connection: {
      const facts = parseFields(data);
      return {
        kind: 'connection',
        id: fieldOf(fields, 'conn', 4).getUint32(0, true),
        connection: {
          topic: textOf(fields, 'topic'),
          type: textOf(facts, 'type'),
          definition: textOf(facts, 'message_definition'),
        },
      };
    }
    case OPCODE.message: {
      const time = fieldOf(fields, 'time', 8);
      const logTimeNs = BigInt(time.getUint32(0, true)) * 1_000_000_000n + BigInt(time.getUint32(4, true));
      return {
        kind: 'message',
        message: { connection: fieldOf(fields, 'conn', 4).getUint32(0, true), logTimeNs, data },
      };
    }
    case OPCODE.chunk: {
      const unpackedBytes = fieldOf(fields, 'size', 4).getUint32(0, true);
      return { kind: 'chunk', compression: textOf(fields, 'compression'), unpackedBytes };
    }
    case OPCODE.index:
    case OPCODE.chunkInfo:
    case OPCODE.bagHeader:
      return { kind: 'other' };
    default:
      throw new RangeError('the record is of no known kind');
  }
}

/** Walks packed records, those of an unpacked chunk; the result tells why it ended early, null when it did not. */
export function* walkRos1Records(bytes: Uint8Array): Generator<Ros1Record, string | null> {
  const view = viewOf(bytes);
  for (let at = 0; at < bytes.length;) {
    try {
      const headerEnd = at + 4 + view.getUint32(at, true);
      const end = headerEnd + 4 + view.getUint32(headerEnd, true);
      if (end > bytes.length) return `a record of ${end - at} bytes has ${bytes.length - at} left`;
      yield parseRos1Record(bytes.subarray(at + 4, headerEnd), bytes.subarray(headerEnd + 4, end));
      at = end;
    } catch (error) {
      if (error instanceof RangeError) return error.message;
      throw error;
    }
  }
  return null;
}
