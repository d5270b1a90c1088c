/** @file Reads MATLAB level 5 MAT-files (The MathWorks, MAT-File Format, 2019): numbers, text, cells and structures. */
import { endianness } from 'node:os';
import { inflateSync } from 'node:zlib';
import { NetvladError } from '../errors.ts';
import type { FloatArray } from '../math/vectors.ts';

/**
 * Arrays are column-major, as MATLAB stores them. Numbers that the file holds in single precision stay so (networks are large),
 * all others are float64. Objects of MATLAB classes are known by their presence alone: their layout is not published.
 */
export type MatValue =
  | { readonly kind: 'numbers'; readonly dimensions: readonly number[]; readonly values: FloatArray }
  | { readonly kind: 'object' }
  | { readonly kind: 'text'; readonly dimensions: readonly number[]; readonly text: string }
  | { readonly kind: 'cells'; readonly dimensions: readonly number[]; readonly cells: readonly MatValue[] }
  | {
      readonly kind: 'structures';
      readonly dimensions: readonly number[];
      readonly elements: readonly ReadonlyMap<string, MatValue>[];
    };

const MI = { uint32: 6, single: 7, double: 9, matrix: 14, compressed: 15 } as const;
const CLASS = { cell: 1, structure: 2, oldObject: 3, char: 4, firstNumeric: 6, lastNumeric: 15 } as const;
/** Function handles and objects of classes. */
const FIRST_OPAQUE_CLASS = 16;
const HOST_IS_LITTLE = endianness() === 'LE';

/** Element types: bytes a number, and how one is read. Text is UTF-8 (16), UTF-16 (17), UTF-32 (18) or plain integers. */
type ReadNumber = (view: DataView, at: number, little: boolean) => number;
const NUMBER_TYPES: ReadonlyMap<number, readonly [number, ReadNumber]> = new Map<number, readonly [number, ReadNumber]>(
  [
    [1, [1, (view, at) => view.getInt8(at)]],
    [2, [1, (view, at) => view.getUint8(at)]],
    [3, [2, (view, at, little) => view.getInt16(at, little)]],
    [4, [2, (view, at, little) => view.getUint16(at, little)]],
    [5, [4, (view, at, little) => view.getInt32(at, little)]],
    [6, [4, (view, at, little) => view.getUint32(at, little)]],
    [12, [8, (view, at, little) => Number(view.getBigInt64(at, little))]],
    [13, [8, (view, at, little) => Number(view.getBigUint64(at, little))]],
    [16, [1, (view, at) => view.getUint8(at)]],
    [17, [2, (view, at, little) => view.getUint16(at, little)]],
    [18, [4, (view, at, little) => view.getUint32(at, little)]],
  ],
);

interface Element {
  readonly type: number;
  readonly data: DataView;
}

class Unsupported extends Error {}

/** Walks the elements of one buffer. */
class ElementReader {
  readonly #view: DataView;
  readonly #little: boolean;
  #at = 0;

  constructor(view: DataView, little: boolean) {
    this.#view = view;
    this.#little = little;
  }

  get done(): boolean {
    return this.#at + 8 > this.#view.byteLength;
  }

