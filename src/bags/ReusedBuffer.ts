/**
 * @file Memory for one chunk of a recording after the other. With memory of its own each, the garbage collector would be at work
 * every few chunks, and go through all that lives to find that they do not.
 */
export class ReusedBuffer {
  #buffer = new ArrayBuffer(0);

  /** Grows to the largest that was asked for. What was taken before is overwritten. */
  take(bytes: number): Uint8Array {
    if (this.#buffer.byteLength < bytes) this.#buffer = new ArrayBuffer(bytes);
    return new Uint8Array(this.#buffer, 0, bytes);
  }
}
