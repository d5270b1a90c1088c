/**
 * @file The outputs of the frozen layers, computed once and kept on disk as half floats: one row an image variant. Memory
 * stays that of the rows in use, whatever the data's size.
 */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NetvladError } from '../errors.ts';
import { makeFolder } from '../makeFolder.ts';
import { decodeFloat16, encodeFloat16 } from '../math/float16.ts';
import { writeFileAtomically } from '../writeFileAtomically.ts';

const BYTES = 2;

/** Makes row `row` of the cache: [rowLength]. */
export type FeatureSource = (rows: readonly number[]) => Promise<readonly Float32Array[]>;

export interface FeatureCacheOptions {
  readonly folder: string;
  /** Names what the rows are made of (layers, images, augmentation): another key, another file. */
  readonly key: string;
  readonly rows: number;
  readonly rowLength: number;
}

/** Rows that were written before an interruption are not computed again: their number stands beside the file. */
export class FeatureCache {
  readonly rows: number;
  readonly rowLength: number;
  readonly #file: FileHandle;
  readonly #path: string;
  #filled: number;

  private constructor(options: FeatureCacheOptions, opened: { file: FileHandle; path: string; filled: number }) {
    this.rows = options.rows;
    this.rowLength = options.rowLength;
    this.#file = opened.file;
    this.#path = opened.path;
    this.#filled = opened.filled;
  }

  static async open(options: FeatureCacheOptions): Promise<FeatureCache> {
    await makeFolder(options.folder);
    const path = join(options.folder, `${options.key}.f16`);
    const file = await open(path, 'a+').then(async (made) => {
      await made.close();
      return open(path, 'r+');
    });
    const filled = await readFilled(`${path}.rows`);
    const { size } = await file.stat();
    const whole = Math.floor(size / (options.rowLength * BYTES));
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
    await this.#file.datasync();
    await this.#noteFilled();
  }

  /** Rows [rows.length, rowLength], written into `out` from the start. */
  async read(rows: readonly number[], out: Float32Array): Promise<void> {
    const halves = new Uint16Array(this.rowLength);
    for (const [i, row] of rows.entries()) {
      if (row >= this.#filled) throw new RangeError(`FeatureCache: row ${row} of ${this.#filled} is not computed yet`);
      const { bytesRead } = await this.#file.read(halves, 0, halves.byteLength, row * halves.byteLength);
      if (bytesRead !== halves.byteLength) throw diskError(this.#path, `row ${row} cannot be read whole`);
      decodeFloat16(halves, out.subarray(i * this.rowLength, (i + 1) * this.rowLength));
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #append(features: readonly Float32Array[]): Promise<void> {
    const halves = new Uint16Array(features.length * this.rowLength);
    features.forEach((values, i) => {
      if (values.length !== this.rowLength) {
        throw new RangeError(`FeatureCache: a row of ${values.length} values, expected ${this.rowLength}`);
      }
      encodeFloat16(values, halves.subarray(i * this.rowLength, (i + 1) * this.rowLength));
    });
    try {
      await this.#file.write(halves, 0, halves.byteLength, this.#filled * this.rowLength * BYTES);
    } catch (cause) {
      throw diskError(this.#path, (cause as Error).message);
    }
    this.#filled += features.length;
    await this.#noteFilled();
  }

  async #noteFilled(): Promise<void> {
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

function diskError(path: string, problem: string): NetvladError {
  return new NetvladError('environment', `Feature cache ${path}: ${problem}.`, {
    hint: 'Free disk space or choose another --cache folder; rows that are written stay valid.',
  });
}
