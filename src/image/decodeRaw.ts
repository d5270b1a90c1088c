/** @file sensor_msgs/Image to RGB. Every size is checked before a byte is read. */
import type { FrameProblem, RawFrame } from './CameraFrame.ts';
import { checkPixelCount, DEFAULT_FRAME_LIMITS, frameProblem, type FrameLimits } from './FrameLimits.ts';
import { RAW_ENCODINGS, type RawEncoding } from './rawEncodings.ts';
import type { RgbImage } from './RgbImage.ts';

function checkLayout(frame: RawFrame, encoding: RawEncoding): FrameProblem | null {
  const { width, height, step } = frame;
  const [alignX, alignY] = encoding.alignment;
  if (width % alignX !== 0 || height % alignY !== 0) {
    return frameProblem(
      'bad-step',
      `Encoding '${frame.encoding}' needs a width divisible by ${alignX} and a height divisible by ${alignY}; the message says ${width} x ${height}.`,
    );
  }
  const rowBytes = encoding.rowBytes(width);
  if (step < rowBytes) {
    return frameProblem(
      'bad-step',
      `step is ${step}, but a row of ${width} '${frame.encoding}' pixels needs ${rowBytes} bytes. The driver fills sensor_msgs/Image.step wrongly.`,
    );
  }
  const expected = encoding.rowCount(height) * step;
  if (frame.data.length < expected) {
    return frameProblem(
      'truncated',
      `data holds ${frame.data.length} bytes, expected ${expected} (${encoding.rowCount(height)} rows x step ${step}).`,
    );
  }
  return null;
}

/** Decodes a raw message. Tightly packed `rgb8` is returned as a view of `frame.data`, not as a copy. */
export function decodeRaw(frame: RawFrame, limits: FrameLimits = DEFAULT_FRAME_LIMITS): RgbImage | FrameProblem {
  const { width, height, step, data, isBigEndian } = frame;
  if (width === 0 || height === 0 || data.length === 0) {
    return frameProblem('empty', `The image is empty: ${width} x ${height} pixels, ${data.length} bytes.`);
  }
  const encoding = RAW_ENCODINGS.get(frame.encoding);
  if (encoding === undefined) {
    return frameProblem(
      'unknown-encoding',
      `Encoding '${frame.encoding}' cannot be decoded; known are ${[...RAW_ENCODINGS.keys()].join(', ')}. Convert the topic (image_proc, cv_bridge) or choose another one.`,
    );
  }
  const problem = checkPixelCount(width, height, limits) ?? checkLayout(frame, encoding);
  if (problem !== null) return problem;
  if (frame.encoding === 'rgb8' && step === width * 3) {
    return { data: data.length === height * step ? data : data.subarray(0, height * step), width, height };
  }
  const out = new Uint8Array(width * height * 3);
  encoding.convert({ data, width, height, step, isBigEndian }, out);
  return { data: out, width, height };
}
