/** @file Raw sensor_msgs/Image decoding, one row of a table per encoding. */
import assert from 'node:assert/strict';
import type { FrameProblemKind, RawFrame } from '../../src/image/CameraFrame.ts';
import { decodeRaw } from '../../src/image/decodeRaw.ts';
import { isFrameProblem } from '../../src/image/FrameLimits.ts';
import { RAW_ENCODINGS } from '../../src/image/rawEncodings.ts';

function rawFrame(fields: Partial<RawFrame> & Pick<RawFrame, 'encoding' | 'data'>): RawFrame {
  const { width = 2, height = 1 } = fields;
  const step = fields.step ?? fields.data.length / height;
  return { kind: 'raw', stampNs: 5n, frameId: 'camera', width, height, step, isBigEndian: false, ...fields };
}

function decodePixels(frame: RawFrame): number[] {
  const image = decodeRaw(frame);
  assert.ok(!isFrameProblem(image), JSON.stringify(image));
  assert.deepEqual([image.width, image.height], [frame.width, frame.height]);
  return [...image.data];
}

describe('decodeRaw', () => {
  const red = [200, 10, 20];
  const blue = [30, 40, 220];
  const packed: readonly (readonly [string, readonly number[]])[] = [
    ['rgb8', [200, 10, 20, 30, 40, 220]],
    ['bgr8', [20, 10, 200, 220, 40, 30]],
    ['8UC3', [20, 10, 200, 220, 40, 30]],
    ['rgba8', [200, 10, 20, 9, 30, 40, 220, 9]],
    ['bgra8', [20, 10, 200, 9, 220, 40, 30, 9]],
    ['8UC4', [20, 10, 200, 9, 220, 40, 30, 9]],
    ['rgb16', [1, 200, 1, 10, 1, 20, 1, 30, 1, 40, 1, 220]],
    ['bgr16', [1, 20, 1, 10, 1, 200, 1, 220, 1, 40, 1, 30]],
  ];
  for (const [encoding, data] of packed) {
    it(`reads ${encoding}`, () => {
      assert.deepEqual(decodePixels(rawFrame({ encoding, data: Uint8Array.from(data) })), [...red, ...blue]);
    });
  }

  for (const [encoding, data, isBigEndian] of [
    ['mono8', [7, 250], false],
    ['8UC1', [7, 250], false],
    ['mono16', [99, 7, 99, 250], false],
    ['16UC1', [7, 99, 250, 99], true],
  ] as const) {
    it(`reads ${encoding}${isBigEndian ? ', big endian,' : ''} as grey`, () => {
      const frame = rawFrame({ encoding, isBigEndian, data: Uint8Array.from(data) });
      assert.deepEqual(decodePixels(frame), [7, 7, 7, 250, 250, 250]);
    });
  }

  // BT.601 limited range: white is Y 235, black Y 16; (81, 90, 240) is pure red, as OpenCV decodes it (254, 0, 0).
  const yuvCases: readonly (readonly [string, readonly number[], readonly number[]])[] = [
    ['yuv422', [128, 235, 128, 16], [255, 255, 255, 0, 0, 0]],
    ['yuv422_yuy2', [235, 128, 16, 128], [255, 255, 255, 0, 0, 0]],
    ['uyvy', [90, 81, 240, 81], [254, 0, 0, 254, 0, 0]],
    ['yuyv', [81, 90, 81, 240], [254, 0, 0, 254, 0, 0]],
  ];
  for (const [encoding, data, expected] of yuvCases) {
    it(`reads ${encoding} [${data.join(' ')}]`, () => {
      const actual = decodePixels(rawFrame({ encoding, data: Uint8Array.from(data) }));
      actual.forEach((value, at) => {
        assert.ok(Math.abs(value - expected[at]!) <= 1, `${actual.join(' ')} is not ${expected.join(' ')}`);
      });
    });
  }

  it('reads the semi-planar encodings alike when they hold the same colour', () => {
    const luma = [81, 81, 81, 81];
    const nv12 = rawFrame({ encoding: 'nv12', height: 2, step: 2, data: Uint8Array.from([...luma, 90, 240]) });
    const nv21 = rawFrame({ encoding: 'nv21', height: 2, step: 2, data: Uint8Array.from([...luma, 240, 90]) });
    const fullChroma = [90, 240, 90, 240, 90, 240, 90, 240];
    const nv24 = rawFrame({ encoding: 'nv24', height: 2, step: 2, data: Uint8Array.from([...luma, ...fullChroma]) });
    const expected = decodePixels(rawFrame({ encoding: 'yuyv', data: Uint8Array.from([81, 90, 81, 240]) }));
    for (const frame of [nv12, nv21, nv24]) assert.deepEqual(decodePixels(frame), [...expected, ...expected]);
  });

  // A mosaic of a scene of one colour (r 100, g 150, b 200) must come out as that colour everywhere.
  const level = { r: 100, g: 150, b: 200 } as const;
  for (const pattern of ['rggb', 'bggr', 'gbrg', 'grbg'] as const) {
    for (const bits of [8, 16]) {
      it(`reads bayer_${pattern}${bits}`, () => {
        const samples = Array.from({ length: 4 * 6 }, (_, at) => {
          const cell = (Math.floor(at / 6) % 2) * 2 + ((at % 6) % 2);
          return level[pattern[cell] as 'r' | 'g' | 'b'];
        });
        const data = Uint8Array.from(bits === 8 ? samples : samples.flatMap((sample) => [0, sample]));
        const frame = rawFrame({ encoding: `bayer_${pattern}${bits}`, width: 6, height: 4, data });
        assert.deepEqual(decodePixels(frame), Array.from({ length: 24 }, () => [100, 150, 200]).flat());
      });
    }
  }

  it('skips row padding', () => {
    const data = Uint8Array.from([1, 2, 3, 99, 99, 4, 5, 6, 99, 99]);
    assert.deepEqual(decodePixels(rawFrame({ encoding: 'rgb8', width: 1, height: 2, data })), [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(decodePixels(rawFrame({ encoding: 'bgr8', width: 1, height: 2, data })), [3, 2, 1, 6, 5, 4]);
  });

  it('does not copy tightly packed rgb8', () => {
    const data = Uint8Array.from([1, 2, 3, 4, 5, 6, 99]);
    const image = decodeRaw(rawFrame({ encoding: 'rgb8', step: 6, data }));
    assert.ok(!isFrameProblem(image));
    assert.equal(image.data.buffer, data.buffer);
    assert.equal(image.data.length, 6);
  });

  const twelve = new Uint8Array(12);
  const problems: readonly (readonly [string, Partial<RawFrame>, FrameProblemKind, RegExp])[] = [
    ['zero width', { width: 0 }, 'empty', /0 x 2 pixels/],
    ['no bytes', { data: new Uint8Array(0) }, 'empty', /0 bytes/],
    ['an unknown encoding', { encoding: '32FC1' }, 'unknown-encoding', /'32FC1'.*known are rgb8/],
    ['a step below a row', { step: 5 }, 'bad-step', /step is 5.*needs 6 bytes/],
    ['data shorter than height x step', { step: 8 }, 'truncated', /12 bytes, expected 16 \(2 rows x step 8\)/],
    ['an odd width of paired pixels', { encoding: 'yuyv', width: 3 }, 'bad-step', /divisible by 2/],
  ];
  for (const [name, change, kind, message] of problems) {
    it(`refuses ${name}`, () => {
      const result = decodeRaw(rawFrame({ encoding: 'rgb8', height: 2, step: 6, data: twelve, ...change }));
      assert.ok(isFrameProblem(result));
      assert.equal(result.kind, kind);
      assert.match(result.message, message);
    });
  }

  it('refuses a size above the pixel limit before it looks for the bytes', () => {
    const huge = rawFrame({ encoding: 'rgb8', width: 20_000, height: 20_000, step: 60_000, data: twelve });
    const result = decodeRaw(huge);
    assert.ok(isFrameProblem(result));
    assert.equal(result.kind, 'too-large');
    assert.match(result.message, /20000 x 20000 pixels \(400\.0 megapixels\); at most 100\.0/);
  });

  it('never reads beyond the data that an encoding asks for', () => {
    for (const [name, encoding] of RAW_ENCODINGS) {
      const [width, height] = [4, 2];
      const step = encoding.rowBytes(width);
      const data = new Uint8Array(encoding.rowCount(height) * step).fill(128);
      const pixels = decodePixels(rawFrame({ encoding: name, width, height, step, data }));
      assert.equal(pixels.length, width * height * 3, name);
      // A read past the end is undefined, which a Uint8Array stores as 0: mid grey must not hold a black sample.
      assert.ok(Math.min(...pixels) >= 128 && Math.max(...pixels) <= 131, `${name}: ${pixels.join(' ')}`);
    }
  });
});
