/** @file The one way from bytes to pixels that node, replay, map building and training share. */
import { readFile } from 'node:fs/promises';
import type { CameraFrame, FrameProblem } from './CameraFrame.ts';
import { decodeCompressed } from './decodeCompressed.ts';
import { decodeRaw } from './decodeRaw.ts';
import { DEFAULT_FRAME_LIMITS, frameProblem, isFrameProblem, type FrameLimits } from './FrameLimits.ts';
import type { RgbImage } from './RgbImage.ts';

/** Never rejects for what the bytes hold: a frame that cannot be used is a value that says why. */
export async function decodeFrame(
  frame: CameraFrame,
  limits: FrameLimits = DEFAULT_FRAME_LIMITS,
): Promise<RgbImage | FrameProblem> {
  return frame.kind === 'raw' ? decodeRaw(frame, limits) : decodeCompressed(frame, limits);
}

/** Reads an image file; the problem's message names the path. */
export async function loadImage(
  path: string,
  limits: FrameLimits = DEFAULT_FRAME_LIMITS,
): Promise<RgbImage | FrameProblem> {
  let data: Uint8Array;
  try {
    data = await readFile(path);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it does not exist' : (error as Error).message;
    return frameProblem('unreadable', `${path}: cannot be opened (${reason}).`);
  }
  const result = await decodeCompressed({ kind: 'compressed', stampNs: 0n, frameId: '', format: '', data }, limits);
  return isFrameProblem(result) ? frameProblem(result.kind, `${path}: ${result.message}`) : result;
}
