/** @file The pixels of an image, wherever its source keeps them. */
import type { FrameProblem } from '../image/CameraFrame.ts';
import { decodeFrame, loadImage } from '../image/decodeFrame.ts';
import type { RgbImage } from '../image/RgbImage.ts';
import type { GeotaggedImage } from './GeotaggedImage.ts';

/** The pixels of an image, from its file or its recorded frame. */
export async function decodeContent({ content }: GeotaggedImage): Promise<RgbImage | FrameProblem> {
  return content.kind === 'file' ? loadImage(content.path) : decodeFrame(content.frame);
}
