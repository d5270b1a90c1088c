/** @file Random access to a file through one small window, so that walking records costs few reads. */
import { open, type FileHandle } from 'node:fs/promises';
import type { ReusedBuffer } from './ReusedBuffer.ts';

const WINDOW_BYTES = 256 * 1024;

export class FileWindow {
  readonly path: string;
  readonly size: number;
  readonly #file: FileHandle;
  #window: Uint8Array = new Uint8Array(0);
  #windowStart = 0;

  private constructor(path: string, file: FileHandle, size: number) {
    this.path = path;
    this.#file = file;
    this.size = size;
  }

  static async open(path: string): Promise<FileWindow> {
    const file = await open(path);
    const { size } = await file.stat();
    return new FileWindow(path, file, size);
  }

  /** Up to `length` bytes from `offset`, fewer at the end of the file. The result is valid until the next call. */
  async peek(offset: number, length: number): Promise<Uint8Array> {
    const end = Math.min(this.size, offset + length);
    if (offset < this.#windowStart || end > this.#windowStart + this.#window.length) {
      this.#window = await this.read(offset, Math.max(length, WINDOW_BYTES));
      this.#windowStart = offset;
    }
    return this.#window.subarray(offset - this.#windowStart, Math.max(0, end - this.#windowStart));
  }

  /** As `peek`, in memory of its own; in `reused`, where given, until that is taken again. */
  async read(offset: number, length: number, reused?: ReusedBuffer): Promise<Uint8Array> {
    const wanted = Math.max(0, Math.min(length, this.size - offset));
    const buffer = reused?.take(wanted) ?? new Uint8Array(wanted);
    let filled = 0;
    while (filled < wanted) {
      const { bytesRead } = await this.#file.read(buffer, filled, wanted - filled, offset + filled);
      if (bytesRead === 0) break; // the file shrank meanwhile
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
