/** @file The decoded image that every stage after decoding works on. */

/** Eight bits a channel, red green blue, rows packed without padding. */
export interface RgbImage {
  /** [height, width, 3] row-major. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}
