/** @file The sensor_msgs/image_encodings that can be turned into RGB, one row of a table each. */
import { convertBayer, type BayerPattern } from './bayer.ts';
import { convertPacked422, convertSemiPlanar } from './yuv.ts';

/** Pixels of a raw message whose size, step and length have been checked. */
export interface RawPixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Bytes from one row to the next. */
  readonly step: number;
  readonly isBigEndian: boolean;
}

/** Fills `out` [height, width, 3]. */
export type RawConverter = (pixels: RawPixels, out: Uint8Array) => void;

export interface RawEncoding {
  /** Bytes of a row of `width` pixels without padding (of the first plane, for planar encodings). */
  rowBytes(width: number): number;
  /** Rows of `step` bytes that `height` pixel rows occupy; more than `height` for planar encodings. */
  rowCount(height: number): number;
  /** Width and height must be multiples of it. */
  readonly alignment: readonly [number, number];
  readonly convert: RawConverter;
}

/** Where red, green and blue stand in a pixel of `channels` samples. */
interface Packing {
  readonly channels: number;
  readonly red: number;
  readonly green: number;
  readonly blue: number;
}

const RGB: Packing = { channels: 3, red: 0, green: 1, blue: 2 };
const BGR: Packing = { channels: 3, red: 2, green: 1, blue: 0 };
const RGBA: Packing = { ...RGB, channels: 4 };
const BGRA: Packing = { ...BGR, channels: 4 };
const MONO: Packing = { channels: 1, red: 0, green: 0, blue: 0 };

function convertPacked(packing: Packing, bytesPerSample: 1 | 2): RawConverter {
  return ({ data, width, height, step, isBigEndian }, out) => {
    const stride = packing.channels * bytesPerSample;
    // 16 bits become 8 by their high byte, as PNG decoders do.
    const high = bytesPerSample === 2 && !isBigEndian ? 1 : 0;
    const red = packing.red * bytesPerSample + high;
    const green = packing.green * bytesPerSample + high;
    const blue = packing.blue * bytesPerSample + high;
    let target = 0;
    for (let row = 0; row < height; row++) {
      let source = row * step;
      for (let column = 0; column < width; column++) {
        out[target] = data[source + red]!;
        out[target + 1] = data[source + green]!;
        out[target + 2] = data[source + blue]!;
        target += 3;
        source += stride;
      }
    }
  };
}

function packed(packing: Packing, bytesPerSample: 1 | 2 = 1): RawEncoding {
  return {
    rowBytes: (width) => width * packing.channels * bytesPerSample,
    rowCount: (height) => height,
    alignment: [1, 1],
    convert: convertPacked(packing, bytesPerSample),
  };
}

function packed422(luma: 0 | 1): RawEncoding {
  return {
    rowBytes: (width) => width * 2,
    rowCount: (height) => height,
    alignment: [2, 1],
    convert: (pixels, out) => {
      convertPacked422(pixels, luma, out);
    },
  };
}

function semiPlanar(chroma: 'uv' | 'vu', subsampling: 1 | 2): RawEncoding {
  return {
    rowBytes: (width) => width,
    rowCount: (height) => (subsampling === 2 ? height + height / 2 : 3 * height),
    alignment: [subsampling, subsampling],
    convert: (pixels, out) => {
      convertSemiPlanar(pixels, { uFirst: chroma === 'uv', subsampling }, out);
    },
  };
}

function bayer(pattern: BayerPattern, bytesPerSample: 1 | 2 = 1): RawEncoding {
  return {
    rowBytes: (width) => width * bytesPerSample,
    rowCount: (height) => height,
    alignment: [2, 2],
    convert: (pixels, out) => {
      convertBayer(pixels, { pattern, bytesPerSample }, out);
    },
  };
}

/**
 * sensor_msgs/image_encodings.hpp. The OpenCV names `8UC3` and `8UC4` say nothing of colour and are read in OpenCV's
 * order, blue first. Depth images (`32FC1`, `16SC1`) are no camera images and are missing on purpose.
 */
export const RAW_ENCODINGS: ReadonlyMap<string, RawEncoding> = new Map<string, RawEncoding>([
  ['rgb8', packed(RGB)],
  ['bgr8', packed(BGR)],
  ['rgba8', packed(RGBA)],
  ['bgra8', packed(BGRA)],
  ['mono8', packed(MONO)],
  ['rgb16', packed(RGB, 2)],
  ['bgr16', packed(BGR, 2)],
  ['rgba16', packed(RGBA, 2)],
  ['bgra16', packed(BGRA, 2)],
  ['mono16', packed(MONO, 2)],
  ['8UC1', packed(MONO)],
  ['8UC3', packed(BGR)],
  ['8UC4', packed(BGRA)],
  ['16UC1', packed(MONO, 2)],
  ['16UC3', packed(BGR, 2)],
  ['16UC4', packed(BGRA, 2)],
  ['yuv422', packed422(1)],
  ['uyvy', packed422(1)],
  ['yuv422_yuy2', packed422(0)],
  ['yuyv', packed422(0)],
  ['nv12', semiPlanar('uv', 2)],
  ['nv21', semiPlanar('vu', 2)],
  ['nv24', semiPlanar('uv', 1)],
  ['bayer_rggb8', bayer('rggb')],
  ['bayer_bggr8', bayer('bggr')],
  ['bayer_gbrg8', bayer('gbrg')],
  ['bayer_grbg8', bayer('grbg')],
  ['bayer_rggb16', bayer('rggb', 2)],
  ['bayer_bggr16', bayer('bggr', 2)],
  ['bayer_gbrg16', bayer('gbrg', 2)],
  ['bayer_grbg16', bayer('grbg', 2)],
]);
