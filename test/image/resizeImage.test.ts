/** @file Sizes and kernels of the resampler, and the tensor layout. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CameraFrame } from '../../src/image/CameraFrame.ts';
import { decodeFrame } from '../../src/image/decodeFrame.ts';
import { encodeJpeg } from '../../src/image/encode.ts';
import { isFrameProblem } from '../../src/image/FrameLimits.ts';
import { computeResizedSize, resizeImage, type ResizeKernel } from '../../src/image/resizeImage.ts';
import type { RgbImage } from '../../src/image/RgbImage.ts';
import { toTensor } from '../../src/image/toTensor.ts';

const KERNELS: readonly ResizeKernel[] = ['nearest', 'linear', 'cubic', 'lanczos3'];
const side = fc.integer({ min: 1, max: 40 });

/** A picture whose red is linear in x and green linear in y: every interpolating kernel must keep it away from the border. */
function createRamp(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set([x, y, 200], (y * width + x) * 3);
  }
  return { data, width, height };
}

describe('resizeImage', () => {
  it('keeps constant images constant, at every size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(side, side, side, side),
        fc.constantFrom(...KERNELS),
        fc.nat(255),
        async ([fromWidth, fromHeight, width, height], kernel, level) => {
          const data = new Uint8Array(fromWidth * fromHeight * 3).fill(level);
          const image = { data, width: fromWidth, height: fromHeight };
          const resized = await resizeImage(image, { width, height, resize: 'stretch', kernel });
          assert.deepEqual([resized.width, resized.height], [width, height]);
          assert.equal(resized.data.length, width * height * 3);
          assert.ok(resized.data.every((value) => value === level));
        },
      ),
      { numRuns: 60 },
    );
  });

  for (const kernel of KERNELS.slice(1)) {
    it(`samples pixel centres: ${kernel}`, async () => {
      const resized = await resizeImage(createRamp(240, 160), { width: 96, height: 80, resize: 'stretch', kernel });
      for (let y = 8; y < 72; y++) {
        for (let x = 8; x < 88; x++) {
          const [red, green, blue] = resized.data.subarray((y * 96 + x) * 3, (y * 96 + x) * 3 + 3);
          // The centre of output pixel x lies at (x + 0.5) * 2.5 in input pixels, whose centres are at n + 0.5.
          assert.ok(Math.abs(red! - ((x + 0.5) * 2.5 - 0.5)) <= 1, `${kernel}: column ${x} holds ${red!}`);
          assert.ok(Math.abs(green! - ((y + 0.5) * 2 - 0.5)) <= 1, `${kernel}: row ${y} holds ${green!}`);
          assert.equal(blue, 200);
        }
      }
    });
  }

  it('averages when it shrinks, unless told to pick', async () => {
    const data = new Uint8Array(64 * 64 * 3);
    for (let pixel = 0; pixel < 64 * 64; pixel += 2) data.fill(255, pixel * 3, pixel * 3 + 3);
    const stripes = { data, width: 64, height: 64 };
    const spec = { width: 16, height: 16, resize: 'stretch' } as const;
    const averaged = await resizeImage(stripes, { ...spec, kernel: 'linear' });
    assert.ok(averaged.data.every((value) => Math.abs(value - 128) <= 8));
    const picked = await resizeImage(stripes, { ...spec, kernel: 'nearest' });
    assert.ok(picked.data.every((value) => value === 0 || value === 255));
  });

  it('gives JPEG bytes and their decoded pixels the same result', async () => {
    const jpeg = await encodeJpeg(createRamp(200, 150));
    const header = { stampNs: 0n, frameId: 'camera' };
    const fromBytes = await decodeFrame({ ...header, kind: 'compressed', format: 'jpeg', data: jpeg });
    assert.ok(!isFrameProblem(fromBytes));
    const bgr = Uint8Array.from(fromBytes.data, (_, at) => fromBytes.data[at + 2 - 2 * (at % 3)]!);
    const raw: CameraFrame = {
      ...header,
      ...{ kind: 'raw', width: 200, height: 150, encoding: 'bgr8', step: 600, isBigEndian: false, data: bgr },
    };
    const fromRaw = await decodeFrame(raw);
    assert.ok(!isFrameProblem(fromRaw));
    const spec = { width: 64, height: 48, resize: 'stretch', kernel: 'linear' } as const;
    assert.deepEqual(await resizeImage(fromRaw, spec), await resizeImage(fromBytes, spec));
  });

  it('hands an image of the right size back uncopied', async () => {
    const image: RgbImage = { data: new Uint8Array(18), width: 3, height: 2 };
    assert.equal(await resizeImage(image, { width: 3, height: 2, resize: 'stretch', kernel: 'linear' }), image);
    assert.equal(await resizeImage(image, { width: 9, height: 9, resize: 'native', kernel: 'linear' }), image);
  });

  it('computes the size of each rule', () => {
    const spec = { width: 320, height: 240, kernel: 'linear' } as const;
    const wide = { width: 960, height: 540 };
    assert.deepEqual(computeResizedSize(wide, { ...spec, resize: 'stretch' }), { width: 320, height: 240 });
    assert.deepEqual(computeResizedSize(wide, { ...spec, resize: 'fit' }), { width: 320, height: 180 });
    assert.deepEqual(computeResizedSize(wide, { ...spec, resize: 'native' }), wide);
    const thin = computeResizedSize({ width: 1, height: 1000 }, { ...spec, resize: 'fit' });
    assert.deepEqual(thin, { width: 1, height: 240 });
  });
});

describe('toTensor', () => {
  const image: RgbImage = { data: Uint8Array.from([255, 0, 51, 0, 255, 102]), width: 2, height: 1 };
  const spec = { scale: 1 / 255, mean: [0.5, 0.25, 0], std: [0.5, 0.25, 2] } as const;

  it('writes planes of (pixel * scale - mean) / std at the offset', () => {
    const out = new Float32Array(7).fill(9);
    toTensor(image, { ...spec, colour: 'rgb' }, out, 1);
    assert.deepEqual([...out], [9, 1, -1, -1, 3, ...Float32Array.of(0.1, 0.2)]);
  });

  it('takes mean and std in the order of the colours', () => {
    const out = new Float32Array(6);
    toTensor(image, { ...spec, colour: 'bgr' }, out);
    assert.deepEqual([...out], [...Float32Array.of(-0.6, -0.2, -1, 3, 0.5, 0)]);
  });

  it('refuses a tensor without room', () => {
    assert.throws(() => {
      toTensor(image, { ...spec, colour: 'rgb' }, new Float32Array(6), 1);
    }, /6 values has no room for 3 x 1 x 2 at 1/);
  });
});
