/** @file How long does a camera frame take from bytes to tensor, and where does the time go? `node dist/bench/preprocess.js` */
import sharp from 'sharp';
import type { CameraFrame } from '../src/image/CameraFrame.ts';
import { decodeFrame } from '../src/image/decodeFrame.ts';
import { isFrameProblem } from '../src/image/FrameLimits.ts';
import { resizeImage, type ResizeKernel } from '../src/image/resizeImage.ts';
import type { RgbImage } from '../src/image/RgbImage.ts';
import { toTensor } from '../src/image/toTensor.ts';
import { median, quantile } from '../src/math/statistics.ts';

const WARM_UP = 40;
const ROUNDS = 200;
const INPUT = { width: 320, height: 240, resize: 'stretch', colour: 'rgb', scale: 1 / 255 } as const;
const NORMALISATION = { ...INPUT, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

/** Soft shapes with some grain: compresses like a photograph. */
function createPicture(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let at = 0; at < data.length; at++) {
    const x = Math.floor(at / 3) % width;
    const y = Math.floor(at / 3 / width);
    data[at] = 128 + 60 * Math.sin(x / 17 + (at % 3)) * Math.cos(y / 23) + ((at * 7919) % 23);
  }
  return { data, width, height };
}

async function measure(name: string, work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const start = performance.now();
    await work();
    if (round >= WARM_UP) times.push(performance.now() - start);
  }
  const [middle, late] = [median(times), quantile(times, 0.95)];
  console.log(`${name.padEnd(44)} median ${middle.toFixed(2)} ms   p95 ${late.toFixed(2)} ms`);
  return middle;
}

function orThrow(result: Awaited<ReturnType<typeof decodeFrame>>): RgbImage {
  if (isFrameProblem(result)) throw new Error(result.message);
  return result;
}

const picture = createPicture(640, 480);
const { width, height, data } = picture;
const tensor = new Float32Array(3 * INPUT.width * INPUT.height);
const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
  .jpeg({ quality: 90 })
  .toBuffer();
const header = { stampNs: 0n, frameId: 'camera' };
const raw = (encoding: string, bytes: Uint8Array, step: number): CameraFrame => ({
  ...header,
  ...{ kind: 'raw', width, height, encoding, step, isBigEndian: false, data: bytes },
});
const frames: readonly (readonly [string, CameraFrame])[] = [
  ['rgb8', raw('rgb8', data, width * 3)],
  ['bgr8', raw('bgr8', data, width * 3)],
  ['yuv422_yuy2', raw('yuv422_yuy2', data, width * 2)],
  ['bayer_rggb8', raw('bayer_rggb8', data, width)],
  ['jpeg', { ...header, kind: 'compressed', format: 'jpeg', data: jpeg }],
];

console.log('640x480 to [3, 240, 320], stretch, linear');
for (const [name, frame] of frames) await measure(`decode ${name}`, () => decodeFrame(frame));
for (const kernel of ['nearest', 'linear', 'cubic', 'lanczos3'] as const satisfies readonly ResizeKernel[]) {
  await measure(`resize ${kernel}`, () => resizeImage(picture, { ...INPUT, kernel }));
}
const small = await resizeImage(picture, { ...INPUT, kernel: 'linear' });
await measure('to tensor', () => {
  toTensor(small, NORMALISATION, tensor);
});
let last = 0;
for (const [name, frame] of frames) {
  last = await measure(`all of it, ${name}`, async () => {
    const resized = await resizeImage(orThrow(await decodeFrame(frame)), { ...INPUT, kernel: 'linear' });
    toTensor(resized, NORMALISATION, tensor);
  });
}
const fused = await measure('JPEG bytes to small pixels in one sharp pipeline', () =>
  sharp(jpeg).resize(INPUT.width, INPUT.height, { fit: 'fill', kernel: 'linear' }).raw().toBuffer(),
);
console.log(
  `ours / one fused pipeline with scaled JPEG decoding (other pixels than a raw frame gives): ${(last / fused).toFixed(2)}`,
);
