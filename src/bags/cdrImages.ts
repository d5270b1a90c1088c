/**
 * @file sensor_msgs/Image and CompressedImage straight from their CDR bytes. A camera's messages are most of a recording
 * and all of a node's input; a general reader would be right too, this one touches the pixels once.
 */
import type { CompressedFrame, RawFrame } from '../image/CameraFrame.ts';
import { parseRosTime } from './rosTime.ts';

const ENCAPSULATION_BYTES = 4;
const textDecoder = new TextDecoder();

/**
 * Plain CDR (XCDR1), either byte order: every primitive is aligned to its size, counted from the end of the encapsulation
 * header; strings carry their length with the closing zero (OMG CDR 15.3, DDSI-RTPS 10.2).
 */
class CdrCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  #offset = ENCAPSULATION_BYTES;

  constructor(bytes: Uint8Array) {
    if (bytes.length < ENCAPSULATION_BYTES)
      throw new RangeError(`A CDR message of ${bytes.length} bytes has no header.`);
    if (bytes[0] !== 0 || bytes[1]! > 1) {
      throw new RangeError(`Encapsulation 0x${hex(bytes[0]!)}${hex(bytes[1]!)} is not plain CDR (0x0000 or 0x0001).`);
    }
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#littleEndian = bytes[1] === 1;
  }

  int32(): number {
    this.#align(4);
    const value = this.#view.getInt32(this.#offset, this.#littleEndian);
    this.#offset += 4;
    return value;
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  uint8(): number {
    const value = this.#view.getUint8(this.#offset);
    this.#offset += 1;
    return value;
  }

  string(): string {
    const bytes = this.bytes('string');
    return textDecoder.decode(bytes.subarray(0, Math.max(0, bytes.length - 1)));
  }

  /** A sequence of bytes, as a view into the message. */
  bytes(what: string): Uint8Array {
    const length = this.uint32();
    const rest = this.#bytes.length - this.#offset;
    if (length > rest) throw new RangeError(`The ${what} claims ${length} bytes; ${rest} are left in the message.`);
    const value = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return value;
  }

  #align(size: number): void {
    const past = (this.#offset - ENCAPSULATION_BYTES) % size;
    if (past > 0) this.#offset += size - past;
  }
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function header(cursor: CdrCursor): { stampNs: bigint; frameId: string } {
  const stampNs = parseRosTime({ sec: cursor.int32(), nanosec: cursor.uint32() });
  return { stampNs, frameId: cursor.string() };
}

/**
 * sensor_msgs/msg/Image. `data` is a view into `bytes`: copy it (`data.slice()`) when the buffer is the middleware's.
 * Throws RangeError when the bytes end too early or are no plain CDR.
 */
export function parseImageCdr(bytes: Uint8Array): RawFrame {
  const cursor = new CdrCursor(bytes);
  const { stampNs, frameId } = header(cursor);
  const height = cursor.uint32();
  const width = cursor.uint32();
  const encoding = cursor.string();
  const isBigEndian = cursor.uint8() !== 0;
  const step = cursor.uint32();
  const data = cursor.bytes('pixel data');
  return { kind: 'raw', stampNs, frameId, width, height, encoding, step, isBigEndian, data };
}

/** sensor_msgs/msg/CompressedImage; as `parseImageCdr`. */
export function parseCompressedImageCdr(bytes: Uint8Array): CompressedFrame {
  const cursor = new CdrCursor(bytes);
  const { stampNs, frameId } = header(cursor);
  const format = cursor.string();
  return { kind: 'compressed', stampNs, frameId, format, data: cursor.bytes('image data') };
}
