/** @file JPEG, PNG, WebP and whatever else libvips reads, to 8-bit sRGB. */
import sharp from 'sharp';
import type { CompressedFrame, FrameProblem } from './CameraFrame.ts';
import { checkPixelCount, DEFAULT_FRAME_LIMITS, frameProblem, type FrameLimits } from './FrameLimits.ts';
import type { RgbImage } from './RgbImage.ts';
import { countOf } from '../countOf.ts';

const COLOUR_ENCODING = /^(rgb|bgr)a?(8|16)$/;

/**
 * Whether red and blue of the decoded image must be exchanged. image_transport writes `format` as
 * `<original>; <codec> compressed <stored>`; a colour stream whose stored encoding is not bgr was handed to the codec
 * with its bytes in RGB order as if they were BGR (compressed_image_transport, compressed_subscriber.cpp).
 */
export function storesSwappedColours(format: string): boolean {
  const separator = format.indexOf(';');
  if (separator < 0) return false;
  return COLOUR_ENCODING.test(format.slice(0, separator).trim()) && !format.slice(separator).includes('compressed bgr');
}

function swapRedAndBlue(data: Uint8Array): void {
  for (let at = 0; at < data.length; at += 3) {
    const red = data[at]!;
    data[at] = data[at + 2]!;
    data[at + 2] = red;
  }
}

/** Why the codec failed, told apart by its header, which is read again only in this rare case. */
async function explainFailure(frame: CompressedFrame, limits: FrameLimits, cause: unknown): Promise<FrameProblem> {
  const detail = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]!.trim();
  try {
    const { width, height } = await sharp(frame.data, { limitInputPixels: false }).metadata();
    const tooLarge = checkPixelCount(width, height, limits);
    if (tooLarge !== null) return tooLarge;
  } catch {
    const announced = frame.format === '' ? '' : `, announced as '${frame.format}'`;
    return frameProblem(
      'corrupt',
      `No image that can be read (JPEG, PNG, WebP, TIFF, GIF) in ${countOf(frame.data.length, 'byte')}${announced}: ${detail}.`,
    );
  }
  const kind = /premature end|truncat|unexpected end|end of (stream|file)|not enough|ran out of data|read error/i.test(
    detail,
  )
    ? 'truncated'
    : 'corrupt';
  return frameProblem(kind, `The image data ends early or is damaged: ${detail}.`);
}

/** Decodes fully, at the stored size; EXIF orientation is applied, alpha dropped, CMYK, grey and 16 bit converted. */
export async function decodeCompressed(
  frame: CompressedFrame,
  limits: FrameLimits = DEFAULT_FRAME_LIMITS,
): Promise<RgbImage | FrameProblem> {
  if (frame.data.length === 0) return frameProblem('empty', 'The image is empty: 0 bytes.');
  try {
    // 'error' refuses truncated and damaged data, and lets pass what codecs merely warn of (stray bytes between markers).
    const { data, info } = await sharp(frame.data, { failOn: 'error', limitInputPixels: limits.maxPixels })
      .autoOrient()
      .toColourspace('srgb')
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const image = toRgb(new Uint8Array(data.buffer, data.byteOffset, data.length), info);
    if (storesSwappedColours(frame.format)) swapRedAndBlue(image.data);
    return image;
  } catch (error) {
    return explainFailure(frame, limits, error);
  }
}

/** libvips keeps a grey image at one channel. */
function toRgb(data: Uint8Array, info: { width: number; height: number; channels: number }): RgbImage {
  const { width, height, channels } = info;
  if (channels === 3) return { data, width, height };
  const out = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) out.fill(data[pixel * channels]!, pixel * 3, pixel * 3 + 3);
  return { data: out, width, height };
}
