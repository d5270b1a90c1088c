/** @file NumPy's `.npy` arrays and `.npz` archives, the exchange format for descriptors and positions (NumPy NEP 1). */
import { unzipSync } from 'fflate';

/** An array of numbers in row-major order. Integers beyond 2^53 lose their last digits; everything else is exact. */
export interface NumberArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

const MAGIC = '\x93NUMPY';

type Reader = (view: DataView, offset: number, littleEndian: boolean) => number;

/** NumPy type code (without byte order) -> bytes and how one value is read. */
const TYPES: Readonly<Record<string, { readonly bytes: number; readonly read: Reader }>> = {
  f4: { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  f8: { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
  i1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  i2: { bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  i4: { bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  i8: { bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  u1: { bytes: 1, read: (view, at) => view.getUint8(at) },
  u2: { bytes: 2, read: (view, at, little) => view.getUint16(at, little) },
  u4: { bytes: 4, read: (view, at, little) => view.getUint32(at, little) },
  u8: { bytes: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) },
  b1: { bytes: 1, read: (view, at) => view.getUint8(at) },
};

interface Header {
  readonly descr: string;
  readonly isFortranOrder: boolean;
  readonly shape: readonly number[];
  /** Offset of the first value. */
  readonly dataAt: number;
}

function parseHeader(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const latin1 = (from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to));
  if (bytes.length < 10 || latin1(0, 6) !== MAGIC)
    throw new Error('not a .npy array: its first bytes are not \\x93NUMPY');
  const isLong = bytes[6]! >= 2; // version 2 and 3 have a 4-byte header length
  const headerAt = isLong ? 12 : 10;
  const dataAt = headerAt + (isLong ? view.getUint32(8, true) : view.getUint16(8, true));
  const text = latin1(headerAt, dataAt);
  const descr = /'descr':\s*'([^']+)'/.exec(text)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || shape === undefined) {
    throw new Error(`a .npy header that is not of plain numbers: ${text.trim()}`);
  }
  const sizes = shape.split(',').filter((part) => part.trim() !== '');
  return { descr, isFortranOrder: order === 'True', shape: sizes.map(Number), dataAt };
}

/** Position in column-major data of the value at row-major position `index`. */
function fortranPosition(index: number, shape: readonly number[]): number {
  let [rest, position] = [index, 0];
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, size) => product * size, 1));
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    position += (rest % shape[axis]!) * strides[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return position;
}

/** float32 stays float32, everything else becomes float64. Throws on strings, objects, complex numbers and short files. */
export function parseNpy(bytes: Uint8Array): NumberArray {
  const { descr, isFortranOrder, shape, dataAt } = parseHeader(bytes);
  const type = TYPES[descr.slice(1)];
  if (type === undefined) throw new Error(`a .npy array of type ${descr}; expected integers or floats`);
  const length = shape.reduce((product, size) => product * size, 1);
  const expected = dataAt + length * type.bytes;
  if (bytes.length < expected) throw new Error(`a truncated .npy array: ${bytes.length} of ${expected} bytes`);
  const data = descr.endsWith('f4') ? new Float32Array(length) : new Float64Array(length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLittleEndian = !descr.startsWith('>');
  for (let i = 0; i < length; i++) {
    const position = isFortranOrder ? fortranPosition(i, shape) : i;
    data[i] = type.read(view, dataAt + position * type.bytes, isLittleEndian);
  }
  return { shape, data };
}

/** Every numeric array of the archive by name; arrays of other types are left out. */
export function parseNpz(bytes: Uint8Array): ReadonlyMap<string, NumberArray> {
  const arrays = new Map<string, NumberArray>();
  for (const [file, content] of Object.entries(unzipSync(bytes))) {
    if (!file.endsWith('.npy')) continue;
    if (parseHeader(content).descr.slice(1) in TYPES) arrays.set(file.slice(0, -'.npy'.length), parseNpy(content));
  }
  return arrays;
}

/** The header of a version 1.0 file, padded so that the data begins at a multiple of 64 bytes. */
export function toNpyHeader(shape: readonly number[], type: 'f4' | 'f8'): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]!},` : shape.join(', ');
  const text = `{'descr': '<${type}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64;
  const padded = `${text.padEnd(length - 10 - 1)}\n`;
  const header = new Uint8Array(length);
  header.set(Array.from(`${MAGIC}\x01\x00`, (character) => character.charCodeAt(0)));
  new DataView(header.buffer).setUint16(8, padded.length, true);
  header.set(
    Array.from(padded, (character) => character.charCodeAt(0)),
    10,
  );
  return header;
}
