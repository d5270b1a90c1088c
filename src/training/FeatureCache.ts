/**
 * @file The outputs of the frozen layers, computed once and kept on disk: one row an image variant. Memory stays that of the
 * rows in use, whatever the data's size.
 */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NetvladError } from '../errors.ts';
import { makeFolder } from '../makeFolder.ts';
import { decodeFloat16, encodeFloat16 } from '../math/float16.ts';
import { writeFileAtomically } from '../writeFileAtomically.ts';

/** Half floats take half the disk and train the same (docs/training.md). */
export type CachePrecision = 'float16' | 'float32';

interface RowFormat {
  readonly bytes: number;
  readonly extension: string;
  /** Writes `values` into `row`, or reads them back; `row` is as long as its bytes. */
  encode(values: Float32Array, row: Uint8Array): void;
  decode(row: Uint8Array, values: Float32Array): void;
}

const halvesOf = (row: Uint8Array): Uint16Array => new Uint16Array(row.buffer, row.byteOffset, row.length / 2);
const floatsOf = (row: Uint8Array): Float32Array => new Float32Array(row.buffer, row.byteOffset, row.length / 4);

const FORMATS: Readonly<Record<CachePrecision, RowFormat>> = {
  float16: {
    ...{ bytes: 2, extension: 'f16' },
    encode: (values, row) => {
      encodeFloat16(values, halvesOf(row));
    },
    decode: (row, values) => {
      decodeFloat16(halvesOf(row), values);
    },
  },
  float32: {
    ...{ bytes: 4, extension: 'f32' },
    encode: (values, row) => {
      floatsOf(row).set(values);
    },
    decode: (row, values) => {
      values.set(floatsOf(row));
    },
  },
};

/** Makes row `row` of the cache: [rowLength]. */
export type FeatureSource = (rows: readonly number[]) => Promise<readonly Float32Array[]>;

export interface FeatureCacheOptions {
  readonly folder: string;
  /** Names what the rows are made of (layers, images, augmentation): another key, another file. */
  readonly key: string;
  readonly rows: number;
  readonly rowLength: number;
  readonly precision: CachePrecision;
}

/** Rows that were written before an interruption are not computed again: their number stands beside the file. */
export class FeatureCache {
  readonly rows: number;
  readonly rowLength: number;
  readonly #format: RowFormat;
  readonly #file: FileHandle;
  readonly #path: string;
  #filled: number;

  private constructor(options: FeatureCacheOptions, opened: { file: FileHandle; path: string; filled: number }) {
    this.rows = options.rows;
    this.rowLength = options.rowLength;
    this.#format = FORMATS[options.precision];
    this.#file = opened.file;
    this.#path = opened.path;
    this.#filled = opened.filled;
  }

  static async open(options: FeatureCacheOptions): Promise<FeatureCache> {
    await makeFolder(options.folder);
    const { bytes, extension } = FORMATS[options.precision];
    const path = join(options.folder, `${options.key}.${extension}`);
    const file = await onDisk(path, openForUpdate(path));
    const filled = await readFilled(`${path}.rows`);
    const { size } = await file.stat();
    const whole = Math.floor(size / (options.rowLength * bytes));
    return new FeatureCache(options, { file, path, filled: Math.min(filled, whole, options.rows) });
  }

  /** Rows that are ready, from the first on. */
  get filled(): number {
    return this.#filled;
  }

  /** Computes the rows that are missing, `batch` at a time. Stops between batches when aborted; nothing is lost. */
  async fill(
    source: FeatureSource,
    options: { readonly batch: number; readonly signal?: AbortSignal; readonly onProgress?: (filled: number) => void },
  ): Promise<void> {
    while (this.#filled < this.rows) {
      options.signal?.throwIfAborted();
      const count = Math.min(options.batch, this.rows - this.#filled);
      const rows = Array.from({ length: count }, (_unused, i) => this.#filled + i);
      await this.#append(await source(rows));
      options.onProgress?.(this.#filled);
    }
    await this.#noteFilled();
  }

  /** Rows [rows.length, rowLength], written into `out` from the start. */
  async read(rows: readonly number[], out: Float32Array): Promise<void> {
    const bytes = new Uint8Array(this.#rowBytes);
    for (const [i, row] of rows.entries()) {
      if (row >= this.#filled) throw new RangeError(`FeatureCache: row ${row} of ${this.#filled} is not computed yet`);
      const { bytesRead } = await this.#file.read(bytes, 0, bytes.length, row * bytes.length);
      if (bytesRead !== bytes.length) throw diskError(this.#path, `row ${row} cannot be read whole`);
      this.#format.decode(bytes, out.subarray(i * this.rowLength, (i + 1) * this.rowLength));
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  get #rowBytes(): number {
    return this.rowLength * this.#format.bytes;
  }

  async #append(features: readonly Float32Array[]): Promise<void> {
    const bytes = new Uint8Array(features.length * this.#rowBytes);
    features.forEach((values, i) => {
      if (values.length !== this.rowLength) {
        throw new RangeError(`FeatureCache: a row of ${values.length} values, expected ${this.rowLength}`);
      }
      this.#format.encode(values, bytes.subarray(i * this.#rowBytes, (i + 1) * this.#rowBytes));
    });
    const written = this.#file.write(bytes, 0, bytes.length, this.#filled * this.#rowBytes);
    const { bytesWritten } = await onDisk(this.#path, written);
    // A disk that is full in the middle of a write takes what fits, without an error.
    if (bytesWritten < bytes.length)
      throw diskError(this.#path, `${bytesWritten} of ${bytes.length} bytes were written`);
    this.#filled += features.length;
    await this.#noteFilled();
  }

  async #noteFilled(): Promise<void> {
    await onDisk(this.#path, this.#file.datasync()); // rows that are counted are there, after a power failure too
    await writeFileAtomically(`${this.#path}.rows`, `${this.#filled}\n`);
  }
}

async function readFilled(path: string): Promise<number> {
  try {
    return Number.parseInt(await readFile(path, 'utf8'), 10) || 0;
  } catch {
    return 0;
  }
}

/** Makes the file where there is none. */
async function openForUpdate(path: string): Promise<FileHandle> {
  const made = await open(path, 'a+');
  await made.close();
  return open(path, 'r+');
}

/** Names the cache where the system refuses `work`. */
async function onDisk<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw diskError(path, (cause as Error).message);
  }
}

function diskError(path: string, problem: string): NetvladError {
  return new NetvladError('environment', `Feature cache ${path}: ${problem}.`, {
    hint: 'Free disk space or choose another --cache folder; rows that are written stay valid.',
  });
}
