/** @file Resampling to a model's input size. Decoding and resizing are apart, so that raw and compressed frames meet one resampler. */
import sharp from 'sharp';
import type { RgbImage } from './RgbImage.ts';
import { sampleNearest } from './sampleNearest.ts';

export type ResizeKernel = 'nearest' | 'linear' | 'cubic' | 'lanczos3';

/** How an image meets a model's input; the matching fields of a model manifest's `input`. */
export interface ResizeSpec {
  readonly width: number;
  readonly height: number;
  /**
   * `stretch`: exactly width x height. `fit`: the largest size of the image's own aspect ratio within width x height.
   * `native`: as it came.
   */
  readonly resize: 'fit' | 'stretch' | 'native';
  /** All but `nearest` widen when they shrink an image (antialiased). */
  readonly kernel: ResizeKernel;
}

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** The size that an image gets under a spec. */
export function computeResizedSize(image: ImageSize, spec: ResizeSpec): ImageSize {
  switch (spec.resize) {
    case 'native':
      return { width: image.width, height: image.height };
    case 'stretch':
      return { width: spec.width, height: spec.height };
    case 'fit': {
      const scale = Math.min(spec.width / image.width, spec.height / image.height);
      return {
        width: Math.max(1, Math.round(image.width * scale)),
        height: Math.max(1, Math.round(image.height * scale)),
      };
    }
  }
}

/**
 * Resizes as a spec says, off the calling thread; the same image comes back, uncopied, when it has its size already.
 * libvips (SIMD) takes a third of the time of a typed-array loop and leaves the caller free.
 */
export async function resizeImage(image: RgbImage, spec: ResizeSpec): Promise<RgbImage> {
  const { width, height } = computeResizedSize(image, spec);
  if (width === image.width && height === image.height) return image;
  if (spec.kernel === 'nearest') return sampleNearest(image, width, height);
  const raw = { width: image.width, height: image.height, channels: 3 } as const;
  const data = await sharp(image.data, { raw, limitInputPixels: false })
    .resize(width, height, { fit: 'fill', kernel: spec.kernel })
    .raw()
    .toBuffer();
  return { data: new Uint8Array(data.buffer, data.byteOffset, data.length), width, height };
}