  /** Small elements hold up to four bytes within their tag; others are padded to eight, except compressed ones. */
  next(): Element {
    const view = this.#view;
    const word = view.getUint32(this.#at, this.#little);
    const smallBytes = word >>> 16;
    if (smallBytes > 0) {
      const data = new DataView(view.buffer, view.byteOffset + this.#at + 4, Math.min(4, smallBytes));
      this.#at += 8;
      return { type: word & 0xffff, data };
    }
    const bytes = view.getUint32(this.#at + 4, this.#little);
    const start = this.#at + 8;
    if (start + bytes > view.byteLength) throw new RangeError('an element reaches beyond the end of the file');
    this.#at = start + (word === MI.compressed ? bytes : Math.ceil(bytes / 8) * 8);
    return { type: word, data: new DataView(view.buffer, view.byteOffset + start, bytes) };
  }
}

/** A copy of an element's bytes, in the order of this machine: networks have hundreds of megabytes of them. */
function copyInHostOrder(data: DataView, numberBytes: 4 | 8, little: boolean): ArrayBuffer {
  const { buffer } = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  if (little === HOST_IS_LITTLE) return buffer;
  const bytes = Buffer.from(buffer); // shares the memory
  if (numberBytes === 4) bytes.swap32();
  else bytes.swap64();
  return buffer;
}

function readNumbers({ type, data }: Element, little: boolean): FloatArray {
  if (type === MI.single) return new Float32Array(copyInHostOrder(data, 4, little));
  if (type === MI.double) return new Float64Array(copyInHostOrder(data, 8, little));
  const entry = NUMBER_TYPES.get(type);
  if (entry === undefined) throw new Unsupported(`element type ${type}`);
  const [bytes, read] = entry;
  return Float64Array.from({ length: data.byteLength / bytes }, (_, at) => read(data, at * bytes, little));
}

function readText(element: Element, little: boolean): string {
  if (element.type === 16) return new TextDecoder().decode(element.data);
  let text = '';
  for (const code of readNumbers(element, little)) text += String.fromCodePoint(code);
  return text;
}

function readLatin1(data: DataView): string {
  return String.fromCharCode(...new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function readStructures(reader: ElementReader, dimensions: readonly number[], little: boolean): MatValue {
  const nameLength = readNumbers(reader.next(), little)[0]!;
  const names = readLatin1(reader.next().data);
  const fields: string[] = [];
  for (let at = 0; at < names.length; at += nameLength) {
    fields.push(names.slice(at, at + nameLength).replace(/\0.*$/s, ''));
  }
  const count = dimensions.reduce((product, size) => product * size, 1);
  const elements = Array.from(
    { length: count },
    () => new Map(fields.map((field) => [field, readMatrix(reader.next(), little).value])),
  );
  return { kind: 'structures', dimensions, elements };
}

const EMPTY: MatValue = { kind: 'numbers', dimensions: [0, 0], values: new Float64Array(0) };

function readMatrix({ type, data }: Element, little: boolean): { readonly name: string; readonly value: MatValue } {
  if (type !== MI.matrix) throw new Unsupported(`element type ${type} in the place of an array`);
  if (data.byteLength === 0) return { name: '', value: EMPTY };
  const reader = new ElementReader(data, little);
  const flags = readNumbers(reader.next(), little)[0]!;
  const [arrayClass, isComplex] = [flags & 0xff, (flags & 0x800) !== 0];
  if (arrayClass >= FIRST_OPAQUE_CLASS || arrayClass === CLASS.oldObject)
    return { name: '', value: { kind: 'object' } };
  const dimensions = [...readNumbers(reader.next(), little)];
  const name = readLatin1(reader.next().data);
  const count = dimensions.reduce((product, size) => product * size, 1);
  if (arrayClass === CLASS.cell) {
    const cells = Array.from({ length: count }, () => readMatrix(reader.next(), little).value);
    return { name, value: { kind: 'cells', dimensions, cells } };
  }
  if (arrayClass === CLASS.structure) return { name, value: readStructures(reader, dimensions, little) };
  if (arrayClass === CLASS.char) {
    return { name, value: { kind: 'text', dimensions, text: count === 0 ? '' : readText(reader.next(), little) } };
  }
  if (arrayClass < CLASS.firstNumeric || arrayClass > CLASS.lastNumeric || isComplex) {
    throw new Unsupported(isComplex ? 'a complex array' : `an array of class ${arrayClass}`);
  }
  const values = count === 0 ? new Float64Array(0) : readNumbers(reader.next(), little);
  return { name, value: { kind: 'numbers', dimensions, values } };
}

function readVariables(bytes: Uint8Array): Map<string, MatValue> {
  const header = new DataView(bytes.buffer, bytes.byteOffset, 128);
  const little = header.getUint16(126, true) === 0x4d49; // 'MI' read the right way round
  const reader = new ElementReader(new DataView(bytes.buffer, bytes.byteOffset + 128, bytes.length - 128), little);
  const variables = new Map<string, MatValue>();
  while (!reader.done) {
    const element = reader.next();
    const { name, value } = readMatrix(element.type === MI.compressed ? inflate(element, little) : element, little);
    variables.set(name, value);
  }
  return variables;
}

function inflate({ data }: Element, little: boolean): Element {
  const bytes = inflateSync(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return new ElementReader(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), little).next();
}

/** Parses a MAT-file's variables. Throws `bad-input` for other files, other versions and damaged ones. */
export function parseMatFile(bytes: Uint8Array, path: string): ReadonlyMap<string, MatValue> {
  const header = readLatin1(new DataView(bytes.buffer, bytes.byteOffset, Math.min(116, bytes.length)));
  if (header.startsWith('MATLAB 7.3')) {
    throw new NetvladError('bad-input', `${path} is a MAT-file of version 7.3 (HDF5), which is not read here.`, {
      hint: "Save it again with -v7, in MATLAB: clear; load('old.mat'); save('new.mat', '-v7')",
    });
  }
  if (!header.startsWith('MATLAB 5.0') || bytes.length < 136) {
    throw new NetvladError('bad-input', `${path} is not a MATLAB level 5 MAT-file.`);
  }
  try {
    return readVariables(bytes);
  } catch (error) {
    const reason = (error as Error).message;
    const what = error instanceof Unsupported ? `holds ${reason}, which is not read here` : `is damaged: ${reason}`;
    throw new NetvladError('bad-input', `${path} ${what}.`, { cause: error });
  }
}
