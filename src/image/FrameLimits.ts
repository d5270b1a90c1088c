/** @file What a frame may weigh, and how its problems are worded. */
import type { FrameProblem, FrameProblemKind } from './CameraFrame.ts';
import type { RgbImage } from './RgbImage.ts';

export interface FrameLimits {
  /** Largest width * height that is decoded; a guard against decompression bombs. */
  readonly maxPixels: number;
}

/** A hundred megapixels: above any camera and street-view panorama, 300 MB as rgb8. */
export const DEFAULT_FRAME_LIMITS: FrameLimits = { maxPixels: 100_000_000 };

export function isFrameProblem(result: RgbImage | FrameProblem): result is FrameProblem {
  return 'kind' in result;
}

export function frameProblem(kind: FrameProblemKind, message: string): FrameProblem {
  return { kind, message };
}

/** The problem of an image with too many pixels, or null. */
export function checkPixelCount(width: number, height: number, limits: FrameLimits): FrameProblem | null {
  if (width * height <= limits.maxPixels) return null;
  const megapixels = (pixels: number): string => `${(pixels / 1e6).toFixed(1)} megapixels`;
  return frameProblem(
    'too-large',
    `The image has ${width} x ${height} pixels (${megapixels(width * height)}); at most ${megapixels(limits.maxPixels)} are decoded. Scale it down.`,
  );
}
